"""Histograms of what is known of a set of objects."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from deepfield.nouns.quantity import Quantity
from deepfield.report.figures import COLOURS, label, new_figure, tidy

BINS = 30
SKEWED = 0.15
"""ratio of the median to the 99th percentile below which the axis is logarithmic"""


def distributions(truth: Sequence[tuple[Quantity, np.ndarray]], *, columns: int = 4) -> Figure:
    """A small histogram for every quantity.

    Args:
        truth: quantities with their values, [object] or [object, source]; NaN and, for classes,
            -1 are not known and left out.
        columns: histograms in a row.

    Raises:
        ValueError: nothing to show.

    Example:
        >>> figure = distributions([(Quantity("redshift"), np.linspace(0, 1, 50))])
        >>> figure.axes[0].get_xlabel()
        'redshift'
    """
    if not truth:
        raise ValueError("no quantities; expected at least one with values")
    across = min(columns, len(truth))
    down = -(-len(truth) // across)
    figure = new_figure(2.6 * across, 2.0 * down)
    grid = figure.subplots(down, across, squeeze=False)
    for axes in grid.flat[len(truth) :]:
        axes.set_axis_off()
    for axes, (quantity, values) in zip(grid.flat, truth, strict=False):
        values = np.asarray(values).ravel()
        if quantity.classes:
            counts = np.bincount(values[values >= 0], minlength=len(quantity.classes))
            axes.bar(quantity.classes, counts, color=COLOURS[0])
            axes.tick_params(axis="x", rotation=30, labelsize=7)
        else:
            _histogram(axes, values[np.isfinite(values)])
        tidy(axes, x=label(quantity.name, quantity.unit), y="")
        axes.tick_params(labelsize=7)
        axes.xaxis.label.set_size(8)
    return figure


def _histogram(axes: Axes, values: np.ndarray) -> None:
    if len(values) == 0:
        return
    if values.min() > 0 and np.median(values) < SKEWED * np.quantile(values, 0.99):
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        bins = np.geomspace(values.min(), values.max(), BINS + 1)
    else:
        bins = np.linspace(values.min(), max(values.max(), values.min() + 1e-9), BINS + 1)
    axes.hist(values, bins.tolist(), color=COLOURS[0])
