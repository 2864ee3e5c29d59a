"""Features: arms, bars and clumps, painted as surface brightness on a fine grid."""

import math

import torch
from torch import Tensor

from deepfield.sky.population import Galaxies

SCALE_LENGTH = 1 / 1.6783469900166605
"""of an exponential disc, in its half-light radii"""
TURNS = 8


def column(x: Tensor) -> Tensor:
    """[object] -> [object, 1, 1], to broadcast over pixels."""
    return x[:, None, None]


def disc_plane(galaxies: Galaxies, y: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Radius (in half-light radii) and azimuth (radians) in the plane of each disc.

    Args:
        galaxies: inclined by their axis ratio as thin discs are.
        y, x: [Y, 1] and [1, X] offsets from the stamp's centre, px.

    Returns:
        two tensors [object, Y, X]; azimuth 0 is the major axis.
    """
    angle = torch.deg2rad(galaxies.position_angle)
    sin, cos = column(angle.sin()), column(angle.cos())
    dx, dy = x - column(galaxies.x), y - column(galaxies.y)
    major = dy * cos - dx * sin
    minor = (dx * cos + dy * sin) / column(galaxies.axis_ratio)
    return torch.hypot(major, minor) / column(galaxies.radius), torch.atan2(minor, major)


def disc(radius: Tensor) -> Tensor:
    """Exponential surface brightness at radii in half-light radii."""
    return torch.exp(radius / -SCALE_LENGTH)


def arms(galaxies: Galaxies, radius: Tensor, azimuth: Tensor) -> Tensor:
    """A disc whose light is gathered in logarithmic spiral arms outside 0.4 half-light radii.

    Across an arm the light follows a von Mises profile, whose mean over azimuth is the disc's.
    """
    pitch = torch.deg2rad(column(galaxies.arm_pitch))
    winding = torch.log(radius.clamp(min=0.05)) / torch.tan(pitch)
    phase = column(galaxies.arms) * (azimuth - winding) - torch.deg2rad(column(galaxies.arm_phase))
    sharpness = column(galaxies.arm_sharpness)
    profile = torch.exp(sharpness * (phase.cos() - 1)) / torch.special.i0e(sharpness)
    return disc(radius) * (1 + torch.sigmoid((radius - 0.4) / 0.08) * (profile - 1))


def bar(galaxies: Galaxies, radius: Tensor, azimuth: Tensor) -> Tensor:
    """A boxy bar with a soft edge at its length, in the plane of the disc."""
    turned = azimuth - torch.deg2rad(column(galaxies.bar_angle))
    return _boxy(galaxies, radius, torch.cos(2 * turned))


def round_bar(galaxies: Galaxies, radius: Tensor, azimuth: Tensor) -> Tensor:
    """The bar's light spread over azimuth: what it would be if it were a bulge."""
    cosine, sine = torch.cos(2 * azimuth), torch.sin(2 * azimuth)
    painted = torch.zeros_like(radius)
    for i in range(TURNS):
        turn = 2 * math.pi * i / TURNS  # of twice the azimuth
        painted += _boxy(galaxies, radius, cosine * math.cos(turn) - sine * math.sin(turn))
    return painted / TURNS


def _boxy(galaxies: Galaxies, radius: Tensor, cosine: Tensor) -> Tensor:
    """A bar from the cosine of twice the angle to its major axis."""
    half = radius.square() / 2
    along = half * (1 + cosine) / column(galaxies.bar_length) ** 2
    width = column(galaxies.bar_length * galaxies.bar_axis_ratio)
    across = half * (1 - cosine) / width**2
    square = (along.square() + across.square()).sqrt()  # of the distance in bar lengths
    return torch.exp(-square * square.sqrt())


def clumps(galaxies: Galaxies, y: Tensor, x: Tensor) -> Tensor:
    """Gaussian knots of different sizes and fluxes, in the plane of the sky: [object, Y, X]."""
    painted = torch.zeros(len(galaxies), len(y), x.shape[1])
    radius = galaxies.radius
    for at_x, at_y, width, flux in galaxies.clumps.permute(1, 2, 0):
        variance = 2 * (width * radius).clamp(min=0.5) ** 2
        dx = x[0] - (galaxies.x + at_x * radius)[:, None]
        dy = y[:, 0] - (galaxies.y + at_y * radius)[:, None]
        bump_x = torch.exp(-(dx**2) / variance[:, None]) * (flux / variance)[:, None]
        painted += torch.exp(-(dy**2) / variance[:, None])[:, :, None] * bump_x[:, None, :]
    return painted
