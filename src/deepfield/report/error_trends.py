"""Bias and scatter against brightness, inclination, redshift and signal-to-noise."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepfield.nouns.quantity import Quantity
from deepfield.report.figures import MARKERS, label, tidy
from deepfield.report.panels import colours, legend, panels


class ErrorPoints(Protocol):
    """Bias and scatter of one quantity in bins of another; arrays are [bin]."""

    @property
    def target(self) -> str:
        """What is measured."""

    @property
    def unit(self) -> str:
        """Of the errors."""

    @property
    def quantity(self) -> Quantity:
        """Along the horizontal axis."""

    @property
    def centre(self) -> np.ndarray:
        """Where each bin is."""

    @property
    def bias(self) -> Mapping[str, np.ndarray]:
        """Median error by method."""

    @property
    def bias_error(self) -> Mapping[str, np.ndarray]:
        """Its 95 % half-width."""

    @property
    def scatter(self) -> Mapping[str, np.ndarray]:
        """By method."""


def bias_trends(trends: Sequence[ErrorPoints]) -> Figure:
    """Median error with its 95 % limits: one panel a pair of quantities, one curve a method.

    Args:
        trends: at least one.

    Raises:
        ValueError: no trends.
    """
    figure, grid, colour = _grid(trends)
    for axes, trend in zip(grid, trends, strict=True):
        _dress(axes, trend, f"bias of {label(trend.target, trend.unit)}")
        axes.axhline(0, color="#888888", linestyle="--", linewidth=1)
        for i, (method, bias) in enumerate(trend.bias.items()):
            axes.errorbar(
                trend.centre,
                bias,
                yerr=trend.bias_error[method],
                color=colour[method],
                marker=MARKERS[i % len(MARKERS)],
                markersize=4,
                linewidth=1.3,
                elinewidth=0.8,
                label=label(method),
            )
    legend(figure, grid[0])
    return figure


def scatter_trends(trends: Sequence[ErrorPoints]) -> Figure:
    """Scatter of the errors: one panel a pair of quantities, one curve a method.

    Args:
        trends: at least one.

    Raises:
        ValueError: no trends.
    """
    figure, grid, colour = _grid(trends)
    for axes, trend in zip(grid, trends, strict=True):
        _dress(axes, trend, f"scatter of {label(trend.target, trend.unit)}")
        for i, (method, scatter) in enumerate(trend.scatter.items()):
            axes.plot(
                trend.centre,
                scatter,
                color=colour[method],
                marker=MARKERS[i % len(MARKERS)],
                markersize=4,
                linewidth=1.3,
                label=label(method),
            )
        axes.set_ylim(bottom=0)
    legend(figure, grid[0])
    return figure


def _grid(trends: Sequence[ErrorPoints]) -> tuple[Figure, list[Axes], dict[str, str]]:
    if not trends:
        raise ValueError("no trends; expected at least one quantity to draw against")
    figure, grid = panels(len(trends), most=3, size=3.1)
    return figure, grid, colours(list(dict.fromkeys(m for t in trends for m in t.bias)))


def _dress(axes: Axes, trend: ErrorPoints, y: str) -> None:
    tidy(axes, x=label(trend.quantity.name, trend.quantity.unit), y=y)
    axes.yaxis.label.set_fontsize(8)
    if trend.centre.min() > 0 and trend.centre.max() > 10 * trend.centre.min():
        axes.set_xscale("log")
