"""Occlusion of a feature map: what in the image its strongest map answers to."""

from collections.abc import Callable

from torch import Tensor, nn

from deepfield.explain.feature_maps import strongest_maps
from deepfield.explain.occlusion import occlusion
from deepfield.explain.target import Target
from deepfield.explain.units import map_sum
from deepfield.nouns.batch import Batch


def map_occlusion(
    net: nn.Module,
    batch: Batch,
    layer: str,
    window: int = 8,
    stride: int = 2,
    baseline: float | Tensor = 0.0,
    *,
    response: Callable[[nn.Module, str, int], Target] = map_sum,
    chunk: int | None = None,
) -> Tensor:
    """What the strongest map of each object loses where a square is covered.

    Zeiler & Fergus 2014, figure 7b: the map with the largest summed response to the whole image
    is followed while the image is covered piece by piece.

    Args:
        net: the network, and ``layer`` the dotted name of one with maps.
        batch, window, stride, baseline, chunk: as in ``occlusion.losses``.
        response: of a map: ``units.map_sum`` or ``units.map_mean``.

    Returns:
        [object, 1, y, x] response that is lost.

    Raises:
        ValueError: no such layer, or as for ``occlusion``.

    Example:
        >>> import numpy as np, torch
        >>> class Net(nn.Sequential):
        ...     def forward(self, batch):
        ...         return super().forward(batch.values)
        >>> net = Net(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten())
        >>> batch = Batch(np.array(["a", "b"]), torch.rand(2, 1, 8, 8), ("g",))
        >>> map_occlusion(net, batch, "1", window=4).shape
        torch.Size([2, 1, 8, 8])
    """
    strongest = strongest_maps(net, batch, layer, chunk=chunk).cpu()
    lost = batch.values.new_zeros(len(batch), 1, *batch.values.shape[2:])
    for number in strongest.unique().tolist():
        rows = (strongest == number).nonzero()[:, 0]
        lost[rows] = occlusion(
            response(net, layer, number),
            batch.take(rows),
            window,
            stride,
            baseline,
            chunk=chunk,
        )
    return lost
