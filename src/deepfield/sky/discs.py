"""Discs: the plane of an inclined disc, and its exponential light."""

import torch
from torch import Tensor

SCALE_LENGTH = 1 / 1.6783469900166605
"""of an exponential disc, in its half-light radii"""
DARKEST = -80.0
"""exponent of light that counts as none: ``exp`` is a hundred times slower where it underflows"""


def column(x: Tensor) -> Tensor:
    """[object] -> [object, 1, 1], to broadcast over pixels."""
    return x[:, None, None]


def axes(
    y: Tensor, x: Tensor, *, at_y: Tensor, at_x: Tensor, position_angle: Tensor
) -> tuple[Tensor, Tensor]:
    """Distances along and across the major axis.

    Args:
        y, x: [Y, 1] and [1, X] offsets from the stamp's centre, px.
        at_y, at_x: [object] of the galaxy, the same way.
        position_angle: [object] degrees from +y (north) to -x (east).

    Returns:
        two tensors [object, Y, X], px.

    Example:
        >>> north, zero = torch.tensor([[2.0]]), torch.zeros(1)
        >>> along, across = axes(
        ...     north, torch.zeros(1, 1), at_y=zero, at_x=zero, position_angle=zero
        ... )
        >>> along.item(), across.item()
        (2.0, 0.0)
    """
    angle = torch.deg2rad(position_angle)
    sin, cos = column(angle.sin()), column(angle.cos())
    dx, dy = x - column(at_x), y - column(at_y)
    return dy * cos - dx * sin, dx * cos + dy * sin


def to_sky(along: Tensor, across: Tensor, position_angle: Tensor) -> tuple[Tensor, Tensor]:
    """The other way round: offsets y and x of points along and across the major axis.

    Example:
        >>> one = torch.ones(1)
        >>> y, x = to_sky(one, 0 * one, 90 * one)  # an axis to the east, which is -x
        >>> round(y.item()), x.item()
        (0, -1.0)
    """
    angle = torch.deg2rad(position_angle)
    return along * angle.cos() + across * angle.sin(), across * angle.cos() - along * angle.sin()


def exponential(radius: Tensor) -> Tensor:
    """Surface brightness of an exponential disc at radii in half-light radii; 1 at the centre.

    Example:
        >>> round(exponential(torch.tensor(SCALE_LENGTH)).item(), 4)  # 1 / e
        0.3679
    """
    return (radius / -SCALE_LENGTH).clamp_(min=DARKEST).exp_()
