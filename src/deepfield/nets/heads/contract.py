"""Distribution and Head: what every family of posteriors answers to."""

from functools import cache
from typing import Protocol

import torch
from torch import Tensor


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
        """[object, count, D] draws, the same at every call: from Sobol' points."""
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
