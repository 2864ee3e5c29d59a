"""Coverage curves: how often intervals of every nominal coverage hold the truth."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from matplotlib.figure import Figure

from deepfield.report.figures import label, tidy
from deepfield.report.panels import colours, legend, panels


class CoveragePoints(Protocol):
    """Nominal and actual coverage; every field is [level]."""

    @property
    def nominal(self) -> np.ndarray:
        """What the intervals promise."""

    @property
    def actual(self) -> np.ndarray:
        """Share of the truths that they hold."""

    @property
    def low(self) -> np.ndarray:
        """Lower limit of the actual coverage."""

    @property
    def high(self) -> np.ndarray:
        """Upper limit of the actual coverage."""


def coverage_curves(curves: Mapping[str, Mapping[str, CoveragePoints]]) -> Figure:
    """One panel a quantity, one curve a method; on the diagonal intervals keep their promise.

    Args:
        curves: by quantity and method, at least one.

    Raises:
        ValueError: no curves.

    Example:
        >>> from types import SimpleNamespace
        >>> half = np.array([0.5])
        >>> points = SimpleNamespace(nominal=half, actual=half, low=half - 0.1, high=half + 0.1)
        >>> coverage_curves({"redshift": {"net": points}}).axes[0].get_title()
        'redshift'
    """
    if not curves:
        raise ValueError("no coverage curves; expected at least one quantity")
    figure, grid = panels(len(curves))
    colour = colours(list(dict.fromkeys(m for methods in curves.values() for m in methods)))
    for axes, (name, methods) in zip(grid, curves.items(), strict=True):
        tidy(axes, x="nominal coverage", y="actual coverage")
        axes.label_outer()
        axes.set_title(label(name), fontsize=10)
        axes.plot([0, 1], [0, 1], color="#888888", linestyle="--", linewidth=1)
        for method, points in methods.items():
            limits = (points.low, points.high)
            axes.fill_between(
                points.nominal, *limits, color=colour[method], alpha=0.18, linewidth=0
            )
            axes.plot(
                points.nominal,
                points.actual,
                color=colour[method],
                linewidth=1.5,
                label=label(method),
            )
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_aspect("equal")
    legend(figure, max(grid, key=lambda axes: len(axes.get_legend_handles_labels()[0])))
    return figure
