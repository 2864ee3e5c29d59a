"""Rings: around a bar or in the outer disc."""

from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.sky.discs import DARKEST, column
from deepfield.sky.numbers import Numbers


@dataclass(frozen=True)
class Ring:
    """A circular ring in the plane of the disc; lengths in disc half-light radii.

    Args:
        radius: [object] of its ridge.
        width: [object] standard deviation of its light about the ridge.
        share: [object] of the disc's light; 0 = there is none.
    """

    radius: Tensor
    width: Tensor
    share: Tensor


def draw_ring(numbers: Numbers, *, inner: Tensor, ringed: Tensor) -> Ring:
    """Rings of many galaxies, inner and outer ones alike often; takes 6 numbers.

    Inner rings lie at the end of the bar, outer ones at about twice that (Buta & Combes 1996).

    Args:
        numbers: at least 6 are left.
        inner: [object] radius of inner rings.
        ringed: [object] share of galaxies of such a kind that have a ring.
    """
    there, outer = numbers.next() < ringed, numbers.chance(0.5)
    scatter, stretch = numbers.flat((0.9, 1.15)), numbers.flat((1.7, 2.2))
    radius = inner * scatter * torch.where(outer, stretch, 1.0)
    return Ring(
        radius=radius,
        width=radius * numbers.flat((0.06, 0.14)),
        share=numbers.flat((0.06, 0.22)) * there,
    )


def paint_ring(ring: Ring, radius: Tensor) -> Tensor:
    """Surface brightness of the ring; 1 on its ridge.

    Args:
        ring: of the galaxies.
        radius: [object, Y, X] in the plane of the disc, disc half-light radii.

    Example:
        >>> one = torch.ones(1)
        >>> paint_ring(Ring(one, 0.1 * one, one), torch.ones(1, 1, 1)).item()
        1.0
    """
    away = (radius - column(ring.radius)) / column(ring.width)
    return away.square_().mul_(-0.5).clamp_(min=DARKEST).exp_()
