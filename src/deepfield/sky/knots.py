"""Knots: star-forming clumps, scattered over a galaxy or strung along its arms."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.sky.arms import Arms
from deepfield.sky.discs import DARKEST, to_sky
from deepfield.sky.numbers import Numbers

MOST = 8
SMALLEST = 0.5
"""standard deviation of a knot in px that a canvas with two points a pixel can hold"""


@dataclass(frozen=True)
class Knots:
    """Gaussian knots on the plane of the sky; lengths in disc half-light radii.

    Args:
        x, y: [object, knot] offsets from the galaxy's centre.
        width: [object, knot] standard deviation.
        flux: [object, knot] relative; 0 = there is none.
        share: [object] of the light that all of them have.
    """

    x: Tensor
    y: Tensor
    width: Tensor
    flux: Tensor
    share: Tensor


def scattered(numbers: Numbers) -> Knots:
    """Three to eight clumps of all sizes, anywhere in a galaxy; takes ``2 + 4 * MOST`` numbers."""
    share, number = numbers.flat((0.25, 0.65)), numbers.pick(*range(3, MOST + 1))
    columns = []
    for i in range(MOST):
        radius, angle = 1.6 * numbers.next().sqrt(), 2 * math.pi * numbers.next()
        width, flux = numbers.flat((0.06, 0.35)), numbers.log_flat((0.1, 1.0)) * (i < number)
        columns.append((radius * angle.cos(), radius * angle.sin(), width, flux))
    x, y, width, flux = (torch.stack(c, 1).float() for c in zip(*columns, strict=True))
    return Knots(x, y, width, flux, share)


def along_arms(
    numbers: Numbers, arms: Arms, *, position_angle: Tensor, axis_ratio: Tensor, share: Tensor
) -> Knots:
    """HII regions near the ridges of the first mode; takes ``5 * MOST`` numbers.

    Args:
        numbers: enough of them.
        arms: where they lie.
        position_angle, axis_ratio: [object] of the disc, degrees east of north.
        share: [object] of the disc's light.
    """
    number, tangent = arms.number[:, 0], torch.tan(torch.deg2rad(arms.pitch[:, 0]))
    columns = []
    for _ in range(MOST):
        radius = numbers.flat((0.6, 2.0))
        arm = (numbers.next() * number).floor()
        across = numbers.normal(arms.phase[:, 0], 0.5) + 2 * math.pi * arm
        angle = radius.log() / tangent + across / number
        y, x = to_sky(radius * angle.cos(), axis_ratio * radius * angle.sin(), position_angle)
        columns.append((x, y, numbers.flat((0.03, 0.1)), numbers.log_flat((0.1, 1.0))))
    x, y, width, flux = (torch.stack(c, 1).float() for c in zip(*columns, strict=True))
    return Knots(x, y, width, flux, share)


def paint_knots(
    knots: Knots, y: Tensor, x: Tensor, *, at_y: Tensor, at_x: Tensor, radius: Tensor
) -> Tensor:
    """Surface brightness of all knots, each holding its relative flux: [object, Y, X].

    Args:
        knots: of the galaxies.
        y, x: [Y, 1] and [1, X] offsets from the stamp's centre, px.
        at_y, at_x: [object] of the galaxy, the same way.
        radius: [object] half-light radius of the disc, px.

    Example:
        >>> axis, zero = torch.linspace(-9.75, 9.75, 40), torch.zeros(1)
        >>> one = torch.ones(1, 1)
        >>> painted = paint_knots(
        ...     Knots(one, 0 * one, 0.2 * one, 3 * one, torch.ones(1)),
        ...     axis[:, None], axis[None], at_y=zero, at_x=zero, radius=4 + zero,
        ... )
        >>> round(painted.sum().item() / 4, 3)  # four points a pixel
        3.0
    """
    size = radius[:, None]
    variance = (knots.width * size).clamp(min=SMALLEST) ** 2
    dx = x[0] - (at_x[:, None] + knots.x * size)[..., None]
    dy = y[:, 0] - (at_y[:, None] + knots.y * size)[..., None]
    height = (knots.flux / (2 * math.pi * variance))[..., None]
    rows = (dy.square() / (-2 * variance[..., None])).clamp_(min=DARKEST).exp_()
    columns = height * (dx.square() / (-2 * variance[..., None])).clamp_(min=DARKEST).exp_()
    return rows.mT @ columns
