"""The layer table of any network: shapes, parameters, multiply-adds and receptive fields."""

from collections.abc import Callable
from dataclasses import dataclass
from math import nan, prod
from typing import Any

import torch
from torch import Tensor, nn

from deepfield.nouns.batch import Batch

WINDOWED = (nn.modules.conv._ConvNd, nn.MaxPool2d, nn.AvgPool2d)


@dataclass(frozen=True)
class Layer:
    """One row of the table.

    Args:
        name: dotted name in the network, and ``kind`` its class.
        shape: of its output, without the object axis.
        parameters: learnable numbers.
        multiply_adds: per object, of convolutions and linear layers.
        receptive_field: side in input pixels that one output can see along the longest path;
            NaN after a layer that looks at everything.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    receptive_field: float


def _square(value: Any) -> int:
    return value if isinstance(value, int) else value[0]


def layer_table(net: nn.Module, batch: Batch | Tensor) -> list[Layer]:
    """What each leaf module makes of an example.

    Receptive fields grow by (kernel - 1) x dilation x the strides so far; parallel branches are
    followed in the order in which they run, which bounds the field from above.

    Args:
        net: any network.
        batch: what it is called with.

    Example:
        >>> rows = layer_table(nn.Conv2d(3, 8, 5, padding=2), torch.zeros(1, 3, 64, 64))
        >>> rows[0].shape, rows[0].parameters, rows[0].receptive_field
        ((8, 64, 64), 608, 5.0)
    """
    rows: list[Layer] = []
    state = {"field": 1.0, "stride": 1.0}

    def hook(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            shape, cost = tuple(output.shape[1:]), 0
            if isinstance(module, nn.modules.conv._ConvNd):
                cost = prod(shape) * prod(module.weight.shape[1:])
            elif isinstance(module, nn.Linear):
                cost = module.in_features * prod(shape)
            if isinstance(module, nn.Linear | nn.AdaptiveAvgPool2d | nn.Flatten):
                state["field"] = nan
            elif isinstance(module, WINDOWED):
                dilation = 1 if isinstance(module, nn.AvgPool2d) else _square(module.dilation)
                state["field"] += (_square(module.kernel_size) - 1) * dilation * state["stride"]
                state["stride"] *= _square(module.stride)
            count = sum(p.numel() for p in module.parameters())
            rows.append(Layer(name, type(module).__name__, shape, count, cost, state["field"]))

        return record

    hooks = [
        module.register_forward_hook(hook(name))
        for name, module in net.named_modules()
        if not list(module.children())
    ]
    training = net.training
    try:
        with torch.no_grad():
            net.eval()(batch)
    finally:
        net.train(training)
        for handle in hooks:
            handle.remove()
    return rows
