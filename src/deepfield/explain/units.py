"""Units: what hidden layers answer, as targets for any attribution method."""

from torch import Tensor, nn

from deepfield.explain.layers import activations, find
from deepfield.explain.target import Target
from deepfield.nouns.batch import Batch


def map_sum(net: nn.Module, layer: str, number: int) -> Target:
    """Summed response of one feature map.

    Args:
        net: the network, which goes into evaluation mode.
        layer: its dotted name.
        number: of the map.

    Raises:
        ValueError: no such layer; when called, no such map.

    Example:
        >>> import numpy as np, torch
        >>> class Net(nn.Sequential):
        ...     def forward(self, batch):
        ...         return super().forward(batch.values)
        >>> net = Net(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten())
        >>> batch = Batch(np.array(["a", "b"]), torch.rand(2, 1, 8, 8), ("g",))
        >>> expected = net[0](batch.values)[:, 3].sum((1, 2))
        >>> bool(torch.allclose(map_sum(net, "0", 3)(batch), expected))
        True
    """
    responses = _one_map(net, layer, number)
    return lambda batch: responses(batch).sum(1)


def map_mean(net: nn.Module, layer: str, number: int) -> Target:
    """Mean response of one feature map; arguments as in ``map_sum``."""
    responses = _one_map(net, layer, number)
    return lambda batch: responses(batch).mean(1)


def strongest_unit(net: nn.Module, layer: str, number: int) -> Target:
    """Response of a feature map where it is strongest; arguments as in ``map_sum``.

    Its ``deconvnet`` times its value is the projection of Zeiler & Fergus 2014, who keep one
    activation and set all others to zero.
    """
    responses = _one_map(net, layer, number)
    return lambda batch: responses(batch).amax(1)


def energy(net: nn.Module, layer: str) -> Target:
    """Mean square response of a whole layer: what the dream of a galaxy makes stronger.

    Args:
        net: the network, which goes into evaluation mode.
        layer: its dotted name.
    """
    find(net.eval(), layer)
    return lambda batch: activations(net, layer, batch).flatten(1).square().mean(1)


def _one_map(net: nn.Module, layer: str, number: int) -> Target:
    find(net.eval(), layer)

    def responses(batch: Batch) -> Tensor:
        maps = activations(net, layer, batch)
        if not 0 <= number < maps.shape[1]:
            raise ValueError(f"layer {layer!r} has no map {number}; it has {maps.shape[1]}")
        return maps[:, number].flatten(1)

    return responses
