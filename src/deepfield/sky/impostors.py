"""Impostors: spirals and rings whose light can be taken for gravitational arcs.

The spiral is the painter of the lens-finding challenge (Metcalf+19, A&A 625, A119): an
exponential disc times 1 + A cos(N theta + phase), whose phase winds with the logarithm of the
radius. The ring is a Gaussian annulus, broken along its circumference.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class Discs:
    """Inclined, thin discs with a pattern; lengths in one unit, angles in degrees east of north.

    Args:
        radius: [object] scale length of a spiral's disc, or radius of a ring.
        width: [object] standard deviation of a ring in its radii.
        axis_ratio, position_angle: [object] of the inclined disc.
        arms: [object] number of arms, or of gaps in a ring.
        amplitude: [object] of the pattern, at most 1.
        winding: [object] radians of phase for a factor e in radius, signed.
        phase: [object] radians.
    """

    radius: Tensor
    width: Tensor
    axis_ratio: Tensor
    position_angle: Tensor
    arms: Tensor
    amplitude: Tensor
    winding: Tensor
    phase: Tensor

    def take(self, indices: Tensor) -> "Discs":
        """Some of the discs."""
        return Discs(**{f.name: getattr(self, f.name)[indices] for f in fields(self)})

    def plane(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Radius (in the disc's own) and azimuth (radians) in the plane of each disc.

        Args:
            x, y: [object, Y, X] offsets from the centre.
        """
        angle = torch.deg2rad(self.position_angle)[:, None, None]
        sin, cos = angle.sin(), angle.cos()
        major = y * cos - x * sin
        minor = (x * cos + y * sin) / self.axis_ratio[:, None, None]
        radius = torch.hypot(major, minor) / self.radius[:, None, None]
        return radius, torch.atan2(minor, major)


def spirals(discs: Discs, x: Tensor, y: Tensor) -> Tensor:
    """Surface brightness of discs with arms, [object, Y, X], with a peak near 1 + amplitude.

    Args:
        discs: their shapes; ``width`` is not used.
        x, y: [object, Y, X] offsets from the centre, in the discs' unit.

    Example:
        >>> one = torch.ones(1)
        >>> disc = Discs(one, one, one, 0 * one, 2 * one, 0 * one, 3 * one, 0 * one)
        >>> x = torch.tensor([0.0, 1.0, 2.0]).reshape(1, 1, 3)
        >>> spirals(disc, x, 0 * x)[0, 0].round(decimals=3).tolist()  # arms of no amplitude
        [1.0, 0.368..., 0.135...]
    """
    radius, azimuth = discs.plane(x, y)
    winding, phase = discs.winding[:, None, None], discs.phase[:, None, None]
    wound = winding * torch.log(2 * radius.clamp(min=0.02)) + phase
    waves = torch.cos(discs.arms[:, None, None] * azimuth + wound)
    return torch.exp(-radius) * (1 + discs.amplitude[:, None, None] * waves)


def rings(discs: Discs, x: Tensor, y: Tensor) -> Tensor:
    """Surface brightness of broken rings, [object, Y, X], with a peak near 1 + amplitude.

    Args:
        discs: their shapes; ``winding`` is not used.
        x, y: [object, Y, X] offsets from the centre, in the discs' unit.

    Example:
        >>> one = torch.ones(1)
        >>> disc = Discs(one, 0.1 * one, one, 0 * one, 1 * one, 0 * one, 0 * one, 0 * one)
        >>> x = torch.tensor([0.0, 1.0, 2.0]).reshape(1, 1, 3)
        >>> rings(disc, x, 0 * x)[0, 0].round(decimals=3).tolist()
        [0.0, 1.0, 0.0]
    """
    radius, azimuth = discs.plane(x, y)
    annulus = torch.exp(-0.5 * ((radius - 1) / discs.width[:, None, None]).square())
    turned = discs.arms[:, None, None] * azimuth + discs.phase[:, None, None]
    return annulus * (1 + discs.amplitude[:, None, None] * turned.cos())
