"""A residual multilayer perceptron: the trunk where features are already numbers."""

from torch import Tensor, nn


class Block(nn.Module):
    """``x + linear(silu(linear(norm(x))))``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, width)
        self.outer = nn.Linear(width, width)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as ``x``; the identity before training."""
        return x + self.outer(nn.functional.silu(self.inner(self.norm(x))))


def residual_mlp(inputs: int, *, width: int = 384, blocks: int = 3) -> nn.Sequential:
    """Standardised inputs, a linear layer and residual blocks.

    Args:
        inputs: numbers of an object.
        width: of every layer.
        blocks: of two layers each.

    Returns:
        a trunk [object, inputs] -> [object, width].

    Example:
        >>> import torch
        >>> residual_mlp(10, width=16)(torch.randn(4, 10)).shape
        torch.Size([4, 16])
    """
    return nn.Sequential(
        nn.BatchNorm1d(inputs, affine=False),
        nn.Linear(inputs, width),
        *(Block(width) for _ in range(blocks)),
        nn.LayerNorm(width),
    )
