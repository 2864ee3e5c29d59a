"""Experiments: what a choice does to a score, over several seeds."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, StrMethodFormatter

from deepfield.report.figures import MARKERS, tidy
from deepfield.report.panels import colours, panels

SPREAD = 0.12
"""of the distance of two choices, over which the curves stand beside each other"""

WORD = 8
"""letters of a choice before its name goes on in the next line"""


class SeedPoints(Protocol):
    """One score of every choice and seed."""

    @property
    def runs(self) -> np.ndarray:
        """[choice, seed]; NaN where a run has none."""

    @property
    def mean(self) -> np.ndarray:
        """[choice] over the seeds."""

    @property
    def low(self) -> np.ndarray:
        """[choice] lower limit of the mean."""

    @property
    def high(self) -> np.ndarray:
        """[choice] upper limit of the mean."""


def seed_curves(
    scores: Mapping[str, Mapping[str, SeedPoints]],
    choices: Sequence[float | str],
    *,
    x: str,
    log_x: bool = False,
    log_y: Sequence[str] = (),
) -> Figure:
    """One panel a score, one curve a method: every run a dot, their mean with its limits.

    Choices that are words stand side by side without a line between them.

    Args:
        scores: by label of the score and by method, at least one.
        choices: along the horizontal axis, the same for all.
        x: label of the horizontal axis.
        log_x: whether it is logarithmic; choices must then be above 0.
        log_y: labels of the scores with a logarithmic axis.

    Raises:
        ValueError: no scores.

    Example:
        >>> from types import SimpleNamespace
        >>> one = np.array([0.5, 0.6])
        >>> points = SimpleNamespace(runs=one[:, None], mean=one, low=one, high=one)
        >>> figure = seed_curves({"accuracy": {"net": points}}, (0, 1), x="dropout")
        >>> figure.axes[0].get_xlabel()
        'dropout'
    """
    if not scores:
        raise ValueError("no scores; expected at least one to draw")
    figure, grid = panels(len(scores), most=3, size=3.1)
    methods = list(dict.fromkeys(m for curves in scores.values() for m in curves))
    colour = colours(methods)
    words = any(isinstance(choice, str) for choice in choices)
    place = np.arange(len(choices)) if words else np.array(choices, dtype=float)
    for axes, (name, curves) in zip(grid, scores.items(), strict=True):
        tidy(axes, x=x, y=name)
        for method, points in curves.items():
            i = methods.index(method)
            at = place + SPREAD * (i - (len(methods) - 1) / 2) if words else place
            axes.scatter(
                np.repeat(at, points.runs.shape[1]),
                points.runs.ravel(),
                color=colour[method],
                s=7,
                alpha=0.35,
                linewidth=0,
            )
            axes.errorbar(
                at,
                points.mean,
                yerr=np.stack([points.mean - points.low, points.high - points.mean]),
                color=colour[method],
                marker=MARKERS[i % len(MARKERS)],
                markersize=4.5,
                linestyle="none" if words else "-",
                linewidth=1.4,
                elinewidth=1.0,
                capsize=2,
                label=method,
            )
        if log_x and not words:
            axes.set_xscale("log")
            axes.minorticks_off()
        axes.set_xticks(place, [_text(choice) for choice in choices], fontsize=8)
        if name in log_y:
            _logarithmic(axes)
    if len(methods) > 1:
        handles, labels = grid[0].get_legend_handles_labels()
        room = int(figure.get_figwidth() / (0.6 + 0.08 * max(map(len, labels))))
        columns = max(1, min(room, len(labels)))
        figure.legend(handles, labels, loc="outside upper center", ncols=columns, frameon=False)
    return figure


def _text(choice: float | str) -> str:
    return fill(choice, WORD, break_long_words=False) if isinstance(choice, str) else f"{choice:g}"


def _logarithmic(axes: Axes) -> None:
    """A logarithmic y axis whose labels are numbers, also within a decade."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    within = (1.0, 2.0, 3.0, 5.0) if high < 30 * low else (1.0,)
    axes.yaxis.set_major_locator(LogLocator(subs=within))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.minorticks_off()
