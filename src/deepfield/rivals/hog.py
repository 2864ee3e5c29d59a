"""Histograms of oriented gradients of the stretched stamp (Dalal & Triggs 2005)."""

from dataclasses import dataclass

import numpy as np
import torch
from skimage.feature import hog
from torch import Tensor

from deepfield.rivals.stamps import smooth

ORIENTATIONS = 9
SOFTENING = 3.0
"""light in units of the sky noise up to which the stretch is linear"""


@dataclass(frozen=True)
class Setting:
    """How a stamp becomes a histogram.

    Args:
        crop: side of the central square that is used, as a fraction of the stamp's.
        cell: side of a cell, pixels.
        blur: sigma of the Gaussian before the gradient, pixels; 0 = none.
    """

    crop: float
    cell: int
    blur: float


def picture(image: Tensor, setting: Setting) -> np.ndarray:
    """[object, y, x]: the stamp blurred, stretched and cropped, before its gradient is taken.

    The stretch is the asinh of light over three times the sky noise. The crop keeps at least two
    cells by two, one block.

    Args:
        image: [object, y, x] in units of the sky noise.
        setting: crop, cell and blur.

    Example:
        >>> picture(torch.rand(1, 32, 32), Setting(0.5, 8, 0.0)).shape
        (1, 16, 16)
    """
    if setting.blur > 0:
        image = smooth(image, torch.full((len(image),), setting.blur))
    height, width = image.shape[-2:]
    tall = min(height, max(round(setting.crop * height), 2 * setting.cell))
    wide = min(width, max(round(setting.crop * width), 2 * setting.cell))
    top, left = (height - tall) // 2, (width - wide) // 2
    crop = image[:, top : top + tall, left : left + wide]
    return torch.asinh(crop / SOFTENING).numpy()


def features(image: Tensor, setting: Setting) -> np.ndarray:
    """[object, feature] float32: scikit-image's HOG, 9 orientations, blocks of 2 x 2 cells.

    Args:
        image: [object, y, x] in units of the sky noise, as ``stamps.prepare`` makes it.
        setting: crop, cell and blur.

    Raises:
        ValueError: the stamp is smaller than two cells.

    Example:
        >>> features(torch.rand(1, 32, 32), Setting(1.0, 8, 1.0)).shape
        (1, 324)
    """
    images = picture(image, setting)
    if min(images.shape[1:]) < 2 * setting.cell:
        raise ValueError(
            f"stamps are {images.shape[1]} x {images.shape[2]} pixels; HOG with cells of "
            f"{setting.cell} pixels needs at least {2 * setting.cell}: use smaller cells"
        )
    side = (setting.cell, setting.cell)
    rows = [hog(each, ORIENTATIONS, side, (2, 2), "L2-Hys") for each in images]
    return np.asarray(rows, dtype=np.float32)
