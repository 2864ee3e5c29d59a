"""Staged: a thin network whose every stage has a say, fine texture beside coarse shape."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from deepfield.nets.thin import Residual, down


class Staged(nn.Module):
    """The stages of ``thin``; each one's means and maxima over the stamp go into one layer.

    An average at the end alone knows little of what is small and faint in a bright galaxy: how
    strong a pattern is must be told where its pixels still are.

    Args:
        channels: of the stretched image.
        widths: channels of the stem and of each stage; every one halves the sides.
        features: that come out.

    Shape: [object, channel, y, x] -> [object, features]; any size from 16 px up.

    Example:
        >>> Staged(6, (8, 16))(torch.zeros(2, 6, 48, 48)).shape
        torch.Size([2, 128])
    """

    def __init__(
        self, channels: int, widths: tuple[int, ...] = (16, 32, 64, 128), *, features: int = 128
    ) -> None:
        super().__init__()
        stages = [nn.Sequential(*down(channels, widths[0], 5))]
        stages += [
            nn.Sequential(*down(inputs, outputs, 3), Residual(outputs))
            for inputs, outputs in pairwise(widths)
        ]
        self.stages = nn.ModuleList(stages)
        pooled = 2 * sum(widths)
        self.joint = nn.Sequential(
            nn.BatchNorm1d(pooled),
            nn.Linear(pooled, features, bias=False),
            nn.BatchNorm1d(features),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """What the network sees in each object."""
        seen = []
        for stage in self.stages:
            x = stage(x)
            seen += [x.mean((2, 3)), x.amax((2, 3))]
        return self.joint(torch.cat(seen, 1))
