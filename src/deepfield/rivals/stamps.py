"""Stamps: pixels of a batch as the classical methods want them, one clean image an object."""

from dataclasses import dataclass
from math import pi, sqrt

import torch
from torch import Tensor

from deepfield.nouns.batch import Batch, missing
from deepfield.nouns.flags import UNMEASURED

MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class Stamps:
    """Background-subtracted images on the CPU, float32.

    Args:
        image: [object, y, x] inverse-variance weighted sum of the channels in units of its sky
            noise; 0 where no channel has a pixel.
        valid: [object, y, x] bool, at least one channel has this pixel.
        channels: [object, channel, y, x] in the batch's unit; 0 where missing.
        sigma: [object, channel] sky noise in the batch's unit; infinite for a missing band.
        measured: [object] bool, has any pixel to measure.
    """

    image: Tensor
    valid: Tensor
    channels: Tensor
    sigma: Tensor
    measured: Tensor

    def __len__(self) -> int:
        return len(self.image)


def prepare(batch: Batch) -> Stamps:
    """Subtract each channel's sky, divide by its noise, and sum the channels with their weights.

    The sky is the median of the stamp's frame (one sixteenth of its side, at least two pixels).
    The noise is the median sigma of the batch's variance over the pixels that there are, or 1.48
    times the frame's median absolute deviation where the batch has no variance: one number a
    channel, so that bright pixels keep the weight of faint ones.

    Args:
        batch: images [object, channel, y, x].

    Raises:
        ValueError: the batch does not hold images.

    Example:
        >>> import numpy as np
        >>> values = torch.full((1, 2, 16, 16), 3.0)
        >>> values[0, :, 8, 8] += 10
        >>> batch = Batch(np.array(["a"]), values, ("g", "r"), variance=torch.ones(1))
        >>> stamps = prepare(batch)
        >>> round(float(stamps.image[0, 8, 8]), 2), float(stamps.image[0, 0, 0])
        (14.14, 0.0)
    """
    if batch.values.ndim != 4:
        raise ValueError(
            f"values have shape {tuple(batch.values.shape)}; this rival measures images "
            "[object, channel, y, x]"
        )
    batch = batch.to("cpu")
    bad = missing(batch)
    values = batch.values.float().masked_fill(bad, torch.nan)
    ring = _frame(values)
    sky = ring.nanmedian(-1).values.nan_to_num()
    channels = (values - sky[..., None, None]).nan_to_num()
    if batch.variance is None:
        sigma = MAD_TO_SIGMA * (ring - sky[..., None]).abs().nanmedian(-1).values
        # A frame without noise (a perfect model, a quantised JPEG) still needs a scale.
        floor = 1e-3 * channels.abs().amax((-1, -2)).clamp_min(1e-30)
        sigma = torch.maximum(sigma.nan_to_num(), floor).masked_fill(
            bad.all(-1).all(-1), torch.inf
        )
    else:
        variance = batch.variance.float().expand(values.shape).masked_fill(bad, torch.nan)
        sigma = variance.flatten(2).nanmedian(-1).values.sqrt().nan_to_num(torch.inf)
    weight = (1 / sigma.square())[..., None, None] * ~bad
    total = weight.sum(1)
    image = (weight * channels).sum(1) / total.clamp_min(1e-37)
    image = image * (1 / sigma.square()).sum(1).sqrt()[:, None, None]
    if batch.variance is None:
        # Noise that the channels share (a JPEG's, say) does not average out in the sum.
        noise = MAD_TO_SIGMA * _frame(image).abs().median(-1).values.clamp_min(0.1)
        image = image / noise[:, None, None]
    measured = (total > 0).any(-1).any(-1)
    if batch.flags is not None:
        measured = measured & ((batch.flags & int(UNMEASURED)) == 0)
    return Stamps(image, total > 0, channels, sigma, measured)


def _frame(values: Tensor) -> Tensor:
    """[..., pixel]: the outermost pixels."""
    height, width = values.shape[-2:]
    edge = max(2, min(height, width) // 16)
    inner = torch.zeros(height, width, dtype=torch.bool)
    inner[edge : height - edge, edge : width - edge] = True
    return values.flatten(-2)[..., ~inner.flatten()]


def smooth(image: Tensor, sigma: Tensor) -> Tensor:
    """Convolve every image with a round Gaussian of its own width, with periodic edges.

    Args:
        image: [object, y, x].
        sigma: [object] pixels.

    Example:
        >>> point = torch.zeros(1, 15, 15)
        >>> point[0, 7, 7] = 1
        >>> peak = smooth(point, torch.tensor([1.5]))[0, 7, 7]
        >>> bool((peak - 1 / (2 * pi * 1.5**2)).abs() < 1e-4)
        True
    """
    height, width = image.shape[-2:]
    square = (
        torch.fft.fftfreq(height)[:, None].square() + torch.fft.rfftfreq(width)[None, :].square()
    )
    kernel = torch.exp(-2 * pi**2 * sigma[:, None, None].square() * square)
    return torch.fft.irfft2(torch.fft.rfft2(image) * kernel, s=(height, width))


def smoothed_noise(sigma: float) -> float:
    """Noise of white unit noise after ``smooth``, for sigma of about a pixel or more.

    Example:
        >>> noise = torch.randn(64, 32, 32, generator=torch.Generator().manual_seed(0))
        >>> measured = smooth(noise, torch.full((64,), 2.0)).std()
        >>> bool((measured / smoothed_noise(2.0) - 1).abs() < 0.03)
        True
    """
    return 1 / (2 * sqrt(pi) * sigma)
