"""Predicted against true, of the network and its rivals side by side."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from deepfield.report.figures import label, new_figure, tidy

MOST_QUANTITIES = 9
MOST_POINTS = 1500
"""of a panel; more would hide each other"""
LEVELS = {10: "#CC3311", 20: "#EE8866", 50: "#BBAA33", 100: "#33AA88", 200: "#0066AA"}
UNKNOWN = "#555555"


class Points(Protocol):
    """One quantity of many objects."""

    @property
    def unit(self) -> str:
        """Of both."""

    @property
    def predicted(self) -> np.ndarray:
        """[object]."""

    @property
    def true(self) -> np.ndarray:
        """[object]."""


class MethodPoints(Protocol):
    """What one method measured."""

    @property
    def quantities(self) -> Mapping[str, Points]:
        """By name."""

    @property
    def levels(self) -> np.ndarray | None:
        """[object] signal-to-noise, one of those that are quoted, or 0; None = not known."""


def predicted_true(methods: Mapping[str, MethodPoints]) -> Figure:
    """One row a quantity, one column a method; colours are signal-to-noise.

    Args:
        methods: what each measured; the first says which quantities are drawn (at most 9).

    Raises:
        ValueError: nothing to draw.
    """
    names = list(next(iter(methods.values())).quantities) if methods else []
    names = names[:MOST_QUANTITIES]
    if not names:
        raise ValueError("no measured quantity; expected at least one to draw against its truth")
    across = max(2.3 * len(methods), 5.0)
    figure = new_figure(across, across / len(methods) * len(names) + 0.5)
    grid = figure.subplots(len(names), len(methods), squeeze=False)
    for row, name in zip(grid, names, strict=True):
        span = _span([m.quantities[name].true for m in methods.values() if name in m.quantities])
        for i, (axes, (method, found)) in enumerate(zip(row, methods.items(), strict=True)):
            if name not in found.quantities:
                axes.set_axis_off()
                continue
            points = found.quantities[name]
            _panel(axes, points, found.levels, span)
            tidy(axes, x=f"true {label(name)}", y=label(name, points.unit) if i == 0 else "")
            axes.xaxis.label.set_fontsize(8)
            axes.tick_params(labelleft=i == 0)
            axes.set_title(label(method) if name == names[0] else "", fontsize=10)
    if any(found.levels is not None for found in methods.values()):
        handles = [
            Line2D([], [], linestyle="", marker="o", color=colour, label=f"S/N {level}")
            for level, colour in LEVELS.items()
        ]
        figure.legend(
            handles=handles, loc="outside upper center", ncols=len(handles), frameon=False
        )
    return figure


def _span(truths: list[np.ndarray]) -> tuple[float, float]:
    """Limits of the truths: a lost fit shall not make all others a dot."""
    every = np.concatenate(truths)
    every = every[np.isfinite(every)]
    if not len(every):
        return 0.0, 1.0
    low, high = float(every.min()), float(every.max())
    margin = 0.08 * (high - low) or 1.0
    return low - margin, high + margin


def _panel(
    axes: Axes, points: Points, levels: np.ndarray | None, span: tuple[float, float]
) -> None:
    known = np.flatnonzero(np.isfinite(points.predicted) & np.isfinite(points.true))
    shown = known[:: max(-(-len(known) // MOST_POINTS), 1)]
    colour = [UNKNOWN] * len(shown)
    if levels is not None:
        colour = [LEVELS.get(int(level), "#cccccc") for level in levels[shown]]
    said = np.clip(points.predicted[shown], *span)
    axes.scatter(points.true[shown], said, s=4, c=colour, alpha=0.6, linewidths=0, rasterized=True)
    axes.plot(span, span, color="#222222", linewidth=0.8)
    axes.set_xlim(*span)
    axes.set_ylim(*span)
