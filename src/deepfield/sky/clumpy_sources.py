"""Clumpy sources: young galaxies behind a lens, as surface brightness at any point of the sky."""

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from deepfield.sky.lensing import Lens
from deepfield.sky.priors import Range

CLUMPS = 4
NUMBERS = 5 + 4 * CLUMPS
"""uniform numbers that a source needs"""
CLUMP_INDEX = 0.5
"""Sersic index of a clump: Gaussians are true to their flux even on a coarse grid"""
CLUMP_RADIUS = (0.04, 0.1)
"""half-light radius, arcsec"""


@dataclass(frozen=True)
class Sources:
    """Galaxies made of Sersic (1963) blobs; lengths in one unit, offsets from any one point.

    Args:
        x, y: [object, blob].
        radius: [object, blob] half-light radius along the major axis.
        axis_ratio, position_angle: [object, blob], degrees east of north.
        sersic_index: [object, blob].
        share: [object, blob] of the light; the sum is 1.
    """

    x: Tensor
    y: Tensor
    radius: Tensor
    axis_ratio: Tensor
    position_angle: Tensor
    sersic_index: Tensor
    share: Tensor

    def take(self, indices: Tensor) -> "Sources":
        """Some of the sources."""
        return Sources(**{f.name: getattr(self, f.name)[indices] for f in fields(self)})

    def surface_brightness(self, x: Tensor, y: Tensor) -> Tensor:
        """Light per area of sources of unit flux.

        Args:
            x, y: [object, Y, X].

        Returns:
            [object, Y, X].

        Example:
            >>> one = torch.ones(1, 1)
            >>> blob = Sources(0 * one, 0 * one, one, one, 0 * one, 0.5 * one, one)
            >>> axis = torch.linspace(-4, 4, 41)
            >>> grid = torch.meshgrid(axis, axis, indexing="xy")
            >>> light = blob.surface_brightness(grid[0][None], grid[1][None])
            >>> round(float(light.sum() * 0.2**2), 4)
            1.0
        """
        n = self.sersic_index
        b = half_light(n)
        area = 2 * math.pi * n * self.radius**2 * self.axis_ratio
        peak = self.share / (area * torch.exp(torch.lgamma(2 * n) - 2 * n * b.log()))
        angle = torch.deg2rad(self.position_angle)
        sin, cos = angle.sin(), angle.cos()
        total = torch.zeros_like(x)
        for i in range(n.shape[1]):
            # Blobs that no source of the batch has, cost nothing.
            if not bool(self.share[:, i].any()):
                continue
            at = (slice(None), i, None, None)
            dx, dy = x - self.x[at], y - self.y[at]
            long = (dy * cos[at] - dx * sin[at]) / self.radius[at]
            wide = (dx * cos[at] + dy * sin[at]) / (self.radius * self.axis_ratio)[at]
            squared = (long.square() + wide.square()).clamp(min=1e-12)
            rise = (squared.log() * (0.5 / n)[at]).exp()
            total = total + peak[at] * (-b[at] * rise).exp()
        return total


def half_light(sersic_index: Tensor) -> Tensor:
    """b of exp(-b r^(1/n)) with half of the light inside r = 1 (Ciotti & Bertin 1999).

    Example:
        >>> round(float(half_light(torch.tensor(1.0))), 2)
        1.68
    """
    n = sersic_index
    return 2 * n - 1 / 3 + 4 / (405 * n) + 46 / (25515 * n**2) + 131 / (1148175 * n**3)


def clumpy(
    numbers: Tensor, x: Tensor, y: Tensor, *, radius: Tensor, clumps: tuple[int, int], share: Range
) -> Sources:
    """A smooth galaxy with star-forming clumps that stand out of it.

    Args:
        numbers: [NUMBERS, object] uniform in [0, 1).
        x, y: [object] centre of the galaxy.
        radius: [object] half-light radius of the galaxy.
        clumps: least and most, integers up to ``CLUMPS``.
        share: of all clumps together in the light.

    Returns:
        sources with the galaxy as their first blob; clumps that are not there have no share.

    Example:
        >>> zero = torch.zeros(2)
        >>> numbers = torch.full((NUMBERS, 2), 0.5)
        >>> some = clumpy(numbers, zero, zero, radius=zero + 1, clumps=(2, 2), share=(0.3, 0.3))
        >>> some.share.sum(1).tolist(), int((some.share[0] > 0).sum())
        ([1.0, 1.0], 3)
    """
    columns = iter(numbers)

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * next(columns)

    low, high = clumps
    there = torch.arange(CLUMPS) < draw(low, high + 1).floor()[:, None]
    ratio, angle, index = draw(0.35, 1.0), draw(0, 180), draw(0.7, 1.3)
    clumped = draw(*share) * (there.sum(1) > 0)
    places = [(draw(0.1, 1.3).sqrt(), draw(0, 2 * math.pi)) for _ in range(CLUMPS)]
    r, theta = (torch.stack(part, 1) for part in zip(*places, strict=True))
    # In the plane of the inclined disc.
    along, across = r * theta.cos(), r * theta.sin() * ratio[:, None]
    turn = torch.deg2rad(angle)[:, None]
    clump_x = (across * turn.cos() - along * turn.sin()) * radius[:, None]
    clump_y = (along * turn.cos() + across * turn.sin()) * radius[:, None]
    weight = torch.stack([draw(0.3, 1.0) for _ in range(CLUMPS)], 1) * there
    weight = weight / weight.sum(1, keepdim=True).clamp(min=1e-9) * clumped[:, None]
    sizes = torch.stack([draw(*CLUMP_RADIUS) for _ in range(CLUMPS)], 1)
    one = torch.ones_like(sizes)
    return Sources(
        x=x[:, None] + torch.cat([torch.zeros_like(x)[:, None], clump_x], 1),
        y=y[:, None] + torch.cat([torch.zeros_like(y)[:, None], clump_y], 1),
        radius=torch.cat([radius[:, None], sizes], 1),
        axis_ratio=torch.cat([ratio[:, None], one], 1),
        position_angle=torch.cat([angle[:, None], 0 * one], 1),
        sersic_index=torch.cat([index[:, None], CLUMP_INDEX * one], 1),
        share=torch.cat([(1 - clumped)[:, None], weight], 1),
    )


def arcs(lens: Lens, sources: Sources, x: Tensor, y: Tensor) -> Tensor:
    """Lensed surface brightness: that of the source where the light comes from (ray shooting).

    Lensing keeps surface brightness, so the sum times the area of a grid point is the
    magnification. Differentiable in the parameters of lens and sources.

    Args:
        lens, sources: as many of each, offsets from the lens.
        x, y: [object, Y, X] offsets from the lens.

    Returns:
        [object, Y, X], light per area for sources of unit flux.

    Example:
        >>> one = torch.ones(1)
        >>> sphere = Lens(one, one, 0 * one, 0 * one, 0 * one)
        >>> behind = Sources(*(v * one[:, None] for v in (0, 0, 0.1, 1, 0, 0.5, 1)))
        >>> axis = torch.linspace(-2, 2, 201)
        >>> x, y = torch.meshgrid(axis, axis, indexing="xy")
        >>> ring = arcs(sphere, behind, x[None], y[None])[0]
        >>> peak = ring[100].argmax()
        >>> round(abs(float(axis[peak])), 2)
        1.0
    """
    return sources.surface_brightness(*lens.source_plane(x, y))
