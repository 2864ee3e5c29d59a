"""Atlas walls: all that a layer tells apart, as a map to read."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from deepfield.report.colour import asinh_rgb
from deepfield.report.figures import COLOURS, MARKERS, new_figure


def atlas_wall(
    pictures: np.ndarray,
    cells: np.ndarray,
    captions: Sequence[str],
    *,
    sigma: np.ndarray | None = None,
) -> Figure:
    """Pictures of an atlas' cells where they lie in the plane, each under its caption.

    Args:
        pictures: [cell, channel, y, x].
        cells: [cell, 2] column and row of the grid, row 0 at the bottom.
        captions: one a cell.
        sigma: [cell or 1, channel] noise per pixel; None = estimated.

    Raises:
        ValueError: no cells, or numbers that differ.

    Example:
        >>> figure = atlas_wall(np.zeros((2, 1, 8, 8)), np.array([[0, 0], [1, 1]]), ["a", "b"])
        >>> [axes.get_title() for axes in figure.axes if axes.get_title()]
        ['b', 'a']
    """
    if not len(pictures) or not len(pictures) == len(cells) == len(captions):
        raise ValueError(f"{len(captions)} captions for {len(pictures)} cells; expected one each")
    left, bottom = cells.min(0)
    wide, tall = cells.max(0) - (left, bottom) + 1
    figure = new_figure(max(3.0, 1.25 * wide), 1.4 * tall)
    grid = figure.subplots(tall, wide, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    colours = asinh_rgb(pictures, sigma=sigma)
    for picture, (column, row), caption in zip(colours, cells, captions, strict=True):
        axes = grid[tall - 1 - (row - bottom), column - left]
        axes.imshow(picture, origin="lower", interpolation="nearest")
        axes.set_title(caption, fontsize=7, pad=2)
    return figure


def atlas_plane(
    positions: np.ndarray, labels: np.ndarray, classes: Sequence[str], *, side: int
) -> Figure:
    """Where the objects lie in the plane, coloured by class, with the grid of cells.

    Args:
        positions: [sample, 2] between 0 and 1.
        labels: [sample] class numbers; -1 = not known and grey.
        classes: their names.
        side: cells along an axis.

    Example:
        >>> figure = atlas_plane(np.eye(2), np.array([0, -1]), ["smooth"], side=2)
        >>> [text.get_text() for text in figure.legends[0].get_texts()]
        ['smooth (1)', 'not known (1)']
    """
    figure = new_figure(6.4, 5.6)
    axes = figure.add_subplot()
    for number in [*range(len(classes)), -1]:
        rows = labels == number
        if not rows.any():
            continue
        name = classes[number] if number >= 0 else "not known"
        axes.scatter(
            positions[rows, 0],
            positions[rows, 1],
            s=9,
            color=COLOURS[number % len(COLOURS)] if number >= 0 else "#bbbbbb",
            marker=MARKERS[number % len(MARKERS)],
            linewidth=0,
            alpha=0.7,
            label=f"{name} ({int(rows.sum()):,})",
        )
    lines = np.linspace(0, 1, side + 1)
    axes.set_xticks(lines, [])
    axes.set_yticks(lines, [])
    axes.grid(color="#dddddd", linewidth=0.5)
    axes.set_aspect("equal")
    axes.set_xlabel("column of cells")
    axes.set_ylabel("row of cells")
    figure.legend(loc="outside right upper", fontsize=8, markerscale=2)
    return figure
