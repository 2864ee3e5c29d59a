"""Histograms of where in its posterior each truth lies: PIT, the ranks of SBC."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from matplotlib.figure import Figure

from deepfield.report.figures import label, tidy
from deepfield.report.panels import colours, legend, panels

HIGHEST = 4.0
"""of the vertical axis; taller bars are cut"""


class RankCounts(Protocol):
    """Objects by rank; arrays are [bin]."""

    @property
    def edges(self) -> np.ndarray:
        """[bin + 1]."""

    @property
    def count(self) -> np.ndarray:
        """Of objects."""

    @property
    def expected(self) -> float:
        """Objects a bin, if ranks are uniform."""

    @property
    def low(self) -> float:
        """Below which 2.5 % of the counts lie, if ranks are uniform."""

    @property
    def high(self) -> float:
        """Above which 2.5 % of the counts lie, if ranks are uniform."""


def rank_histograms(histograms: Mapping[str, Mapping[str, RankCounts]]) -> Figure:
    """One panel a quantity, one outline a method; bands hold 95 % of the bins if calibrated.

    Args:
        histograms: by quantity and method, at least one.

    Raises:
        ValueError: no histograms.

    Example:
        >>> from types import SimpleNamespace
        >>> counts = SimpleNamespace(
        ...     edges=np.array([0, 0.5, 1]), count=np.array([6, 4]), expected=5, low=2, high=8
        ... )
        >>> rank_histograms({"redshift": {"net": counts}}).axes[0].get_title()
        'redshift'
    """
    if not histograms:
        raise ValueError("no histograms; expected at least one quantity")
    figure, grid = panels(len(histograms))
    colour = colours(list(dict.fromkeys(m for methods in histograms.values() for m in methods)))
    highest = 1.5
    for axes, (name, methods) in zip(grid, histograms.items(), strict=True):
        tidy(axes, x="probability below the truth", y="objects / expected")
        axes.label_outer()
        axes.set_title(label(name), fontsize=10)
        for method, counts in methods.items():
            scale = max(counts.expected, 1e-9)
            limits = (counts.low / scale, counts.high / scale)
            axes.axhspan(*limits, color=colour[method], alpha=0.12, linewidth=0)
            heights = counts.count / scale
            axes.stairs(
                heights, counts.edges, color=colour[method], linewidth=1.5, label=label(method)
            )
            highest = max(highest, float(heights.max(initial=0)), limits[1])
        axes.axhline(1, color="#888888", linestyle="--", linewidth=1)
        axes.set_xlim(0, 1)
    for axes in grid:
        axes.set_ylim(0, 1.05 * min(highest, HIGHEST))
    legend(figure, max(grid, key=lambda axes: len(axes.get_legend_handles_labels()[0])))
    return figure
