"""Gradient reversal: what comes before it learns the opposite of what comes after."""

from typing import Any

import torch
from torch import Tensor


def reverse_gradient(x: Tensor, weight: float = 1.0) -> Tensor:
    """The same values; the gradient that comes back is multiplied by -weight.

    Between features and a classifier of domains it makes the classifier learn to tell the
    domains apart, and the features learn to make that impossible, in one backward pass.

    Source: Ganin & Lempitsky 2015 (ICML), arXiv:1409.7495.

    Args:
        x: any shape.
        weight: lambda of the paper, at least 0.

    Returns:
        ``x``.

    Example:
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> reverse_gradient(x, 0.5).sum().backward()
        >>> x.grad
        tensor([-0.5000, -0.5000])
    """
    return _Reverse.apply(x, weight)


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: float) -> Tensor:
        ctx.weight = weight
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.weight * gradients[0], None
