"""Patch walls: the pieces of sky that each filter answers to most."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepfield.report.colour import asinh_rgb
from deepfield.report.figures import new_figure

PER_ROW = 3
ACROSS = 3
GAP = 1


def patch_wall(
    patches: Sequence[Sequence[np.ndarray]],
    projections: Sequence[Sequence[np.ndarray]],
    titles: Sequence[str],
) -> Figure:
    """For each filter its patches in colour, the strongest first, and what in them it saw.

    Args:
        patches: [filter][patch] of [channel, y, x]; those at a stamp's edge are smaller.
        projections: [filter][patch] of [y, x], such as guided backpropagation's sum over bands.
        titles: one a filter.

    Raises:
        ValueError: no filters, or another number of titles.

    Example:
        >>> patches = [[np.ones((1, 4, 4))] * 9] * 2
        >>> projections = [[np.ones((4, 4))] * 9] * 2
        >>> figure = patch_wall(patches, projections, ["filter 3", "filter 0"])
        >>> [axes.get_title() for axes in figure.axes if axes.get_title()]
        ['filter 3', 'filter 0']
    """
    if not len(patches) or not len(patches) == len(projections) == len(titles):
        raise ValueError(f"{len(titles)} titles for {len(patches)} filters; expected one each")
    across = min(ACROSS, len(patches))
    down = -(-len(patches) // across)
    figure = new_figure(max(3.5, 3.1 * across), 1.75 * down)
    grid = figure.subplots(down, 2 * across, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for number, title in enumerate(titles):
        row, column = divmod(number, across)
        left, right = grid[row, 2 * column], grid[row, 2 * column + 1]
        _tiled(left, [asinh_rgb(one[None])[0] for one in patches[number]])
        _tiled(right, [_grey(one) for one in projections[number]])
        left.set_title(title, fontsize=8, pad=2)
    return figure


def _tiled(axes: Axes, pictures: Sequence[np.ndarray]) -> None:
    """Pictures [y, x, 3] side by side, three in a row, the first at the top left."""
    tall = max(len(one) for one in pictures) + GAP
    wide = max(one.shape[1] for one in pictures) + GAP
    rows = -(-len(pictures) // PER_ROW)
    canvas = np.ones((rows * tall - GAP, PER_ROW * wide - GAP, 3))
    for number, one in enumerate(pictures):
        row, column = divmod(number, PER_ROW)
        # Rows of sky run upwards, rows of tiles downwards.
        canvas[
            row * tall : row * tall + len(one), column * wide : column * wide + one.shape[1]
        ] = one[::-1]
    axes.imshow(canvas, origin="upper", interpolation="nearest")


def _grey(projection: np.ndarray) -> np.ndarray:
    """Middle grey where there is nothing, brighter above zero and darker below."""
    # A few pixels at the edge of a stride would leave all the others grey.
    most = float(np.quantile(np.abs(projection), 0.99)) or 1.0
    return np.repeat((0.5 + 0.5 * projection[..., None] / most).clip(0, 1), 3, -1)
