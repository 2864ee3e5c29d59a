"""Bars: boxy, in the plane of the disc."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.sky.discs import DARKEST, column
from deepfield.sky.numbers import Numbers

TURNS = 16
POINTS, LONGEST = 256, 3.0
"""of the table of a bar's mean light, in radius, and its end in bar lengths"""


@dataclass(frozen=True)
class Bar:
    """A bar with a soft edge at its length.

    Args:
        length: [object] semi-major axis, disc half-light radii.
        axis_ratio: [object] minor over major axis.
        angle: [object] from the disc's major axis, in its plane, degrees.
        share: [object] of the disc's light.
    """

    length: Tensor
    axis_ratio: Tensor
    angle: Tensor
    share: Tensor

    def seen(self, disc_axis_ratio: Tensor) -> Tensor:
        """[object] semi-major axis as projected on the sky, disc half-light radii."""
        turn = torch.deg2rad(self.angle)
        return self.length * torch.hypot(turn.cos(), turn.sin() * disc_axis_ratio)


def draw_bar(numbers: Numbers) -> Bar:
    """Bars of many galaxies; takes 4 numbers."""
    return Bar(
        length=numbers.flat((0.7, 1.3)),
        share=numbers.flat((0.22, 0.45)),
        axis_ratio=numbers.flat((0.2, 0.4)),
        angle=numbers.flat((0.0, 180.0)),
    )


def paint_bar(bar: Bar, radius: Tensor, azimuth: Tensor) -> Tensor:
    """Surface brightness of the bar; 1 at the centre.

    Args:
        bar: of the galaxies.
        radius, azimuth: [object, Y, X] in the plane of the disc, half-light radii and radians.

    Example:
        >>> bar = draw_bar(Numbers(torch.rand(1, 4).numpy()))
        >>> paint_bar(bar, torch.zeros(1, 1, 1), torch.zeros(1, 1, 1)).item()
        1.0
    """
    turned = azimuth - torch.deg2rad(column(bar.angle))
    return _boxy(bar, radius, torch.cos(2 * turned))


def paint_round_bar(bar: Bar, radius: Tensor) -> Tensor:
    """The bar's light spread over azimuth: what it would be if it were a bulge.

    Interpolated from a table in radius, since nothing else matters.

    Args:
        bar: of the galaxies.
        radius: [object, Y, X] in the plane of the disc, half-light radii.

    Example:
        >>> bar = draw_bar(Numbers(torch.rand(1, 4).numpy()))
        >>> paint_round_bar(bar, torch.zeros(1, 1, 1)).item()
        1.0
    """
    away = torch.linspace(0, LONGEST, POINTS)[:, None] * column(bar.length)
    turn = (torch.arange(TURNS) + 0.5) * (math.pi / TURNS)  # of twice the azimuth
    table = _boxy(bar, away.expand(-1, -1, TURNS), turn.cos()).mean(2)
    place = (radius / column(bar.length)).mul_((POINTS - 1) / LONGEST).clamp_(max=POINTS - 1.01)
    low = place.long()
    place -= low
    low = low.flatten(1)
    inner, outer = (table.gather(1, low + step).view_as(radius) for step in (0, 1))
    return torch.lerp(inner, outer, place)


def _boxy(bar: Bar, radius: Tensor, cosine: Tensor) -> Tensor:
    """A bar from the cosine of twice the angle to its major axis."""
    half = radius.square() / 2
    along = half * (1 + cosine) / column(bar.length) ** 2
    across = half * (1 - cosine) / column(bar.length * bar.axis_ratio) ** 2
    square = (along.square() + across.square()).sqrt()  # of the distance in bar lengths
    return square.mul_(square.sqrt()).neg_().clamp_(min=DARKEST).exp_()
