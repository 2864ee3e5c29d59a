"""Initial weights from a seed, whatever was drawn before."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

N = TypeVar("N", bound=nn.Module)


def seeded(build: Callable[[], N], seed: int) -> N:
    """The network that ``build`` makes when torch's generator starts at ``seed``.

    The global generator is left as it was.

    Example:
        >>> first, second = (seeded(lambda: nn.Linear(2, 1), seed=3) for _ in range(2))
        >>> bool((first.weight == second.weight).all())
        True
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()
