"""Feature maps: what a layer makes of each galaxy."""

from torch import Tensor, nn

from deepfield.explain.chunks import chunk_for, in_chunks
from deepfield.explain.layers import activations, evaluating
from deepfield.explain.target import images
from deepfield.nouns.batch import Batch


def feature_maps(net: nn.Module, batch: Batch, layer: str, *, chunk: int | None = None) -> Tensor:
    """What a layer makes of every object.

    Args:
        net: called with the batch, in evaluation mode.
        batch: images.
        layer: dotted name.
        chunk: images at a time; None to choose.

    Returns:
        [object, map, y, x] of a layer with maps, [object, feature] of one without.

    Raises:
        ValueError: no such layer (the message lists those that there are), or ``chunk`` < 1.

    Example:
        >>> import numpy as np, torch
        >>> class Net(nn.Sequential):
        ...     def forward(self, batch):
        ...         return super().forward(batch.values)
        >>> net = Net(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten())
        >>> batch = Batch(np.array(["a", "b"]), torch.rand(2, 1, 8, 8), ("g",))
        >>> feature_maps(net, batch, "0").shape
        torch.Size([2, 4, 4, 4])
    """
    seen = images(batch)
    with evaluating(net):
        return in_chunks(
            lambda rows: activations(net, layer, seen.take(rows)),
            len(batch),
            chunk_for(batch, chunk),
        )


def strongest_maps(
    net: nn.Module, batch: Batch, layer: str, *, chunk: int | None = None
) -> Tensor:
    """[object] number of the map with the largest summed response; arguments as above.

    Raises:
        ValueError: the layer has no maps.
    """
    maps = feature_maps(net, batch, layer, chunk=chunk)
    if maps.ndim != 4:
        raise ValueError(f"layer {layer!r} has no maps but {tuple(maps.shape[1:])} numbers")
    return maps.sum((2, 3)).argmax(1)
