"""Number counts against magnitude."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from deepfield.report.figures import COLOURS, MARKERS, new_figure, tidy


def number_counts(
    magnitudes: np.ndarray,
    kinds: Sequence[str],
    classes: Sequence[str],
    *,
    x: str = "magnitude (AB mag)",
    width: float = 0.5,
) -> Figure:
    """How many objects of every class, and of all, per magnitude bin, with Poisson errors.

    Args:
        magnitudes: [object]; NaN is left out.
        kinds: [object] class names.
        classes: those drawn, in order.
        x: label of the magnitude axis, e.g. "instrumental magnitude (mag)".
        width: of a bin, mag.

    Raises:
        ValueError: no finite magnitude, or a width that is not positive.

    Example:
        >>> figure = number_counts(np.array([20.1, 20.2, 21.3]), ["a", "b", "a"], ["a", "b"])
        >>> figure.axes[0].get_ylabel()
        'objects per 0.5 mag'
    """
    values = np.asarray(magnitudes, float)
    fine = np.isfinite(values)
    if not fine.any() or width <= 0:
        raise ValueError(
            f"{int(fine.sum())} finite magnitudes in bins of {width} mag; expected at least one "
            "and a positive width"
        )
    first, last = np.floor(values[fine].min() / width), np.floor(values[fine].max() / width) + 1
    edges = width * np.arange(first, last + 1)
    centres = (edges[:-1] + edges[1:]) / 2
    names = np.asarray(kinds, dtype=object)
    figure = new_figure(6.4, 4.2)
    axes = tidy(figure.add_subplot(), x=x, y=f"objects per {width:g} mag")
    drawn = [("all", fine), *((name, fine & (names == name)) for name in classes)]
    for i, (name, rows) in enumerate(drawn):
        counted, _ = np.histogram(values[rows], edges)
        some = counted > 0
        count = counted[some]
        # A lone object's lower error would reach zero, which a logarithmic axis has not.
        errors = [np.minimum(np.sqrt(count), 0.9 * count), np.sqrt(count)]
        axes.errorbar(
            centres[some],
            count,
            yerr=errors,
            color="black" if i == 0 else COLOURS[(i - 1) % len(COLOURS)],
            marker="." if i == 0 else MARKERS[(i - 1) % len(MARKERS)],
            markersize=5,
            linewidth=1.6 if i == 0 else 1.1,
            elinewidth=0.8,
            label=f"{name} ({int(rows.sum()):,})",
        )
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.5)
    axes.legend(frameon=False, fontsize=9)
    return figure
