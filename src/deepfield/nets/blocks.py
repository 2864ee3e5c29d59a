"""The residual block, which does nothing at first: however deep, the network starts shallow."""

from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """``relu(x + F(x))`` with F of two 3x3 convolutions, whose last batch norm has a gain of 0.

    So F(x) = 0 at first, and a block passes on what is not negative, such as what another block
    or a ReLU gives. Without the ``x +`` it would be two layers of a plain network.

    Source: He et al. 2016 (CVPR), the block; Goyal et al. 2017, arXiv:1706.02677, the gain.

    Args:
        channels: in and out.

    Example:
        >>> import torch
        >>> x = torch.rand(2, 4, 8, 8)
        >>> torch.equal(ResidualBlock(4)(x), x)
        True
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        last = nn.BatchNorm2d(channels)
        nn.init.zeros_(last.weight)
        self.residual = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            last,
        )
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as ``x``."""
        return self.relu(x + self.residual(x))
