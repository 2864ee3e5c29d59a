"""Small: the plain network of most experiments, two strided convolutions and a hidden layer."""

from collections.abc import Callable

from stamps import SIZE
from torch import nn

from deepfield.nets.initial import normal

Activation = Callable[[], nn.Module]


def small(
    widths: tuple[int, int, int] = (12, 24, 48),
    *,
    channels: int = 1,
    activation: Activation = nn.ReLU,
    dropout: float = 0.0,
) -> nn.Sequential:
    """Convolutions of 5 and 3 px that each halve the sides, and a hidden layer; no batch norm.

    He's initial weights, so that nothing vanishes at the start.

    Args:
        widths: filters of the two convolutions, and hidden neurons.
        channels: of the stretched image.
        activation: makes one.
        dropout: on the maps and on the hidden layer.
    """
    first, second, hidden = widths
    return normal(
        nn.Sequential(
            nn.Conv2d(channels, first, 5, stride=2, padding=2),
            activation(),
            nn.Conv2d(first, second, 3, stride=2, padding=1),
            activation(),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(second * (SIZE // 4) ** 2, hidden),
            activation(),
            nn.Dropout(dropout),
        )
    )
