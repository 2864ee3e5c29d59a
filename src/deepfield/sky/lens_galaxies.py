"""Massive galaxies and what is around them: drawn alike for lenses and for impostors.

Every function takes uniform numbers [number, object] in [0, 1), as many as its constant says, and
Einstein radii [object]: that is the scale on which arcs are found, so on which to imitate them.
"""

import math

import torch
from torch import Tensor

from deepfield.sky.impostors import Discs
from deepfield.sky.lensing import Lens
from deepfield.sky.priors import Range

COMPANIONS, NEIGHBOURS = 3, 2
GALAXY_NUMBERS, DISC_NUMBERS = 8, 9
COMPANION_NUMBERS, NEIGHBOUR_NUMBERS = 1 + 7 * COMPANIONS, 1 + 7 * NEIGHBOURS


def galaxies(numbers: Tensor, lens: Lens) -> Tensor:
    """Early-type galaxies whose light roughly follows the lens's mass; every third has a disc.

    Args:
        numbers: [GALAXY_NUMBERS, object].
        lens: their mass.

    Returns:
        [object, component, 5]: Sersic index, half-light radius in the unit of the Einstein
        radius, axis ratio, position angle, share of the light.

    Example:
        >>> one = torch.ones(1)
        >>> lens = Lens(one, 0.8 * one, 30 * one, 0 * one, 0 * one)
        >>> galaxies(torch.full((GALAXY_NUMBERS, 1), 0.5), lens)[0, 0].tolist()
        [4.0, 0.75..., 0.80..., 30.0, 1.0]
    """
    u = numbers
    disc = u[0] < 0.33
    share = torch.where(disc, _between(u[1], 0.5, 0.95), torch.ones_like(u[1]))
    radius = lens.einstein_radius * _between(u[2], 0.4, 1.1)
    ratio = (lens.axis_ratio + _between(u[4], -0.12, 0.12)).clamp(0.4, 1.0)
    angle = lens.position_angle + _between(u[5], -12, 12)
    inclined = ratio * _between(u[7], 0.6, 1.0)
    bulge = torch.stack([_between(u[3], 2.5, 5.5), radius, ratio, angle, share], 1)
    rest = torch.stack(
        [torch.ones_like(radius), radius * _between(u[6], 1.2, 2.2), inclined, angle, 1 - share], 1
    )
    return torch.stack([bulge, rest], 1)


def discs(numbers: Tensor, radius: Tensor, spiral: Tensor) -> Discs:
    """Discs of spirals and rings, with their arms and arcs where those of a lens would be.

    Args:
        numbers: [DISC_NUMBERS, object].
        radius: [object] Einstein radius.
        spiral: [object] bool; others are rings.

    Example:
        >>> one = torch.ones(2)
        >>> made = discs(torch.full((DISC_NUMBERS, 2), 0.5), one, torch.tensor([True, False]))
        >>> made.radius.tolist()
        [0.55..., 1.0]
    """
    u = numbers

    def either(arms: Tensor, ring: Tensor) -> Tensor:
        return torch.where(spiral, arms, ring)

    arms = either(_pick(u[0], 1, 2, 2, 2, 3), _pick(u[0], 1, 1, 2, 2))
    pitch = torch.deg2rad(_between(u[1], 8, 28))
    return Discs(
        radius=radius * either(_between(u[3], 0.35, 0.75), _between(u[3], 0.7, 1.3)),
        width=_between(u[4], 0.06, 0.2),
        axis_ratio=either(_between(u[5], 0.4, 1.0), _between(u[5], 0.5, 1.0)),
        position_angle=_between(u[6], 0, 180),
        arms=arms,
        amplitude=either(_between(u[7], 0.7, 1.0), _between(u[7], 0.2, 1.0)),
        winding=arms / pitch.tan() * _pick(u[2], -1, 1),
        phase=_between(u[8], 0, 2 * math.pi),
    )


def companions(numbers: Tensor, radius: Tensor, slope: Tensor) -> Tensor:
    """One to three thin galaxies about the Einstein radius, more along it than across.

    Args:
        numbers: [COMPANION_NUMBERS, object].
        radius: [object] Einstein radius, arcsec.
        slope: [object] d ln flux / d ln wavelength; each differs a little from it, while the
            images of one source do not.

    Returns:
        [object, companion, 7]: x, y, half-light radius, axis ratio, position angle, share of the
        light (0 where there is none), slope.

    Example:
        >>> one = torch.ones(1)
        >>> rows = companions(torch.full((COMPANION_NUMBERS, 1), 0.5), one, 0 * one)
        >>> rows.shape, round(float(rows[..., 5].sum()), 3)
        (torch.Size([1, 3, 7]), 1.0)
    """
    number = _pick(numbers[0], 1, 1, 2, 2, 3)
    rows = []
    for i, u in enumerate(numbers[1:].split(7)):
        place, theta = radius * _between(u[0], 0.8, 2.2), _between(u[1], 0, 2 * math.pi)
        rows.append(
            [
                -place * theta.sin(),
                place * theta.cos(),
                _between(u[2], 0.15, 0.45),
                _between(u[3], 0.12, 0.6),
                # Across the line to the galaxy, as arcs lie.
                torch.rad2deg(theta) + 90 + 60 * (2 * u[4] - 1),
                _between(u[5], 0.3, 1.0) * (i < number),
                slope + _between(u[6], -0.6, 0.6),
            ]
        )
    table = torch.stack([torch.stack(row, 1) for row in rows], 1)
    table[..., 5] /= table[..., 5].sum(1, keepdim=True)
    return table


def neighbours(numbers: Tensor, radius: Tensor, *, farthest: float, slope: Range) -> Tensor:
    """Up to two galaxies of any colour, farther away.

    Args:
        numbers: [NEIGHBOUR_NUMBERS, object].
        radius: [object] Einstein radius, arcsec.
        farthest: from the galaxy in the middle, arcsec.
        slope: d ln flux / d ln wavelength.

    Returns:
        [object, neighbour, 7] as :func:`companions`, the share relative to the galaxy's light.

    Example:
        >>> one = torch.ones(1)
        >>> numbers = torch.full((NEIGHBOUR_NUMBERS, 1), 0.5)
        >>> rows = neighbours(numbers, one, farthest=6.0, slope=(0.0, 3.0))
        >>> rows.shape, int((rows[..., 5] > 0).sum())
        (torch.Size([1, 2, 7]), 1)
    """
    number = _pick(numbers[0], 0, 1, 1, 2)
    nearest = (2 * radius).clamp(max=farthest)
    rows = []
    for i, u in enumerate(numbers[1:].split(7)):
        place, theta = nearest + (farthest - nearest) * u[0], _between(u[1], 0, 2 * math.pi)
        rows.append(
            [
                -place * theta.sin(),
                place * theta.cos(),
                _between(u[2], 0.2, 0.8),
                _between(u[3], 0.2, 1.0),
                _between(u[4], 0, 180),
                0.01 * 30 ** u[5] * (i < number),
                _between(u[6], *slope),
            ]
        )
    return torch.stack([torch.stack(row, 1) for row in rows], 1)


def _between(u: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * u


def _pick(u: Tensor, *options: float) -> Tensor:
    """One of several options, each as likely as the others."""
    return torch.tensor(options)[(u * len(options)).long().clamp(max=len(options) - 1)].to(u)
