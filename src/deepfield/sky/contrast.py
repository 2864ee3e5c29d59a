"""Contrast: what of a part is left when a smooth galaxy has taken all that it can of its light."""

import math

import torch
from torch import Tensor

from deepfield.sky.discs import axes, column
from deepfield.sky.population import Galaxies

WIDTHS = (0.2, 0.4, 0.8, 1.5)
ROUND = (0.25, 0.6)
"""standard deviations of the Gaussians that a smooth galaxy is made of, half-light radii: some of
the disc's shape, some round as a bulge"""
FREE = 0.8
"""of the one whose derivatives by centre, axis ratio and angle are taken as well: an eye does not
know these, it finds them"""
SIGMAS = 2 * math.sqrt(2 * math.log(2))
"""in a FWHM"""


def smooth_light(galaxies: Galaxies, *, size: int, fwhm: float) -> Tensor:
    """[object, profile, y, x] what any smooth galaxy of about these axes is a sum of, blurred.

    Args:
        galaxies: their centres, sizes and shapes.
        size: side of the stamps, px.
        fwhm: of the PSF, px.

    Example:
        >>> import numpy as np
        >>> from deepfield.sky.population import Population
        >>> from deepfield.sky.surveys import sdss
        >>> some = Population().draw(np.arange(3), sdss(), seed=0, split="test", size=48)
        >>> smooth_light(some, size=48, fwhm=3.3).shape
        torch.Size([3, 10, 48, 48])
    """
    place = torch.arange(size) - (size - 1) / 2
    along, across = axes(
        place[:, None],
        place[None],
        at_y=galaxies.y,
        at_x=galaxies.x,
        position_angle=galaxies.position_angle,
    )
    blur = (fwhm / SIGMAS) ** 2

    def gaussian(width: float, ratio: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        major = ((width * galaxies.radius).square() + blur).sqrt()
        minor = ((width * galaxies.radius * ratio).square() + blur).sqrt()
        u, v = along / column(major), across / column(minor)
        return u, v, (-0.5 * (u.square() + v.square())).exp()

    found = [gaussian(width, torch.ones_like(galaxies.radius))[2] for width in ROUND]
    for width in WIDTHS:
        u, v, light = gaussian(width, galaxies.axis_ratio)
        found.append(light)
        if width == FREE:
            found += [u * light, v * light, (u.square() - v.square()) * light, u * v * light]
    return torch.stack(found, 1)


def contrast(parts: Tensor, light: Tensor, smooth: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
    """What of a part no smooth galaxy has: its signal-to-noise ratio, and its share of the light.

    The best sum of smooth profiles, weighted by the noise, is taken away first: light that a
    brighter bulge or disc would explain as well tells nobody of a bar. The share is of root mean
    squares over the noise, as is the contrast of a picture.

    Args:
        parts: [object, part, y, x] light of each through the PSF.
        light: [object, y, x] of all that there is, in the parts' unit.
        smooth: [object, profile, y, x] as from ``smooth_light``.
        sigma: [object, y, x] noise of the pixels, in the parts' unit.

    Returns:
        two tensors [object, part].

    Example:
        >>> profile = torch.rand(1, 2, 8, 8)
        >>> both = profile.sum(1)
        >>> strength, share = contrast(both[:, None], both, profile, torch.ones(1, 8, 8))
        >>> bool(strength < 1e-3), bool(share < 1e-3)
        (True, True)
    """
    noise = sigma[:, None]
    seen = (parts / noise).flatten(2).double()
    profiles = (smooth / noise).flatten(2).double()
    profiles /= profiles.norm(dim=2, keepdim=True)
    overlap = profiles @ profiles.mT
    overlap.diagonal(dim1=1, dim2=2).add_(1e-9)
    explained = torch.linalg.solve(overlap, profiles @ seen.mT)
    left = torch.baddbmm(seen, explained.mT, profiles, alpha=-1).norm(dim=2)
    whole = (light / sigma).flatten(1).norm(dim=1)
    return left.float(), left.float() / whole[:, None]
