"""Strongest patches: the pieces of sky that a filter answers to most (Zeiler & Fergus 2014)."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from deepfield.explain.feature_maps import feature_maps
from deepfield.explain.receptive_field import receptive_fields
from deepfield.nouns.batch import Batch


@dataclass(frozen=True)
class Patches:
    """Where each filter of a layer answers most; strongest first.

    Args:
        objects: [filter, patch] number of the object, counted over all batches.
        places: [filter, patch, 2] y and x in the feature map.
        boxes: [filter, patch, 4] px that the unit sees: first row, past the last row, and the
            same of columns; cut at the stamp's edge.
        strength: [filter, patch] the response.
    """

    objects: Tensor
    places: Tensor
    boxes: Tensor
    strength: Tensor

    def crops(self, images: Tensor, filter: int) -> list[Tensor]:
        """What a filter answers to: its patches of images, or of maps such as a deconvnet's.

        Args:
            images: [object, channel, y, x], all objects that were looked through.
            filter: its number.

        Returns:
            a [channel, y, x] for each patch, smaller at the stamp's edge.
        """
        cut = []
        boxes, objects = self.boxes[filter].tolist(), self.objects[filter].tolist()
        for (top, bottom, left, right), number in zip(boxes, objects, strict=True):
            cut.append(images[number, :, top:bottom, left:right])
        return cut


def strongest_patches(
    net: nn.Module,
    batches: Iterable[Batch],
    layer: str,
    *,
    count: int = 9,
    chunk: int | None = None,
) -> Patches:
    """The patches that excite each filter most, at most one from an object.

    Args:
        net: called with batches, in evaluation mode.
        batches: stamps of one size; only a few numbers of each are kept.
        layer: dotted name of a layer with maps.
        count: patches a filter; fewer where there are fewer objects.
        chunk: images at a time; None to choose.

    Raises:
        ValueError: no such layer or one without maps, no objects, or ``count`` < 1.

    Example:
        >>> import numpy as np, torch
        >>> class Net(nn.Sequential):
        ...     def forward(self, batch):
        ...         return super().forward(batch.values)
        >>> net = Net(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten())
        >>> batch = Batch(np.array(["a", "b"]), torch.rand(2, 1, 8, 8), ("g",))
        >>> found = strongest_patches(net, [batch], "1", count=1)
        >>> found.boxes.shape, len(found.crops(batch.values, filter=2))
        (torch.Size([4, 1, 4]), 1)
    """
    if count < 1:
        raise ValueError(f"{count} patches a filter; expected at least 1")
    strength, objects, places = None, torch.empty(0), torch.empty(0)
    fields, seen = None, 0
    for batch in batches:
        if not len(batch):
            continue
        if fields is None:
            fields = receptive_fields(net, batch, layer)
        maps = feature_maps(net, batch, layer, chunk=chunk).cpu()
        found, where = maps.flatten(2).max(2)
        width = maps.shape[3]
        there = torch.stack([where // width, where % width], 2).transpose(0, 1)
        numbers = torch.arange(seen, seen + len(batch)).expand(found.shape[1], -1)
        seen += len(batch)
        if strength is not None:
            found = torch.cat([strength.T, found])
            numbers, there = torch.cat([objects, numbers], 1), torch.cat([places, there], 1)
        strength, best = found.T.topk(min(count, len(found)), dim=1)
        objects = numbers.gather(1, best)
        places = there.gather(1, best[..., None].expand(-1, -1, 2))
    if strength is None or fields is None:
        raise ValueError("there are no objects to look through; give at least one batch with some")
    boxes = torch.cat([fields.rows[places[..., 0]], fields.columns[places[..., 1]]], 2)
    return Patches(objects, places, boxes, strength)
