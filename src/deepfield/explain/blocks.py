"""Blocks: the part of a map that each window changes, and the map of the untouched image."""

from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.explain.spans import Span
from deepfield.explain.tape import Whole


@dataclass(frozen=True)
class Blocks:
    """A map for each window of a grid of windows, of which only the changed blocks are kept.

    Args:
        whole: the map of the untouched image.
        values: [window, channel, y of block, x of block] of the changed images, rows of windows
            one after the other; meaningless where a block reaches over the map's edge.
        y, x: where the blocks are.
    """

    whole: Whole
    values: Tensor
    y: Span
    x: Span

    @property
    def sides(self) -> tuple[int, int]:
        """Of the map, px."""
        return self.whole.map.shape[2], self.whole.map.shape[3]

    @property
    def shape(self) -> torch.Size:
        """[window, channel, y, x] of the maps that this stands for."""
        return torch.Size((len(self.values), *self.whole.map.shape[1:]))

    @property
    def share(self) -> float:
        """Size of a block over that of the map."""
        return self.y.size * self.x.size / max(1, self.sides[0] * self.sides[1])

    def change(self) -> Tensor:
        """What the windows change, zero beyond the edges: [window, channel, y, x of block]."""
        change = torch.empty_like(self.values)
        torch.sub(
            by_row(self.values, self.y),
            frame(self.whole, self.y, self.x),
            out=by_row(change, self.y),
        )
        return filled(change, self.y, self.x, self.sides, 0.0)

    def widened(self, y: Span, x: Span, beyond: float = 0.0) -> Tensor:
        """Values on other blocks than these, unchanged surroundings included.

        Args:
            y, x: the blocks; where they lack some of these, that is left out.
            beyond: value past the edges of the map.
        """
        if (y, x) == (self.y, self.x):
            return filled(self.values, y, x, self.sides, beyond)
        wide = copied(frame(self.whole, y, x, beyond))
        rows, rows_here = _shared(y, self.y)
        columns, columns_here = _shared(x, self.x)
        wide[:, :, rows, columns] = self.values[:, :, rows_here, columns_here]
        return filled(wide, y, x, self.sides, beyond)

    def dense(self) -> Tensor:
        """The full maps: [window, channel, y, x]."""
        height, width = self.sides
        full = self.whole.map.contiguous().repeat(len(self.values), 1, 1, 1)
        for number, changed in enumerate(self.values):
            row, column = divmod(number, self.x.count)
            rows, rows_here = self.y.inside(row, height)
            columns, columns_here = self.x.inside(column, width)
            full[number, :, rows, columns] = changed[:, rows_here, columns_here]
        return full


def frame(whole: Whole, y: Span, x: Span, beyond: float = 0.0) -> Tensor:
    """A map cut into blocks, without a copy: [row of windows, window, channel, y, x of block].

    Args:
        whole: the map.
        y, x: the blocks.
        beyond: value past the edges of the map.
    """
    reach = max(y.margin(whole.map.shape[2]), x.margin(whole.map.shape[3]))
    margin = 1 << (reach - 1).bit_length() if reach else 0  # powers of two, so that few are kept
    top, left = y.start + margin, x.start + margin
    height, width = (y.count - 1) * y.step + y.size, (x.count - 1) * x.step + x.size
    cut = whole.padded(margin, beyond)[0, :, top : top + height, left : left + width]
    cut = cut.unfold(1, y.size, max(1, y.step)).unfold(2, x.size, max(1, x.step))
    return cut.permute(1, 2, 0, 3, 4)


def copied(framed: Tensor) -> Tensor:
    """A framed map as blocks of their own, channels last: [window, channel, y, x of block]."""
    rows, columns, *block = framed.shape
    blocks = torch.empty(
        (rows * columns, *block),
        dtype=framed.dtype,
        device=framed.device,
        memory_format=torch.channels_last,
    )
    blocks.unflatten(0, (rows, columns)).copy_(framed)
    return blocks


def by_row(blocks: Tensor, y: Span) -> Tensor:
    """[window, ...] as [row of windows, window, ...]."""
    return blocks.unflatten(0, (y.count, len(blocks) // y.count))


def filled(blocks: Tensor, y: Span, x: Span, sides: tuple[int, int], number: float) -> Tensor:
    """The blocks themselves, with a number written where they reach over the edges of the map."""
    rows = by_row(blocks, y)
    for window, part in y.outside(sides[0]):
        rows[window, :, :, part] = number
    for window, part in x.outside(sides[1]):
        rows[:, window, :, :, part] = number
    return blocks


def _shared(one: Span, other: Span) -> tuple[slice, slice]:
    """Pixels of the intervals of one that lie in those of the other, and where they are there."""
    first = max(one.start, other.start)
    last = max(first, min(one.start + one.size, other.start + other.size))
    return (
        slice(first - one.start, last - one.start),
        slice(first - other.start, last - other.start),
    )
