"""Residuals: what the image holds beyond its mean elliptical profile."""

from math import pi, sqrt

import torch
from torch import Tensor

from deepfield.rivals.asymmetry import turned
from deepfield.rivals.stamps import smooth

SCALES = (1.0, 2.0, 4.0)

NAMES = (
    "residual_fraction",
    "residual_symmetry",
    "residual_skewness",
    "residual_crossing",
    *(f"residual_{sign}_{scale:.0f}" for scale in SCALES for sign in ("peak", "dip", "power")),
)


def measure(residual: Tensor, image: Tensor, weight: Tensor, centre: Tensor) -> Tensor:
    """Size, symmetry and clumpiness of the residual inside an aperture.

    Its absolute sum over the light (less the noise's part), its correlation with itself turned
    by half a circle (two arms or a bar: near 1; clumps: near 0) and by a quarter (a cross), its
    skewness, and after smoothing by 1, 2 and 4 pixels its highest peak, deepest dip and rms, in
    units of the smoothed noise.

    Args:
        residual: [object, y, x] in units of the sky noise.
        image: [object, y, x], the light itself, in the same unit.
        weight: [object, y, x] aperture, 0 to 1.
        centre: [object, 2] as (y, x), pixels.

    Returns:
        [object, feature] in the order of ``NAMES``.

    Example:
        >>> residual = torch.zeros(1, 9, 9)
        >>> residual[0, 4, 2], residual[0, 4, 6] = 50.0, 50.0
        >>> one = torch.ones(1, 9, 9)
        >>> found = measure(residual, 10 * one, one, torch.tensor([[4.0, 4.0]]))
        >>> round(float(found[0, NAMES.index("residual_symmetry")]), 2)
        1.0
    """
    inside = residual * weight
    area = weight.sum((-1, -2)).clamp_min(1)
    light = (image * weight).sum((-1, -2)).clamp_min(1)
    energy = inside.square().sum((-1, -2)).clamp_min(1e-6)
    other = turned(inside, centre)
    quarter = _quarter(inside, centre)
    found = [
        (inside.abs().sum((-1, -2)) - sqrt(2 / pi) * area) / light,
        (inside * other).sum((-1, -2)) / energy,
        inside.pow(3).sum((-1, -2)) / area / (energy / area).pow(1.5),
        (inside * quarter).sum((-1, -2)) / energy,
    ]
    for scale in SCALES:
        soft = smooth(inside, torch.full((len(inside),), scale)) * (2 * sqrt(pi) * scale)
        found += [
            soft.amax((-1, -2)),
            -soft.amin((-1, -2)),
            (soft.square().sum((-1, -2)) / area).sqrt(),
        ]
    return torch.stack(found, 1)


def _quarter(image: Tensor, centre: Tensor) -> Tensor:
    """Images turned by 90 degrees about a point, to the nearest pixel, 0 from outside."""
    height, width = image.shape[-2:]
    y, x = torch.arange(height)[:, None], torch.arange(width)[None, :]
    cy, cx = centre[:, :1, None], centre[:, 1:, None]
    row = (cy + (x - cx)).round().long().expand(-1, height, width)
    column = (cx - (y - cy)).round().long().expand(-1, height, width)
    known = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    index = (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).flatten(1)
    return image.flatten(1).gather(1, index).reshape(image.shape) * known
