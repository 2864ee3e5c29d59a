"""Distribution and Head: what every family of posteriors answers to."""

from functools import cache
from typing import Protocol

import torch
from torch import Tensor

STEPS = 64.0
"""steps of a key per unit: rounding hardly ever changes one"""
GOLDEN = 0.6180339887
"""of a turn of the cube for each step"""


class Distribution(Protocol):
    """A joint density of D numbers for each object.

    The numbers are standardised: where the training prior was flat they are spread like a unit
    Gaussian, so that an object without information has the posterior N(0, 1).
    """

    def log_density(self, z: Tensor) -> Tensor:
        """Exact log of the normalised density.

        Args:
            z: [object, D], or [object, sample, D].

        Returns:
            [object], or [object, sample].
        """
        ...

    def samples(self, count: int) -> Tensor:
        """[object, count, D] draws, the same at every call: Sobol' points, shifted by object."""
        ...


class Head(Protocol):
    """A module that turns features into a distribution.

    Args of every member: ``features``, how many numbers it is handed for an object, and ``size``,
    the D of its distribution.
    """

    size: int

    def __call__(self, features: Tensor) -> Distribution:
        """[object, feature] -> a distribution of [object, D]."""
        ...


@cache
def sobol(count: int, dimensions: int) -> Tensor:
    """Evenly spread points of the open unit cube: the first scrambled Sobol' points, of seed 0.

    Args:
        count: how many; powers of two are spread best.
        dimensions: of the cube.

    Returns:
        [count, dimensions] between 0 and 1, both excluded.

    Example:
        >>> points = sobol(256, 3)
        >>> points.shape, bool(((points.mean(0) - 0.5).abs() < 0.01).all())
        (torch.Size([256, 3]), True)
    """
    points = torch.quasirandom.SobolEngine(dimensions, scramble=True, seed=0).draw(count)
    return points.clamp(1e-6, 1 - 1e-6)


def shifted(points: Tensor, key: Tensor) -> Tensor:
    """The points moved around the cube by an amount of each object's own.

    Points that all objects share share their error too: it would not average out over a
    catalogue (Cranley & Patterson 1976).

    Args:
        points: [count, D] of the unit cube.
        key: [object, D] any numbers that differ between objects, not between runs.

    Returns:
        [object, count, D].

    Example:
        >>> moved = shifted(sobol(64, 2), torch.randn(5, 2))
        >>> moved.shape, bool((moved.mean(1) - 0.5).abs().max() < 0.05)
        (torch.Size([5, 64, 2]), True)
    """
    turns = torch.remainder((STEPS * key).round() * GOLDEN, 1)
    return torch.remainder(points + turns[:, None], 1).clamp(1e-6, 1 - 1e-6)
