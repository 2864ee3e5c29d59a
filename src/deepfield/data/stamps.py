"""Stamps: images of any size to stamps of one size, by one stated rule.

The central square of side ``extent`` pixels is cut and brought to ``size`` pixels: by the exact
mean over every new pixel's area when shrinking, by bilinear interpolation when growing. Surface
brightness is kept, not flux: a constant image stays that constant.
"""

from collections.abc import Iterable

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from deepfield.data.noise import sky
from deepfield.nouns.flags import Flag

SAMPLE = 200
THRESHOLD = 3.0
"""of the smoothed image over its noise: where a galaxy's light ends"""
MEASURED = 128
"""sides beyond this are brought to it before measuring, px"""
MARGIN = 1.2
"""the extent over the measured diameter"""


def resize(
    values: Tensor, variance: Tensor | None = None, *, extent: float, size: int
) -> tuple[Tensor, Tensor | None, Flag]:
    """The central square of an image, as a stamp of ``size`` pixels.

    Missing pixels are left out of the means; a new pixel with less than half of its area is
    itself missing, as is all that reaches over the edge. The variance is that of the mean of
    independent pixels; growing makes neighbouring pixels correlated. Where nothing is to be
    resampled and the square would begin half a pixel in, it begins on the whole pixel below.

    Args:
        values: [channel, y, x]; NaN = missing.
        variance: [channel, y, x]; infinite = missing.
        extent: side of the square, pixels of the image.
        size: side of the stamp, px.

    Returns:
        the stamp [channel, size, size] (NaN = missing), its variance (infinite = missing), and
        ``RESIZED`` and ``EDGE`` where they hold.

    Raises:
        ValueError: a side that is not positive, or a wrong number of axes.

    Example:
        >>> image = torch.arange(16.0).reshape(1, 4, 4)
        >>> resize(image, extent=4, size=2)[0].tolist()
        [[[2.5, 4.5], [10.5, 12.5]]]
    """
    if values.ndim != 3 or not extent > 0 or size < 1:
        raise ValueError(
            f"image of shape {tuple(values.shape)}, extent {extent:g}, size {size}; expected "
            "[channel, y, x] and positive sides"
        )
    height, width = values.shape[-2:]
    flags = Flag(0) if (height, width) == (size, size) and extent == size else Flag.RESIZED
    if extent > min(height, width):
        flags |= Flag.EDGE
    rows, y = _weights(height, extent, size)
    columns, x = _weights(width, extent, size)
    values = values[..., rows, columns]
    measured = values.isfinite()
    if variance is not None:
        variance = variance[..., rows, columns]
        measured = measured & variance.isfinite()
    if bool(measured.all()):
        covered = (y.sum(1)[:, None] * x.sum(1)).expand(len(values), size, size)
    else:
        covered = y @ measured.to(values.dtype) @ x.T
        values = values.masked_fill(~measured, 0)
    gone = covered < 0.5
    stamp = (y @ values @ x.T / covered).masked_fill(gone, torch.nan)
    if variance is None:
        return stamp, None, flags
    total = y.square() @ variance.masked_fill(~measured, 0) @ x.T.square()
    return stamp, (total / covered.square()).masked_fill(gone, torch.inf), flags


def corner(length: int, extent: float, size: int) -> float:
    """Where the square of ``resize`` begins along an axis of an image.

    Args:
        length: of the axis, px.
        extent: side of the square, pixels of the image.
        size: side of the stamp, px.

    Returns:
        px from the outer edge of the image's first pixel; negative beyond it.

    Example:
        >>> corner(5, 4, 4), corner(5, 4, 2)
        (0.0, 0.5)
    """
    start = (length - extent) / 2
    return float(np.floor(start)) if extent == size else start


def _weights(length: int, extent: float, size: int) -> tuple[slice, Tensor]:
    """Along one axis: the pixels that are needed, and their weights [new pixel, pixel]."""
    scale = extent / size
    start = corner(length, extent, size)
    low, high = max(0, int(start) - 1), min(length, int(np.ceil(start + extent)) + 1)
    pixel = np.arange(low, high)
    new = np.arange(size)[:, None]
    if scale >= 1:
        left = start + new * scale
        overlap = np.minimum(left + scale, pixel + 1) - np.maximum(left, pixel)
        weights = overlap.clip(0) / scale
    else:
        centre = start + (new + 0.5) * scale - 0.5
        on_image = (centre > -0.5) & (centre < length - 0.5)
        held = centre.clip(0, length - 1)
        weights = (1 - np.abs(held - pixel)).clip(0) * on_image
    return slice(low, high), torch.from_numpy(weights.astype(np.float32))


def typical_extent(images: Iterable[np.ndarray]) -> float:
    """Side of the square that shows the central galaxies of a data set, chosen once for all.

    In every image the channels' sky-subtracted signal-to-noise is summed and smoothed (a Gaussian
    of 1 % of the side); the region above 3 sigma that contains the centre, or the brightest pixel
    near it, is the galaxy, and the mean radius of the quarter of it that is farthest from the
    centre its reach. The extent is 1.2 times the median diameter, and never more than the
    smallest image, of those that have at least half of the usual side; smaller ones are padded.

    Args:
        images: [channel, y, x] each; the first 200 are used.

    Returns:
        pixels of the images.

    Raises:
        ValueError: no images.

    Example:
        >>> y, x = np.mgrid[-50:51, -50:51]
        >>> image = np.random.default_rng(0).normal(0, 1, (1, 101, 101)) + 50 * (x**2 + y**2 < 400)
        >>> 40 < typical_extent([image]) < 55
        True
    """
    reach, sides = [], []
    for image, _ in zip(images, range(SAMPLE), strict=False):
        sides.append(min(image.shape[-2:]))
        reach.append(_reach(np.asarray(image, np.float32)))
    if not sides:
        raise ValueError("no images to measure an extent on; expected at least one")
    found = [radius for radius in reach if radius > 0]
    # One cut-off file must not decide how much of all the others is seen.
    most = min(side for side in sides if side >= np.median(sides) / 2)
    # Nothing above the noise anywhere: the whole image is the only honest choice.
    diameter = 2 * float(np.median(found)) if found else float(most)
    return float(np.clip(MARGIN * diameter, min(8, most), most))


def _reach(image: np.ndarray) -> float:
    """Radius of the central galaxy, px; 0 = none found."""
    side = min(image.shape[-2:])
    if side > MEASURED:
        smaller = resize(torch.from_numpy(image), extent=side, size=MEASURED)[0]
        return _reach(smaller.numpy()) * side / MEASURED
    values = torch.from_numpy(image)[None]
    level, sigma = (x[..., None, None] for x in sky(values))
    signal = ((values - level) / sigma).nan_to_num(0.0).sum(1)[0].numpy()
    smooth = ndimage.gaussian_filter(signal, max(1.0, 0.01 * min(signal.shape)))
    level, sigma = sky(torch.from_numpy(smooth)[None, None])
    bright = smooth > level.item() + THRESHOLD * sigma.item()
    labels, _ = ndimage.label(bright)
    y, x = (side // 2 for side in signal.shape)
    half = max(2, min(signal.shape) // 20)
    near = smooth[y - half : y + half + 1, x - half : x + half + 1]
    row, column = np.unravel_index(near.argmax(), near.shape)
    region = labels[y - half + row, x - half + column]
    if region == 0:
        return 0.0
    distance = np.sort(np.hypot(*(np.argwhere(labels == region) - (y, x)).T))
    return float(distance[3 * len(distance) // 4 :].mean())
