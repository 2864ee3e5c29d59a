"""The default trunk: a thin residual network that is fast on one CPU core."""

from itertools import pairwise

from torch import Tensor, nn


class Residual(nn.Module):
    """``relu(x + norm(conv(x)))``: identity plus one 3x3 convolution (after He+16)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as ``x``."""
        return self.relu(x + self.norm(self.conv(x)))


def down(inputs: int, outputs: int, kernel: int) -> list[nn.Module]:
    """Convolution, batch norm and ReLU that halve the sides."""
    return [
        nn.Conv2d(inputs, outputs, kernel, stride=2, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    ]


def thin(channels: int, widths: tuple[int, ...] = (16, 32, 64, 128)) -> nn.Sequential:
    """A stem and a residual stage per width; about 12 million multiply-adds on a 64x64 stamp.

    Takes any size from 16 px up: it ends with an average over the remaining pixels.

    Args:
        channels: of the stretched image.
        widths: channels of the stem and of each stage; every one halves the sides.

    Returns:
        a trunk [object, channel, y, x] -> [object, widths[-1]].

    Example:
        >>> import torch
        >>> thin(6)(torch.zeros(2, 6, 64, 64)).shape
        torch.Size([2, 128])
    """
    layers = down(channels, widths[0], 5)
    for inputs, outputs in pairwise(widths):
        layers += [*down(inputs, outputs, 3), Residual(outputs)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
