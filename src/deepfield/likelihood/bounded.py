"""Free numbers that stand for bounded ones."""

import torch
from torch import Tensor

EDGE = 1e-4
"""Share of half the range: numbers nearer to a bound go here, where a fit can still move."""


def bounded(free: Tensor, low: float, high: float) -> Tensor:
    """Any number to one between two bounds; in their middle it changes as fast as its argument.

    Args:
        free: any shape.
        low, high: the bounds.

    Returns:
        the shape of ``free``.

    Example:
        >>> bounded(torch.tensor([-9.0, 1.0, 99.0]), 0.0, 2.0).tolist()
        [0.0, 1.0, 2.0]
    """
    middle, half = (high + low) / 2, (high - low) / 2
    return middle + half * torch.tanh((free - middle) / half)


def slope(free: Tensor, low: float, high: float) -> Tensor:
    """Derivative of :func:`bounded` by its argument, which see.

    Example:
        >>> slope(torch.tensor([1.0, 99.0]), 0.0, 2.0).tolist()
        [1.0, 0.0]
    """
    middle, half = (high + low) / 2, (high - low) / 2
    return 1 - torch.tanh((free - middle) / half) ** 2


def freed(value: Tensor, low: float, high: float) -> Tensor:
    """Inverse of :func:`bounded`; values on a bound or beyond go just inside.

    Example:
        >>> round(float(bounded(freed(torch.tensor(0.3), 0.0, 2.0), 0.0, 2.0)), 4)
        0.3
    """
    middle, half = (high + low) / 2, (high - low) / 2
    return ((value - middle) / half).clamp(EDGE - 1, 1 - EDGE).atanh_().mul_(half).add_(middle)
