"""Fits: image, model and residual side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.figure
import numpy as np
from matplotlib import colormaps

from deepfield.report.colour import asinh_rgb
from deepfield.report.figures import new_figure

RANGE = 5.0
"""sigma at which the residual's colours end"""
SIDE = 1.7
"""inches"""


@dataclass(frozen=True)
class FitPicture:
    """One object.

    Args:
        caption: what is said of it, a few short lines.
        image, model: [channel, y, x], one unit.
        sigma: [channel, y, x] in the same unit, infinite where missing.
        mask: [y, x] bool, left out of the fit.
    """

    caption: str
    image: np.ndarray
    model: np.ndarray
    sigma: np.ndarray
    mask: np.ndarray


def fit_wall(objects: Sequence[FitPicture], *, across: int = 2) -> matplotlib.figure.Figure:
    """Objects with image, model and residual over noise; north (+y) up.

    Image and model share their stretch; the residual is of all bands together, blue where the
    model is too faint, red where it is too bright, grey where pixels were left out.

    Args:
        objects: at least one.
        across: objects side by side.

    Raises:
        ValueError: no objects.

    Example:
        >>> flat = np.zeros((1, 8, 8))
        >>> one = FitPicture("a", flat, flat, flat + 1, flat[0] > 0)
        >>> [axes.get_title() for axes in fit_wall([one]).axes[:3]]
        ['image', 'model', 'residual / noise']
    """
    if not objects:
        raise ValueError("no objects to draw; expected at least one")
    across = min(across, len(objects))
    down = -(-len(objects) // across)
    figure = new_figure(3 * SIDE * across, (SIDE + 0.35) * down)
    blocks = figure.subfigures(down, across, squeeze=False)
    for block, one in zip(blocks.flat, objects, strict=False):
        block.suptitle(one.caption, fontsize=8)
        image, model, residual = block.subplots(1, 3)
        # Stretched as one picture, so that the two have the same colours.
        both = np.concatenate([one.image, one.model], -1)[None]
        noise = np.nanmedian(np.where(np.isfinite(one.sigma), one.sigma, np.nan), (1, 2))
        halves = np.split(asinh_rgb(both, sigma=np.nan_to_num(noise, nan=np.inf)[None])[0], 2, 1)
        for axes, half, title in zip((image, model), halves, ("image", "model"), strict=True):
            axes.imshow(half, origin="lower", interpolation="nearest")
            axes.set_title(title, fontsize=7, pad=2)
        colours = colormaps["RdBu"].with_extremes(bad="#bbbbbb")
        drawn = residual.imshow(
            residual_over_noise(one), origin="lower", cmap=colours, vmin=-RANGE, vmax=RANGE
        )
        residual.set_title("residual / noise", fontsize=7, pad=2)
        for axes in (image, model, residual):
            axes.set_axis_off()
        bar = block.colorbar(drawn, ax=residual, fraction=0.05, pad=0.02)
        bar.ax.tick_params(labelsize=6)
    return figure


def residual_over_noise(one: FitPicture) -> np.ndarray:
    """[y, x] image less model over its noise, all bands; NaN where nothing was fitted.

    Example:
        >>> flat = np.zeros((2, 2, 2))
        >>> one = FitPicture("", flat + 1, flat, flat + 1, flat[0] > 0)
        >>> print(residual_over_noise(one)[0, 0].round(2))
        1.41
    """
    used = np.isfinite(one.sigma) & np.isfinite(one.model) & ~one.mask
    rest = np.where(used, (one.image - one.model) / one.sigma, 0)
    bands = used.sum(0)
    return np.where(bands > 0, rest.sum(0) / np.sqrt(np.maximum(bands, 1)), np.nan)
