"""Feature walls: what a layer makes of one galaxy."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from deepfield.report.colour import asinh_rgb
from deepfield.report.figures import new_figure
from deepfield.report.overlay import EVIDENCE

ACROSS = 8


def feature_wall(image: np.ndarray, maps: np.ndarray, numbers: Sequence[int]) -> Figure:
    """The galaxy, and beside it the maps of a layer, each with its number.

    All maps share one scale of colours: purple below zero, white at zero, orange above it.

    Args:
        image: [channel, y, x].
        maps: [map, y, x], in the order in which they are drawn.
        numbers: of the maps in their layer.

    Raises:
        ValueError: no maps, or another number of numbers.

    Example:
        >>> figure = feature_wall(np.zeros((1, 8, 8)), np.ones((3, 2, 2)), [7, 1, 4])
        >>> [axes.get_title() for axes in figure.axes[:4]]
        ['image', 'map 7', 'map 1', 'map 4']
    """
    if not len(maps) or len(maps) != len(numbers):
        raise ValueError(f"{len(numbers)} numbers for {len(maps)} maps; expected one each")
    across = min(ACROSS, 1 + len(maps))
    down = -(-(1 + len(maps)) // across)
    figure = new_figure(max(3.0, 1.15 * across + 0.6), 1.36 * down)
    grid = figure.subplots(down, across, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    first, *rest = grid.flat
    first.imshow(asinh_rgb(image[None])[0], origin="lower", interpolation="nearest")
    first.set_title("image", fontsize=8, pad=2)
    # A single strong unit, such as at a defect, would leave all else white.
    most = float(np.quantile(np.abs(maps), 0.995)) or 1.0
    coloured = None
    for axes, one, number in zip(rest, maps, numbers, strict=False):
        coloured = axes.imshow(
            one,
            cmap=EVIDENCE,
            vmin=-most,
            vmax=most,
            origin="lower",
            interpolation="nearest",
        )
        axes.set_title(f"map {number}", fontsize=8, pad=2)
    assert coloured is not None
    bar = figure.colorbar(coloured, ax=grid, fraction=0.02, pad=0.01, aspect=25, extend="both")
    bar.ax.tick_params(labelsize=7)
    bar.set_label("response", fontsize=8)
    return figure
