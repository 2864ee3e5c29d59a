"""Features by learners: how right each pair is, what each kind adds, how many numbers it takes."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepfield.report.figures import COLOURS, MARKERS, label, new_figure, tidy


class Measured(NamedTuple):
    """A number with its 95 % limits."""

    value: float
    low: float
    high: float


def feature_table(cells: Mapping[tuple[str, str], Measured]) -> Figure:
    """Accuracy of every kind of feature (rows) with every learner (columns).

    Args:
        cells: by feature and learner, in the order of the rows and columns.

    Raises:
        ValueError: a pair is missing.

    Example:
        >>> figure = feature_table({("pixels", "forest"): Measured(0.5, 0.4, 0.6)})
        >>> figure.axes[0].get_yticklabels()[0].get_text()
        'pixels'
    """
    rows = list(dict.fromkeys(features for features, _ in cells))
    columns = list(dict.fromkeys(learner for _, learner in cells))
    if lacking := [(f, w) for f in rows for w in columns if (f, w) not in cells]:
        raise ValueError(
            f"no accuracy of {lacking[0][0]} with {lacking[0][1]}; expected all pairs"
        )
    values = np.array([[cells[f, w].value for w in columns] for f in rows])
    figure = new_figure(1.9 + 1.15 * len(columns), 1.1 + 0.42 * len(rows))
    axes = figure.add_subplot()
    axes.imshow(values, cmap="Blues", vmin=min(0.2, values.min()), vmax=1, aspect="auto")
    best = values.argmax(1)
    for i, features in enumerate(rows):
        for j, learner in enumerate(columns):
            cell = cells[features, learner]
            half = (cell.high - cell.low) / 2
            axes.text(
                j,
                i,
                f"{100 * cell.value:.1f} ± {100 * half:.1f}",
                ha="center",
                va="center",
                fontsize=9,
                weight="bold" if best[i] == j else "normal",
                color="white" if cell.value > 0.62 else "black",
            )
    axes.set_xticks(range(len(columns)), [label(name) for name in columns])
    axes.set_yticks(range(len(rows)), [label(name) for name in rows])
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.set_xlabel("accuracy in per cent, and half its 95 % interval; bold: the row's best")
    return figure


def without_figure(lost: Mapping[str, Measured], *, learner: str) -> Figure:
    """What leaving each kind of feature out costs.

    Args:
        lost: by feature, accuracy with all kinds less that without this one.
        learner: who learnt, for the label.

    Example:
        >>> figure = without_figure({"pixels": Measured(0.01, 0.0, 0.02)}, learner="forest")
        >>> figure.axes[0].get_xlabel()
        'accuracy lost without it, per cent (forest)'
    """
    names = sorted(lost, key=lambda name: lost[name].value)
    figure = new_figure(5.6, 0.9 + 0.32 * len(names))
    axes = figure.add_subplot()
    tidy(axes, x=f"accuracy lost without it, per cent ({label(learner)})", y="")
    for i, name in enumerate(names):
        value, low, high = (100 * x for x in lost[name])
        axes.plot([low, high], [i, i], color=COLOURS[0], linewidth=2)
        axes.plot(value, i, MARKERS[0], color=COLOURS[0])
    axes.axvline(0, color="#4d4d4d", linewidth=0.8)
    axes.set_yticks(range(len(names)), [label(name) for name in names])
    return figure


def dimension_curves(
    curves: Mapping[str, Mapping[int, Measured]], *, whole: Mapping[str, Measured], columns: int
) -> Figure:
    """Accuracy against the number of principal components.

    Args:
        curves: by learner and number of components.
        whole: by learner, from the table itself.
        columns: of that table.

    Example:
        >>> curves = {"forest": {2: Measured(0.4, 0.3, 0.5), 8: Measured(0.5, 0.4, 0.6)}}
        >>> whole = {"forest": Measured(0.6, 0.5, 0.7)}
        >>> dimension_curves(curves, whole=whole, columns=20).axes[0].get_ylabel()
        'accuracy'
    """
    figure = new_figure(6.0, 3.8)
    axes = tidy(figure.add_subplot(), x="principal components", y="accuracy")
    for i, (learner, curve) in enumerate(curves.items()):
        _curve(axes, curve, learner, i)
        if learner in whole:
            axes.axhline(whole[learner].value, color=COLOURS[i], linewidth=0.9, linestyle=":")
    axes.set_xscale("log")
    ticks: Sequence[int] = sorted({k for curve in curves.values() for k in curve})
    axes.set_xticks(ticks, [str(k) for k in ticks])
    axes.minorticks_off()
    axes.set_title(f"dotted: all {columns:,} columns, unturned", fontsize=10)
    axes.legend(frameon=False)
    return figure


def _curve(axes: Axes, curve: Mapping[int, Measured], name: str, i: int) -> None:
    k = sorted(curve)
    colour = COLOURS[i]
    axes.fill_between(k, [curve[x].low for x in k], [curve[x].high for x in k], color=colour,
                      alpha=0.15, linewidth=0)  # fmt: skip
    axes.plot(k, [curve[x].value for x in k], MARKERS[i] + "-", color=colour, label=label(name))
