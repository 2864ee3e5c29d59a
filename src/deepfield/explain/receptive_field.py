"""Receptive fields: which pixels each unit of a layer can see, asked of the network itself."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from deepfield.explain.chunks import chunk_for, in_chunks
from deepfield.explain.layers import activations, evaluating
from deepfield.explain.target import images
from deepfield.nouns.batch import Batch


@dataclass(frozen=True)
class Fields:
    """What the units of a layer's maps can see of a stamp.

    Args:
        rows: [y of map, 2] first pixel row, and the first one past the end.
        columns: [x of map, 2] the same along x.
        size: (y, x) of the stamp, px.
    """

    rows: Tensor
    columns: Tensor
    size: tuple[int, int]

    def box(self, y: int, x: int) -> tuple[int, int, int, int]:
        """First row, past the last row, first column, past the last, of a unit at (y, x)."""
        top, bottom = self.rows[y].tolist()
        left, right = self.columns[x].tolist()
        return top, bottom, left, right

    def centres(self) -> tuple[Tensor, Tensor]:
        """Rows [y of map] and columns [x of map] of the pixels that units look at, px.

        As if no field ended at the stamp's edge: padding does not move a unit.
        """
        return _centres(self.rows, self.size[0]), _centres(self.columns, self.size[1])


def receptive_fields(net: nn.Module, batch: Batch, layer: str) -> Fields:
    """The exact fields of a layer's units, for any architecture.

    One row of pixels after the other becomes NaN, which spreads through convolutions, pooling,
    sums and activations to all units that see it, and to no other. So padding, strides, dilation
    and branches come out as they are, and a layer that looks at everything says so.

    Args:
        net: called with batches.
        batch: any objects of the size in question; only the first is looked at.
        layer: dotted name of a layer with maps.

    Raises:
        ValueError: no such layer or no maps; or the network hides NaN.

    Example:
        >>> import numpy as np
        >>> class Net(nn.Sequential):
        ...     def forward(self, batch):
        ...         return super().forward(batch.values)
        >>> net = Net(nn.Conv2d(1, 4, 5, stride=2, padding=2), nn.MaxPool2d(2))
        >>> batch = Batch(np.array(["a"]), torch.zeros(1, 1, 16, 16), ("g",))
        >>> receptive_fields(net, batch, "1").rows.tolist()
        [[0, 5], [2, 9], [6, 13], [10, 16]]
    """
    one = images(batch.take(torch.zeros(1, dtype=torch.long)))
    if one.variance is not None:
        one = replace(one, variance=torch.ones_like(one.variance))

    def seen_by(axis: int) -> Tensor:
        def struck(rows: Tensor) -> Tensor:
            part = one.take(torch.zeros(len(rows), dtype=torch.long))
            values = torch.zeros_like(part.values).transpose(2, axis)
            values[torch.arange(len(rows)), :, rows] = torch.nan
            maps = activations(net, layer, replace(part, values=values.transpose(2, axis)))
            if maps.ndim != 4:
                raise ValueError(
                    f"layer {layer!r} has no maps but {tuple(maps.shape[1:])} numbers; choose one "
                    "before they are joined"
                )
            return maps.isnan().any(1).any(5 - axis - 1).cpu()

        # cuDNN may work in tiles, over all of which a NaN would spread; oneDNN does not.
        with evaluating(net), torch.backends.cudnn.flags(enabled=False):
            return in_chunks(struck, one.values.shape[axis], chunk_for(one, None))

    size = (one.values.shape[2], one.values.shape[3])
    return Fields(_spans(seen_by(2), layer), _spans(seen_by(3), layer), size)


def _spans(sees: Tensor, layer: str) -> Tensor:
    """[pixel, unit] bool -> [unit, 2] first pixel and the one past the last."""
    if not bool(sees.any(0).all()):
        raise ValueError(
            f"units of layer {layer!r} answer to no pixel: the network replaces NaN by numbers, "
            "so that what it sees cannot be asked"
        )
    pixel = torch.arange(len(sees))[:, None]
    first = pixel.where(sees, torch.tensor(len(sees))).amin(0)
    last = pixel.where(sees, torch.tensor(-1)).amax(0)
    return torch.stack([first, last + 1], 1)


def _centres(spans: Tensor, side: int) -> Tensor:
    number = torch.arange(len(spans), dtype=torch.float32)
    first, last = spans[:, 0].float(), spans[:, 1].float() - 1
    # Ends that the stamp does not cut off follow the stride; the others say nothing.
    whole_first, whole_last = first > 0, last < side - 1
    steps = [
        (ends[keep][-1] - ends[keep][0]) / (number[keep][-1] - number[keep][0])
        for ends, keep in ((first, whole_first), (last, whole_last))
        if int(keep.sum()) > 1
    ]
    if not steps or not bool(whole_first.any()) or not bool(whole_last.any()):
        return (number + 0.5) * side / len(spans) - 0.5
    stride = steps[0]
    from_first = (first - stride * number)[whole_first].median()
    from_last = (last - stride * number)[whole_last].median()
    return stride * number + (from_first + from_last) / 2
