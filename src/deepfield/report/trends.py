"""Accuracy against brightness, size and signal-to-noise."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from matplotlib.figure import Figure

from deepfield.nouns.quantity import Quantity
from deepfield.report.figures import COLOURS, MARKERS, label, new_figure, tidy


class TrendPoints(Protocol):
    """Accuracy of every method in bins of one quantity; arrays are [bin]."""

    @property
    def quantity(self) -> Quantity:
        """Along the horizontal axis."""

    @property
    def centre(self) -> np.ndarray:
        """Where each bin is."""

    @property
    def accuracy(self) -> Mapping[str, np.ndarray]:
        """By method."""

    @property
    def low(self) -> Mapping[str, np.ndarray]:
        """Lower limits by method."""

    @property
    def high(self) -> Mapping[str, np.ndarray]:
        """Upper limits by method."""


def trend_curves(trends: Sequence[TrendPoints]) -> Figure:
    """One panel a quantity, one curve a method, with bands of 95 % binomial limits.

    An axis whose values span more than a factor 30 is logarithmic.

    Args:
        trends: at least one.

    Raises:
        ValueError: no trends.

    Example:
        >>> from types import SimpleNamespace
        >>> half = {"net": np.array([0.5, 0.4])}
        >>> points = SimpleNamespace(
        ...     quantity=Quantity("magnitude", "mag"),
        ...     centre=np.array([20.0, 22.0]),
        ...     **dict.fromkeys(("accuracy", "low", "high"), half),
        ... )
        >>> trend_curves([points]).axes[0].get_xlabel()
        'magnitude (mag)'
    """
    if not trends:
        raise ValueError("no trends; expected at least one quantity to draw against")
    across = min(len(trends), 3)
    down = -(-len(trends) // across)
    figure = new_figure(max(3.6 * across, 5.5), 3.4 * down + 0.4)
    grid = figure.subplots(down, across, squeeze=False, sharey=True)
    for axes in grid.flat[len(trends) :]:
        axes.set_axis_off()
    for panel, (axes, trend) in enumerate(zip(grid.flat, trends, strict=False)):
        y = "accuracy" if panel % across == 0 else ""
        tidy(axes, x=label(trend.quantity.name, trend.quantity.unit), y=y)
        if trend.centre.min() > 0 and trend.centre.max() > 30 * trend.centre.min():
            axes.set_xscale("log")
        for i, (method, accuracy) in enumerate(trend.accuracy.items()):
            colour = COLOURS[i % len(COLOURS)]
            limits = (trend.low[method], trend.high[method])
            axes.fill_between(trend.centre, *limits, color=colour, alpha=0.15, linewidth=0)
            axes.plot(
                trend.centre,
                accuracy,
                color=colour,
                marker=MARKERS[i % len(MARKERS)],
                markersize=4.5,
                linewidth=1.5,
                label=label(method),
            )
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    return figure
