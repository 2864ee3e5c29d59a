"""Walkers: draws of any density, by a population whose differences are its own proposals."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

Density = Callable[[Tensor], Tensor]
"""[object, walker, D] -> log density [object, walker], not normalised"""
LEAST = 1e-3
"""of a proposal's step that is random: walkers on one line may leave it"""
LEAP = 10
"""every so many steps differences are taken whole"""


def walk(density: Density, start: Tensor, steps: int, *, seed: int = 0) -> Tensor:
    """Differential evolution Markov chains (ter Braak 2006; 2008).

    Half of the walkers move at a time, by differences between two of the other half, so that all
    of them move at once and each step still leaves the density as it is. All objects share their
    random numbers: what is drawn of one does not depend on its neighbours.

    Args:
        density: to draw from.
        start: [object, walker, D].
        steps: of every walker.
        seed: of the random numbers.

    Returns:
        where they end, [object, walker, D].

    Example:
        >>> wide = 3 * torch.randn(2, 64, 3, generator=torch.Generator().manual_seed(1))
        >>> end = walk(lambda z: -0.5 * (z - 1).square().sum(2), wide, 60)
        >>> bool((end.mean((0, 1)) - 1).abs().max() < 0.3), bool(0.8 < end.std() < 1.2)
        (True, True)
    """
    count, size = start.shape[1:]
    half = count // 2
    random = torch.Generator().manual_seed(seed)
    halves = [start[:, :half], start[:, half:]]
    heights = [density(one) for one in halves]
    for step in range(steps):
        for mine in (0, 1):
            others, here = halves[1 - mine], halves[mine]
            first, second = _pairs(here.shape[1], others.shape[1], random)
            # Shorter than is best for a Gaussian; or whole: from one mode to another.
            length = 0.5 + torch.rand(here.shape[1], 1, generator=random)
            leap = step % LEAP == LEAP - 1
            length = torch.ones_like(length) if leap else length * 1.7 / math.sqrt(2 * size)
            jitter = LEAST * torch.randn(here.shape[1], size, generator=random)
            there = here + length * (others[:, first] - others[:, second]) + jitter
            height = density(there)
            chance = torch.rand(here.shape[1], generator=random).log()
            better = height - heights[mine] > chance
            halves[mine] = torch.where(better[..., None], there, here)
            heights[mine] = torch.where(better, height, heights[mine])
    return torch.cat(halves, 1)


def _pairs(count: int, others: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two different numbers below ``others``, so many times."""
    first = torch.randint(others, (count,), generator=random)
    second = (first + torch.randint(1, others, (count,), generator=random)) % others
    return first, second
