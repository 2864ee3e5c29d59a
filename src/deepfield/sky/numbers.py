"""Numbers: uniform random numbers of many objects, spent one column at a time."""

import math

import numpy as np
import torch
from torch import Tensor

from deepfield.sky.priors import Range


class Numbers:
    """Turns each object's row of uniform numbers into draws from priors, in order.

    Args:
        uniforms: [object, number] in [0, 1), as from ``render.draws.uniforms``.

    Example:
        >>> numbers = Numbers(np.array([[0.0, 0.9], [0.5, 0.1]]))
        >>> numbers.flat((2.0, 4.0)).tolist(), numbers.chance(0.3).tolist()
        ([2.0, 3.0], [False, True])
    """

    def __init__(self, uniforms: np.ndarray) -> None:
        self._columns = iter(torch.as_tensor(uniforms).T)

    def next(self) -> Tensor:
        """[object] float64, uniform in [0, 1)."""
        return next(self._columns)

    def flat(self, limits: Range) -> Tensor:
        """[object] evenly spread over a range."""
        low, high = limits
        return (low + (high - low) * self.next()).float()

    def log_flat(self, limits: Range) -> Tensor:
        """[object] evenly spread in the logarithm over a positive range."""
        low, high = limits
        return (low * (self.next() * math.log(high / low)).exp()).float()

    def normal(self, mean: float | Tensor, sigma: float) -> Tensor:
        """[object] normally distributed."""
        return (mean + sigma * torch.special.ndtri(self.next().clamp(1e-9, 1 - 1e-9))).float()

    def pick(self, *options: float) -> Tensor:
        """[object] one of some equally likely options."""
        return torch.tensor(options)[(self.next() * len(options)).long()]

    def chance(self, share: float) -> Tensor:
        """[object] bool, true in this share of the objects."""
        return self.next() < share
