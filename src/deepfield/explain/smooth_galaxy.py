"""Smooth galaxy: the same light without arms, bars, clumps and companions, to compare with.

Covered with empty sky, every galaxy loses its nucleus first. Covered with what a smooth galaxy of
the same profile would show there, it loses only what makes it look as it does.
"""

import numpy as np
import torch
from torch import Tensor

from deepfield.explain.gaussian_blur import gaussian_blur

ROUNDS = 12
"""of the moments; they settle in fewer"""
WINDOW = 2.0
"""variance of the window over that of the galaxy"""
RIM = 6
"""px above and below that show the sky"""


def smooth_galaxy(values: Tensor) -> Tensor:
    """Each pixel becomes the median of its elliptical annulus, band by band.

    The ellipse is that of adaptive second moments (Bernstein & Jarvis 2002, AJ 123, 583) about the
    middle of the stamp, of the root of the light in a wide window: that of the disc, not of a bar
    in it. Medians pass over what covers less than half of an annulus.

    Args:
        values: [object, channel, y, x]; NaN counts as empty sky.

    Returns:
        of the same shape and unit.

    Example:
        >>> y, x = torch.meshgrid(torch.arange(33.0), torch.arange(33.0), indexing="ij")
        >>> disc = torch.exp(-((x - 16) ** 2 + (y - 16) ** 2).sqrt() / 3)[None, None]
        >>> clumpy = disc.clone()
        >>> clumpy[..., 10, 20] += 2
        >>> bool(smooth_galaxy(clumpy)[0, 0, 10, 20] < 2 * disc[0, 0, 10, 20])
        True
    """
    seen = values.detach().nan_to_num(0.0, 0.0, 0.0)
    _, channels, height, width = seen.shape
    radius = _elliptical_radius(seen.sum(1))
    last = max(height, width) // 2
    annulus = radius.round().long().clamp(max=last).flatten(1)
    profile = _medians(seen.flatten(2), annulus, last + 1)
    inner = radius.floor().long().clamp(max=last - 1)
    further = (radius - inner).clamp(0, 1)[:, None]

    def at(number: Tensor) -> Tensor:
        rows = number.flatten(1)[:, None].expand(-1, channels, -1)
        return profile.gather(2, rows).reshape(seen.shape)

    return at(inner) * (1 - further) + at(inner + 1) * further


def _medians(values: Tensor, annulus: Tensor, count: int) -> Tensor:
    """[object, channel, annulus] medians; an annulus without pixels has that of the one inside."""
    objects, channels, _ = values.shape
    first = torch.arange(objects * channels, device=values.device).reshape(objects, channels, 1)
    keys = (first * count + annulus[:, None]).flatten().cpu().numpy()
    flat = values.flatten().cpu().numpy()
    order = np.lexsort((flat, keys))
    pixels = np.bincount(keys, minlength=objects * channels * count)
    middle = np.minimum(pixels.cumsum() - pixels + pixels // 2, len(flat) - 1)
    medians = flat[order][middle].reshape(-1, count)
    empty = pixels.reshape(-1, count) == 0
    known = np.maximum.accumulate(np.where(empty, 0, np.arange(count)), axis=1)
    medians = np.take_along_axis(medians, known, axis=1)
    return torch.from_numpy(medians).to(values).reshape(objects, channels, count)


def _elliptical_radius(light: Tensor) -> Tensor:
    """[object, y, x] px: geometric mean of the axes of the ellipse through each pixel."""
    objects, height, width = light.shape
    y, x = torch.meshgrid(
        torch.arange(height).to(light) - (height - 1) / 2,
        torch.arange(width).to(light) - (width - 1) / 2,
        indexing="ij",
    )
    weight = _above_the_sky(light).sqrt()
    largest = (max(height, width) / 5) ** 2
    xx = light.new_full((objects, 1, 1), min(16.0, largest))
    yy, xy = xx.clone(), torch.zeros_like(xx)

    def squared() -> Tensor:
        return (yy * x**2 - 2 * xy * x * y + xx * y**2) / (xx * yy - xy**2)

    for _ in range(ROUNDS):
        weighted = weight * torch.exp(-0.5 * squared() / WINDOW)
        whole = weighted.sum((1, 2), keepdim=True).clamp(min=1e-12)
        # What a Gaussian loses to a Gaussian window of its shape.
        xx, yy, xy = (
            (1 + 1 / WINDOW) * (weighted * square).sum((1, 2), keepdim=True) / whole
            for square in (x**2, y**2, x * y)
        )
        xx, yy = xx.clamp(2.0, largest), yy.clamp(2.0, largest)
        most = 0.97 * (xx * yy).sqrt()
        xy = torch.maximum(torch.minimum(xy, most), -most)
    return (squared() * (xx * yy - xy**2).sqrt()).clamp(min=0).sqrt()


def _above_the_sky(light: Tensor) -> Tensor:
    """What is left of light [object, y, x] a sigma above its rim, after a little smoothing."""
    rim = torch.cat([light[:, :RIM].flatten(1), light[:, -RIM:].flatten(1)], 1)
    sky = rim.median(1, keepdim=True).values
    sigma = 1.4826 * (rim - sky).abs().median(1, keepdim=True).values
    smooth = gaussian_blur(light[:, None], 1.0)[:, 0]
    return (smooth - (sky + sigma)[..., None]).clamp(min=0)
