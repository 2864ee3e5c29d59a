"""Small multiples: one panel a quantity, one colour a method, one legend."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepfield.report.figures import COLOURS, new_figure


def panels(count: int, *, most: int = 4, size: float = 2.5) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels, the rest of its grid empty.

    Args:
        count: of panels, at least 1.
        most: panels side by side.
        size: of a panel, inches.

    Example:
        >>> figure, axes = panels(5)
        >>> len(axes), len(figure.axes)
        (5, 8)
    """
    across = min(count, most)
    down = -(-count // across)
    figure = new_figure(max(size * across, 5.5), size * down + 0.5)
    grid = figure.subplots(down, across, squeeze=False)
    for axes in grid.flat[count:]:
        axes.set_axis_off()
    return figure, list(grid.flat[:count])


def legend(figure: Figure, axes: Axes) -> None:
    """One legend above all panels, from what one of them shows."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)


def colours(methods: Sequence[str]) -> dict[str, str]:
    """The same colour for a method in every panel.

    Example:
        >>> colours(["net", "fit"])["fit"]
        '#D55E00'
    """
    return {method: COLOURS[i % len(COLOURS)] for i, method in enumerate(methods)}
