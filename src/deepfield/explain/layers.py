"""Layers: find one by its dotted name, and see what it gives."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from deepfield.nouns.batch import Batch


def find(net: nn.Module, layer: str) -> nn.Module:
    """The layer of this dotted name.

    Raises:
        ValueError: there is none; the message lists those that there are.

    Example:
        >>> find(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), "1")
        ReLU()
        >>> find(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), "2")
        Traceback (most recent call last):
        ValueError: the network has no layer '2'; it has 0 (Linear), 1 (ReLU)
    """
    modules = dict(net.named_modules())
    if layer in modules and layer:
        return modules[layer]
    leaves = [
        f"{name} ({type(module).__name__})"
        for name, module in modules.items()
        if name and not list(module.children())
    ]
    raise ValueError(f"the network has no layer {layer!r}; it has {', '.join(leaves)}")


@contextmanager
def capture(net: nn.Module, layer: str) -> Iterator[list[Tensor]]:
    """Inside this context the list receives what the layer gives, each time that it runs.

    The network goes on with a copy: an in-place ReLU behind the layer changes nothing here.

    Args:
        net: the network, and ``layer`` a dotted name in it.

    Raises:
        ValueError: no such layer, or one that gives something else than a tensor.
    """
    seen: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Any, ...], outputs: Any) -> Tensor:
        if not isinstance(outputs, Tensor):
            raise ValueError(
                f"layer {layer!r} gives a {type(outputs).__name__}; choose one that gives a tensor"
            )
        seen.append(outputs)
        return outputs.clone()

    handle = find(net, layer).register_forward_hook(keep)
    try:
        yield seen
    finally:
        handle.remove()


def activations(net: nn.Module, layer: str, batch: Batch) -> Tensor:
    """What a layer makes of a batch, differentiable: [object, map, y, x] or [object, feature].

    Args:
        net: called with the batch.
        layer: its dotted name.
        batch: objects.

    Raises:
        ValueError: no such layer, or the network does not use it.
    """
    with capture(net, layer) as seen:
        net(batch)
    if not seen:
        raise ValueError(f"the network has layer {layer!r} but does not use it here")
    return seen[-1]


@contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Inside this context the network is in evaluation mode, without gradients."""
    training = net.training
    try:
        with torch.no_grad():
            net.eval()
            yield
    finally:
        net.train(training)
