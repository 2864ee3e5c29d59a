"""Ellipses by numbers that are free and smooth: circularised radius and two components of shear.

Axis ratio and angle are bad parameters of a fit: a round galaxy has no angle. The conformal shear
(Bernstein & Jarvis 2002), -ln q along the doubled angle, has neither a border nor a special point.
"""

import math

import torch
from torch import Tensor

FLATTEST = 0.02
"""Axis ratio that no shear goes below."""
LONGEST = -math.log(FLATTEST)
ROUND = 0.05
"""Shear below which a derivative's limit is nearer than its formula in single precision."""


def ellipse(radius: Tensor, shear: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Major-axis radius, axis ratio and position angle.

    Args:
        radius: [...] circularised: that of the circle of the ellipse's area.
        shear: [..., 2] plus (along north, +y) and cross component, any numbers.

    Returns:
        radius in the unit given, axis ratio (0.02 to 1), and angle in degrees from +y towards -x,
        -90 to 90; [...] each.

    Example:
        >>> major, ratio, angle = ellipse(torch.tensor(2.0), torch.tensor([0.0, 1.0]))
        >>> round(float(major), 2), round(float(ratio), 2), float(angle)
        (3.26, 0.38, 45.0)
    """
    plus, cross = shear.unbind(-1)
    stretch = LONGEST * torch.tanh(torch.hypot(plus, cross) / LONGEST)
    angle = torch.rad2deg(torch.atan2(cross, plus)) / 2
    return radius * (stretch / 2).exp(), (-stretch).exp(), angle


def shear(axis_ratio: Tensor, position_angle: Tensor) -> Tensor:
    """The shear of an ellipse: the inverse of :func:`ellipse`.

    Args:
        axis_ratio: [...], those below 0.02 count as just above it.
        position_angle: [...] degrees from +y towards -x.

    Returns:
        [..., 2].

    Example:
        >>> ratio, angle = torch.tensor(0.3), torch.tensor(30.0)
        >>> [round(float(one), 4) for one in ellipse(torch.ones(()), shear(ratio, angle))[1:]]
        [0.3, 30.0]
    """
    stretch = (-axis_ratio.log() / LONGEST).clamp(0, 1 - 1e-4)
    size, doubled = LONGEST * torch.atanh(stretch), position_angle * (math.pi / 90)
    return torch.stack((size * doubled.cos(), size * doubled.sin()), -1)


def moment_changes(radius: Tensor, shear: Tensor) -> Tensor:
    """Derivatives of the matrix of second moments, as ``render.derivatives`` takes them.

    Args:
        radius: [...] circularised.
        shear: [..., 2].

    Returns:
        [..., 3, 3]: by log radius and the two shears, of yy, xx and xy, in the unit of the radius
        squared.

    Example:
        >>> moment_changes(torch.tensor(3.0), torch.zeros(2))[0].tolist()  # twice 3^2
        [18.0, 18.0, -0.0]
    """
    plus, cross = shear.unbind(-1)
    size = torch.hypot(plus, cross)
    safe = size.clamp(min=ROUND)
    stretch = LONGEST * torch.tanh(safe / LONGEST)
    speed = 1 - (stretch / LONGEST) ** 2
    near = size < ROUND
    cosh, sinh = stretch.cosh(), stretch.sinh() / safe
    # By the shear's size, over the size.
    cosh_slope = sinh * speed
    sinh_slope = (cosh * speed - sinh) / safe**2
    limit = 1 / 3 - 2 / (3 * LONGEST**2)
    cosh = torch.where(near, 1 + size**2 / 2, cosh)
    sinh = torch.where(near, 1 + limit / 2 * size**2, sinh)
    cosh_slope = torch.where(near, torch.ones_like(size), cosh_slope)
    sinh_slope = torch.where(near, torch.full_like(size, limit), sinh_slope)
    area = radius**2

    def matrix(trace: Tensor, first: Tensor, second: Tensor) -> Tensor:
        return area[..., None] * torch.stack((trace + first, trace - first, -second), -1)

    return torch.stack(
        (
            2 * matrix(cosh, sinh * plus, sinh * cross),
            matrix(
                cosh_slope * plus,
                sinh + sinh_slope * plus**2,
                sinh_slope * plus * cross,
            ),
            matrix(
                cosh_slope * cross,
                sinh_slope * plus * cross,
                sinh + sinh_slope * cross**2,
            ),
        ),
        -2,
    )
