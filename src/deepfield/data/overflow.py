"""Overflow: how much of a galaxy's light lies beyond its stamp, as far as the pixels tell."""

import math

import torch
from torch import Tensor

TOO_MUCH = 0.2
"""share of the light beyond the stamp at which an object is larger than it"""
RINGS = 8
"""in the circle that the stamp holds; the three outermost are looked at"""
SURE = 4.0
"""standard deviations that the light must fall off by in them"""
FLATTEST = 0.97
"""ratio of two such falls: beyond, no scale length can be told"""


def overflow(values: Tensor, variance: Tensor) -> Tensor:
    """Share of the light around the middle that lies beyond the largest circle in the stamp.

    The light of the three outermost rings is continued as an exponential. Only how it falls counts
    and not how high it is: whether a sky level was subtracted, or the galaxy with it, makes no
    difference. Of each pixel and the one opposite the fainter counts: neighbours are not taken for
    the galaxy's own light.

    Args:
        values: [object, channel, y, x].
        variance: [object or 1, channel or 1, y or 1, x or 1]; infinite = missing.

    Returns:
        [object]; 0 where nothing falls off beyond the noise, so that nothing can be told.

    Example:
        >>> y, x = torch.meshgrid(torch.arange(64) - 31.5, torch.arange(64) - 31.5, indexing="ij")
        >>> radius = torch.hypot(y, x)
        >>> images = torch.stack([(-radius / length).exp()[None] for length in (5.0, 30.0)])
        >>> shares = overflow(images, torch.full((1, 1, 1, 1), 1e-6))
        >>> [round(float(share), 1) for share in shares]
        [0.0, 0.7]
    """
    variance = variance.expand_as(values)
    values = torch.where(variance.isinf(), torch.inf, values)
    fainter = torch.minimum(values, values.flip((-2, -1)))  # of a missing pixel the other one
    used = fainter.isfinite()
    power = torch.where(used, 1 / variance, 0.0).mean((-2, -1), keepdim=True) * used
    power = power / power.sum(1, keepdim=True).clamp(min=1e-30)
    image = torch.where(used, power * fainter, 0.0).sum(1)
    least = torch.minimum(variance, variance.flip((-2, -1)))
    noise = torch.where(used, power.square() * least, 0.0).sum(1)
    whole = used.any(1)
    height, width = values.shape[-2:]
    y = torch.arange(height, device=values.device) - (height - 1) / 2
    x = torch.arange(width, device=values.device) - (width - 1) / 2
    radius, edge = torch.hypot(y[:, None], x[None]), min(height, width) / 2
    step = edge / RINGS
    light, error = [], []
    for inner in (edge - 3 * step, edge - 2 * step, edge - step):
        ring = whole & (radius >= inner) & (radius < inner + step)
        count = ring.sum((-2, -1)).clamp(min=1)
        light.append((image * ring).sum((-2, -1)) / count)
        # A pixel and its opposite are one number.
        error.append(2 * (noise * ring).sum((-2, -1)) / count.square())
    before, fall = light[0] - light[1], light[1] - light[2]
    sure = (before > 0) & (fall > SURE * (error[1] + error[2]).sqrt())
    ratio = (fall / before.clamp(min=1e-30)).clamp(1e-3, FLATTEST)
    length = -step / ratio.log()
    last = fall * ratio / (1 - ratio)
    beyond = 2 * math.pi * last * ratio.sqrt() * length * (length + edge)
    level = (light[2] - last)[:, None, None]
    within = ((image - level) * (whole & (radius < edge))).sum((-2, -1))
    return torch.where(sure, beyond / (within + beyond).clamp(min=1e-30), 0.0).clamp(0, 1)
