"""How every figure looks, and its pixels: no window, no global state."""

import base64
import io

from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#4D4D4D")
"""Okabe & Ito's palette without its yellow: told apart by colour-blind readers, on white."""
BRIGHT = ("#56B4E9", "#E69F00", "#F0E442", "#FF9BD0", "#3DDC97", "#FFFFFF", "#FF7F50")
"""the same idea on a dark image"""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, whose parts make room for each other.

    Example:
        >>> new_figure(6, 4).get_layout_engine().__class__.__name__
        'ConstrainedLayoutEngine'
    """
    return Figure(figsize=(width, height), layout="constrained")


def tidy(axes: Axes, *, x: str, y: str) -> Axes:
    """Axes with labels, a light grid behind the data and no box.

    Args:
        axes: changed in place, and returned.
        x, y: labels, with units in brackets.

    Example:
        >>> axes = tidy(new_figure(6, 4).add_subplot(), x="magnitude (AB mag)", y="accuracy")
        >>> axes.get_xlabel()
        'magnitude (AB mag)'
    """
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def label(name: str, unit: str = "") -> str:
    """A standard name as an axis label.

    Example:
        >>> label("signal_to_noise"), label("magnitude", "mag(AB)")
        ('signal to noise', 'magnitude (AB mag)')
    """
    words, unit = name.replace("_", " "), unit.replace("mag(AB)", "AB mag")
    return f"{words} ({unit})" if unit else words


def inline_png(figure: Figure, *, dpi: int = 144) -> str:
    """A figure as a ``data:`` address, so that a page needs no other file.

    Example:
        >>> inline_png(new_figure(1, 1))[:22]
        'data:image/png;base64,'
    """
    buffer = io.BytesIO()
    # Without the name of the software the same figure is the same bytes.
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
