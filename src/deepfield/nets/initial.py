"""Initial weights: how large random weights may be for signals to survive many layers."""

from collections.abc import Iterator
from math import sqrt
from typing import TypeVar

import torch
from torch import nn

N = TypeVar("N", bound=nn.Module)
# Standard deviation of a unit Gaussian that is cut off at two sigma.
TRUNCATED = 0.8796256610342398


def normal(net: N, *, gain: float = 2.0) -> N:
    """Gaussian weights of variance gain / n, with n the inputs of a neuron; biases 0.

    With ``gain=1`` linear layers keep the mean square of a signal, and a ReLU halves it every
    time; ``gain=2`` makes up for the ReLU. Larger gains explode, smaller ones vanish, as the
    power of the number of layers.

    Source: LeCun et al. 1998 (1 / n); He et al. 2015, arXiv:1502.01852 (2 / n, ``he_normal``).

    Args:
        net: its convolutions and linear layers are changed in place; others, transposed
            convolutions among them, keep what they have.
        gain: above 0.

    Returns:
        the network.

    Raises:
        ValueError: another gain.

    Example:
        >>> layer = normal(nn.Linear(1000, 100), gain=1)
        >>> print(round(float(layer.weight.detach().std() * 1000**0.5), 1))
        1.0
    """
    for weight, sigma in _weights(net, gain):
        nn.init.normal_(weight, std=sigma)
    return net


def truncated_normal(net: N, *, gain: float = 2.0) -> N:
    """As ``normal``, with no weight beyond two sigma of the Gaussian that is cut.

    That Gaussian is wider by 1 / 0.8796, so that the variance is gain / n all the same: what
    Keras does where it says ``he_normal``, while PyTorch's ``kaiming_normal_`` does not truncate.

    Args:
        net, gain: as in ``normal``.

    Returns:
        the network.

    Raises:
        ValueError: a gain that is not above 0.

    Example:
        >>> layer = truncated_normal(nn.Linear(1000, 100), gain=1)
        >>> bool(layer.weight.abs().max() <= 2 / 0.8796 / 1000**0.5)
        True
    """
    for weight, sigma in _weights(net, gain):
        wide = sigma / TRUNCATED
        nn.init.trunc_normal_(weight, std=wide, a=-2 * wide, b=2 * wide)
    return net


def _weights(net: nn.Module, gain: float) -> Iterator[tuple[torch.Tensor, float]]:
    """Every weight and its sigma; sets the biases on the way."""
    if not gain > 0:
        raise ValueError(f"gain is {gain}; expected a number above 0: 1 (linear) or 2 (ReLU)")
    for module in net.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear):
            if module.bias is not None:
                nn.init.zeros_(module.bias)
            yield module.weight, sqrt(gain / module.weight[0].numel())
