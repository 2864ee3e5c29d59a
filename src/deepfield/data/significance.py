"""Significance: whether any light stands out of the noise in the middle of a stamp."""

import torch
from torch import Tensor

NOTHING = 3.5
"""highest significance of what is called nothing: noise exceeds it in one stamp of a thousand"""
RADII = (0.04, 0.08, 0.16, 0.3)
"""of the apertures, in sides of the stamp"""


def significance(values: Tensor, variance: Tensor) -> Tensor:
    """Signal-to-noise ratio of the light around the middle, in the aperture where it is highest.

    All bands count, each by its own noise; that of neighbouring pixels is taken as independent,
    so resampled pixels look more significant than they are.

    Args:
        values: [object, channel, y, x] without the sky's level.
        variance: [object or 1, channel or 1, y or 1, x or 1]; infinite = missing.

    Returns:
        [object]; 0 where nothing was measured.

    Example:
        >>> noise = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
        >>> star = torch.zeros(1, 1, 64, 64)
        >>> star[0, 0, 31:33, 31:33] = 5
        >>> ratios = significance(torch.cat([noise, noise + star]), torch.ones(1, 1, 1, 1))
        >>> (ratios > NOTHING).tolist()
        [False, True]
    """
    height, width = values.shape[-2:]
    y = torch.arange(height, device=values.device) - (height - 1) / 2
    x = torch.arange(width, device=values.device) - (width - 1) / 2
    radius = torch.hypot(y[:, None], x[None])
    within = torch.stack([(radius < max(2, share * height)) for share in RADII]).to(values)
    weight = (1 / variance).expand_as(values)
    light = torch.einsum("ocyx,ayx->oa", torch.where(weight > 0, values * weight, 0.0), within)
    noise = torch.einsum("ocyx,ayx->oa", weight, within).sqrt()
    return (light / noise.clamp(min=1e-30)).amax(1)
