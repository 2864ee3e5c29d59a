"""Shares: a map of evidence by pixel and by band."""

from torch import Tensor


def by_pixel(maps: Tensor) -> Tensor:
    """All bands' evidence at each pixel.

    Args:
        maps: [object, channel, y, x] of any attribution method.

    Returns:
        [object, y, x] the sum over bands, with its sign.
    """
    return maps.sum(1)


def by_band(maps: Tensor) -> Tensor:
    """Each band's share of the evidence, whatever its sign.

    Args:
        maps: [object, channel, y, x] of an attribution method that tells bands apart.

    Returns:
        [object, channel] shares that sum to 1; NaN where a map is empty.

    Example:
        >>> import torch
        >>> by_band(torch.tensor([[[[1.0, -2.0]], [[0.0, 1.0]]]])).tolist()
        [[0.75, 0.25]]
    """
    weight = maps.abs().sum((2, 3))
    return weight / weight.sum(1, keepdim=True)
