"""A PSF from an image of one: centred, with odd sides and a sum of 1."""

import math

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.psf import Psf

CENTRED = 0.01
"""Pixels off the centre below which an image is not interpolated."""
ROUNDS = 30


def psf_from_image(
    image: np.ndarray | Tensor, *, oversampling: int = 1, side: int | None = None
) -> Psf:
    """PSFs from images of stars, or from a file that a survey delivers.

    The light's centroid under a Gaussian window of its own width (as XWIN of Bertin & Arnouts
    1996) is moved onto the middle pixel: by whole pixels, and by a Fourier shift for what is left.
    Negative wings stay as they are. The image must already hold the response of a pixel, as that
    of a star does.

    Args:
        image: [y, x], [channel, y, x] or [object, channel, y, x], any unit, background
            subtracted; any byte order.
        oversampling: image pixels per survey pixel.
        side: odd, pixels of the image to keep along both axes; by default all of them.

    Returns:
        [object or 1, channel, y, x].

    Raises:
        ValueError: pixels that are not finite, images without light, without a peak or centred
            outside, or narrower than ``side``.

    Example:
        >>> star = np.zeros((8, 8), dtype=">f4")
        >>> star[3, 4] = 2.0
        >>> psf = psf_from_image(star)
        >>> psf.kernel.shape, psf.kernel[0, 0, 4, 4].item()
        (torch.Size([1, 1, 9, 9]), 1.0)
    """
    array = image.detach().cpu().numpy() if isinstance(image, Tensor) else np.asarray(image)
    if array.ndim not in (2, 3, 4) or 0 in array.shape:
        raise ValueError(
            f"PSF image has shape {array.shape}; expected [y, x], [channel, y, x] or "
            "[object, channel, y, x]"
        )
    stack = np.ascontiguousarray(array, dtype=np.float64)
    stack = stack.reshape(*[1] * (4 - stack.ndim), *stack.shape)
    height, width = stack.shape[-2:]
    kept = max(height, width) | 1 if side is None else side
    if kept < 1 or kept % 2 == 0 or kept > max(height, width) | 1:
        raise ValueError(
            f"side is {side} for a PSF image of {height} x {width}; expected an odd number that "
            "is not larger: a PSF cannot be known beyond its image"
        )
    kernels = [_centred(plane, kept) for plane in stack.reshape(-1, height, width)]
    shape = (*stack.shape[:2], kept, kept)
    return Psf(torch.from_numpy(np.stack(kernels).reshape(shape)).float(), oversampling)


def _centred(plane: np.ndarray, side: int) -> np.ndarray:
    """One image with its centroid on the middle pixel, cut and divided by its sum."""
    if not np.isfinite(plane).all():
        raise ValueError("PSF image has NaN or infinite pixels; expected finite ones: fill them")
    if not (plane.sum() > 0 and plane.max() > 0):
        raise ValueError(
            f"PSF image sums to {plane.sum():.4g}; expected a positive sum: subtract the "
            "background, or leave out the empty channel"
        )
    y, x = _centroid(plane)
    row, column = round(y), round(x)
    reach = side // 2
    canvas = np.pad(plane, side)  # so that no shift brings one edge's light to the other
    shift = (row - y, column - x)
    if max(map(abs, shift)) > CENTRED:
        canvas = _moved(canvas, *shift)
    row, column = row + side, column + side
    cut = canvas[row - reach : row + reach + 1, column - reach : column + reach + 1]
    if not cut.sum() > 0:
        raise ValueError("PSF image has no light around its centre; expected a star in the middle")
    return cut / cut.sum()


def _centroid(plane: np.ndarray) -> tuple[float, float]:
    """Centre of the light under a Gaussian window that follows it, from the peak."""
    y, x = (float(at) for at in np.unravel_index(int(plane.argmax()), plane.shape))
    area = int((plane > plane.max() / 2).sum())
    variance = max(0.5, area / (2 * math.pi * math.log(2)) / 2)
    rows, columns = np.arange(plane.shape[0])[:, None], np.arange(plane.shape[1])
    for _ in range(ROUNDS):
        distance = (rows - y) ** 2 + (columns - x) ** 2
        weighed = plane * np.exp(-distance / (2 * variance))
        total = weighed.sum()
        # The window pulls half of the way back, for light as wide as itself.
        step_y = 2 * float((weighed * (rows - y)).sum() / total)
        step_x = 2 * float((weighed * (columns - x)).sum() / total)
        y, x = y + step_y, x + step_x
        if not (-0.5 <= y <= plane.shape[0] - 0.5 and -0.5 <= x <= plane.shape[1] - 0.5):
            raise ValueError("PSF image has its light at the edge; expected a star in the middle")
        if max(abs(step_y), abs(step_x)) < 1e-4:
            break
    return y, x


def _moved(plane: np.ndarray, y: float, x: float) -> np.ndarray:
    """The image shifted by a fraction of a pixel, as its band limit allows."""
    rows, columns = np.fft.fftfreq(plane.shape[0])[:, None], np.fft.rfftfreq(plane.shape[1])
    turn = np.exp(-2j * math.pi * (rows * y + columns * x))
    return np.fft.irfft2(np.fft.rfft2(plane) * turn, plane.shape)
