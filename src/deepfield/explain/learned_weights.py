"""Learned weights: the filters of a layer, to be looked at."""

from torch import Tensor, nn

from deepfield.explain.layers import find


def learned_weights(net: nn.Module, layer: str) -> Tensor:
    """The filters of a layer.

    Args:
        net: the network.
        layer: dotted name of a convolution or linear layer.

    Returns:
        a copy: [filter, input, y, x] of a convolution, [output, input] of a linear layer.

    Raises:
        ValueError: no such layer, or one without filters; the message lists those that have some.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU())
        >>> learned_weights(net, "0").shape
        torch.Size([8, 3, 5, 5])
    """
    weight = getattr(find(net, layer), "weight", None)
    if not isinstance(weight, Tensor) or weight.ndim < 2:
        there = [
            name.removesuffix(".weight")
            for name, value in net.named_parameters()
            if name.endswith(".weight") and value.ndim > 1
        ]
        raise ValueError(f"layer {layer!r} has no filters; those that have: {', '.join(there)}")
    return weight.detach().clone()
