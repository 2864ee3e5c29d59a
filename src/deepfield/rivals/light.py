"""Light: how evenly, how smoothly and how close to the centre a galaxy's light lies."""

from math import pi, sqrt

import numpy as np
import torch
from torch import Tensor


def gini(image: Tensor, segment: Tensor) -> Tensor:
    """[object] Gini coefficient of the absolute pixel values: 0 even, 1 all in one pixel.

    Lotz, Primack & Madau 2004, equation 6. NaN for less than two pixels.

    Args:
        image: [object, y, x].
        segment: [object, y, x] bool.

    Example:
        >>> image = torch.tensor([[[0.0, 0, 0, 5]], [[2.0, 2, 2, 2]]])
        >>> gini(image, image > -1).tolist()
        [1.0, 0.0]
    """
    values = (image.abs() * segment).flatten(1).double()
    count = segment.flatten(1).sum(1).double()
    values = _sorted(values)
    # Pixels outside are zeros and sort first: ranks count from the end.
    rank = torch.arange(values.shape[1]) - (values.shape[1] - count[:, None]) + 1
    upper = ((2 * rank - count[:, None] - 1) * values).sum(1)
    return (upper / ((count - 1) * values.sum(1))).masked_fill(count < 2, torch.nan).float()


def m20(image: Tensor, segment: Tensor) -> Tensor:
    """[object] log10 of the second moment of the brightest 20 % of the light over the whole's.

    Lotz, Primack & Madau 2004, equation 8, about the segment's centroid. NaN without light.

    Args:
        image: [object, y, x].
        segment: [object, y, x] bool.

    Example:
        >>> even = torch.ones(1, 1, 10)
        >>> even[0, 0, 4:6] = 2
        >>> round(float(m20(even, even > 0)[0]), 2)
        -1.92
    """
    light = (image * segment).double()
    height, width = image.shape[-2:]
    total = light.sum((-1, -2)).clamp_min(1e-9)
    y = (
        torch.arange(height)
        - (light.sum(-1) * torch.arange(height)).sum(1)[:, None] / total[:, None]
    )
    x = (
        torch.arange(width)
        - (light.sum(-2) * torch.arange(width)).sum(1)[:, None] / total[:, None]
    )
    moment = light * (y[:, :, None].square() + x[:, None, :].square())
    values = _sorted(light.flatten(1))
    reached = values.cumsum(1) >= 0.8 * total[:, None]
    threshold = values.gather(1, reached.int().argmax(1)[:, None])[:, :, None]
    brightest = (moment * (light >= threshold)).sum((-1, -2))
    ratio = brightest / moment.sum((-1, -2))
    return ratio.clamp_min(1e-6).log10().masked_fill(~(ratio > 0), torch.nan).float()


def smoothness(image: Tensor, weight: Tensor, width: Tensor) -> Tensor:
    """[object] light in clumps: what a box average takes away, less the sky's part.

    Lotz, Primack & Madau 2004, equation 11 (Conselice 2003 has ten times as much). The box is
    applied in Fourier space, so its width need not be a whole number of pixels.

    Args:
        image: [object, y, x] in units of the sky noise.
        weight: [object, y, x] aperture without the centre, 0 to 1.
        width: [object] of the box, pixels.

    Example:
        >>> flat = torch.full((1, 8, 8), 1e6)
        >>> bool(smoothness(flat, torch.ones(1, 8, 8), torch.tensor([3.0])).abs() < 1e-3)
        True
    """
    height, columns = image.shape[-2:]
    width = width.clamp_min(1)
    rows = torch.sinc(torch.fft.fftfreq(height) * width[:, None])
    across = torch.sinc(torch.fft.fftfreq(columns) * width[:, None])
    box = rows[:, :, None] * across[:, None, : columns // 2 + 1]
    soft = torch.fft.irfft2(torch.fft.rfft2(image) * box, s=(height, columns))
    clumps = (weight * (image - soft).clamp_min(0)).sum((-1, -2))
    # What the difference leaves of white noise (Parseval), and the mean of its positive half.
    left = 1 - 2 * rows.mean(1) * across.mean(1)
    left = left + rows.square().mean(1) * across.square().mean(1)
    noise = left.clamp_min(0).sqrt() / sqrt(2 * pi)
    light = (weight * image).sum((-1, -2)).clamp_min(1)
    return (clumps - noise * weight.sum((-1, -2))) / light


def _sorted(values: Tensor) -> Tensor:
    """Rising along the last axis; numpy's vectorised sort is many times faster than torch's."""
    return torch.from_numpy(np.sort(values.numpy(), -1))
