"""Displaced: stamps whose galaxies are not in the middle."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from deepfield.data.moves import four_axes, warped
from deepfield.data.seen import Seen
from deepfield.data.split import unit_hash
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source

DIRECTIONS = torch.tensor([[0, 1], [1, 0], [0, -1], [-1, 0]])
"""y, x"""


@dataclass(frozen=True)
class Cut:
    """Square stamps out of the middle of larger ones, or from beside it.

    What comes in at the edge is the sky that was there: other stars, galaxies and noise.

    Args:
        size: side of the stamps, px.
        shift: of every galaxy from the middle, whole px: up, down, left or right, by a hash of
            its id.

    Raises:
        ValueError: when called, images too small for it.

    Example:
        >>> batch = Batch(np.array(["a"]), torch.rand(1, 1, 32, 32), ("r",))
        >>> Cut(16)(batch).values.shape
        torch.Size([1, 1, 16, 16])
    """

    size: int
    shift: int = 0

    def __call__(self, batch: Batch) -> Batch:
        """The stamps, with their variance and the truth that moves with the pixels."""
        height, width = batch.values.shape[-2:]
        if min(height, width) < self.size + 2 * self.shift:
            raise ValueError(
                f"images of {height} x {width} px; expected at least {self.size + 2 * self.shift} "
                f"for stamps of {self.size} px shifted by {self.shift}"
            )
        middle = torch.tensor([(height - self.size) // 2, (width - self.size) // 2])
        start = middle - self.shift * directions(batch.ids)
        variance = batch.variance
        if variance is not None and variance.shape[-2:] == (height, width):
            variance = self._cut(four_axes(batch), start)
        truth = None if batch.truth is None else self._truth(batch.truth, start)
        values = self._cut(batch.values, start)
        return replace(batch, values=values, variance=variance, truth=truth)

    def _cut(self, images: Tensor, start: Tensor) -> Tensor:
        out = images.new_empty(*images.shape[:-2], self.size, self.size)
        for y, x in start.unique(dim=0).tolist():
            rows = (start == torch.tensor([y, x])).all(1)
            out[rows] = images[rows][..., y : y + self.size, x : x + self.size]
        return out

    def _truth(self, truth: Truth, start: Tensor) -> Truth:
        values: dict[Quantity, Tensor] = {}
        for quantity, value in truth.items_by_quantity():
            if quantity.kind == "map":
                value = self._cut(value, start)
            elif quantity.kind == "point":
                value = value - start.to(value).reshape(-1, *[1] * (value.ndim - 2), 2)
            values[quantity] = value
        return Truth(values)


def directions(ids: np.ndarray) -> Tensor:
    """[object, 2] one of four unit steps (y, x) for every id, always the same.

    Example:
        >>> directions(np.array(["m31", "m33"])).abs().sum(1).tolist()
        [1, 1]
    """
    return DIRECTIONS[torch.from_numpy((4 * unit_hash(ids, "direction")).astype(np.int64))]


def displaced(source: Source, shift: int) -> Seen:
    """The objects of a source, each so many pixels from where it was.

    Where the stamps are cut from larger ones they are cut beside the galaxy. Others have nothing
    beyond their edge: they are mirrored there.

    Args:
        source: of images.
        shift: whole px, up, down, left or right by a hash of the id.

    Example:
        >>> from deepfield.data.arrays import from_arrays
        >>> point = np.zeros((1, 1, 16, 16))
        >>> point[0, 0, 8, 8] = 1
        >>> batch = displaced(from_arrays(point, size=16), 4).take(torch.arange(1), 0)
        >>> y, x = divmod(int(batch.values.argmax()), 16)
        >>> abs(y - 8) + abs(x - 8)
        4
    """
    if isinstance(source, Seen) and isinstance(source.change, Cut):
        return Seen(source.source, replace(source.change, shift=shift))

    def moved(batch: Batch) -> Batch:
        steps = shift * directions(batch.ids).flip(1)
        still = torch.eye(2).expand(len(batch), 2, 2)
        return warped(batch, still, steps.float(), "reflection")

    return Seen(source, moved)
