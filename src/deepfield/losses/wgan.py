"""Wasserstein GAN: the critic's loss, and the penalty that keeps its slope at one."""

from collections.abc import Callable

import torch
from torch import Tensor


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Mean score of the generated objects less that of the real ones.

    Minus this is the Wasserstein distance, for the best critic whose slope is at most 1.

    Source: Arjovsky, Chintala & Bottou 2017 (ICML), arXiv:1701.07875.

    Args:
        real, fake: [object] scores that the critic gives.

    Example:
        >>> critic_loss(torch.tensor([2.0, 4.0]), torch.tensor([1.0]))
        tensor(-2.)
    """
    return fake.mean() - real.mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mix: Tensor
) -> Tensor:
    """Mean of (|slope| - 1)^2, halfway somewhere between real and generated objects.

    Source: Gulrajani et al. 2017 (NeurIPS), arXiv:1704.00028, eq. 3; there its weight is 10.

    Args:
        critic: objects -> [object] or [object, 1] scores, each from its own object alone: no
            batch norm.
        real, fake: [object, ...] of the same shape.
        mix: [object] share of the real one, drawn uniformly from [0, 1].

    Returns:
        the penalty, differentiable in the critic's weights.

    Raises:
        ValueError: shapes that do not fit together.

    Example:
        >>> steep = torch.nn.Linear(4, 1)
        >>> _ = torch.nn.init.constant_(steep.weight, 1.5)  # slope 3
        >>> real, fake, mix = torch.ones(2, 4), torch.zeros(2, 4), torch.ones(2)
        >>> gradient_penalty(steep, real, fake, mix).item()
        4.0
    """
    if real.shape != fake.shape or mix.shape != real.shape[:1]:
        raise ValueError(
            f"real, fake and mix have shapes {tuple(real.shape)}, {tuple(fake.shape)} and "
            f"{tuple(mix.shape)}; expected two of the same shape and one number an object"
        )
    share = mix.reshape(-1, *[1] * (real.ndim - 1))
    between = (share * real + (1 - share) * fake).detach().requires_grad_()
    # The sum's gradient is each object's own, since no score depends on another object.
    slope = torch.autograd.grad(critic(between).sum(), between, create_graph=True)[0]
    return (torch.linalg.vector_norm(slope.flatten(1), dim=1) - 1).square().mean()
