"""A wall of stamps."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from deepfield.report.colour import asinh_rgb
from deepfield.report.figures import new_figure


def stamp_wall(
    images: np.ndarray,
    captions: Sequence[str],
    *,
    sigma: np.ndarray | None = None,
    columns: int = 6,
) -> Figure:
    """Stamps in rows, each under its caption, in colour; north (+y) up.

    Args:
        images: [object, channel, y, x], channels from blue to red.
        captions: one an object; a line break starts a second line.
        sigma: [object or 1, channel] noise per pixel; None = estimated.
        columns: stamps in a row.

    Raises:
        ValueError: no stamps, or another number of captions.

    Example:
        >>> wall = stamp_wall(np.zeros((3, 1, 8, 8)), ["a", "b", "c"])
        >>> len([axes for axes in wall.axes if axes.get_title()])
        3
    """
    if len(images) == 0 or len(images) != len(captions):
        raise ValueError(
            f"{len(captions)} captions for {len(images)} stamps; expected one each, and at least "
            "one stamp"
        )
    across = min(columns, len(images))
    down = -(-len(images) // across)
    lines = 1 + max(caption.count("\n") for caption in captions)
    figure = new_figure(1.5 * across, (1.5 + 0.17 * lines) * down)
    grid = figure.subplots(down, across, squeeze=False)
    pictures = asinh_rgb(images, sigma=sigma)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, picture, caption in zip(grid.flat, pictures, captions, strict=False):
        axes.imshow(picture, origin="lower", interpolation="nearest")
        axes.set_title(caption, fontsize=8, pad=3)
    return figure
