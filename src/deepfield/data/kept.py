"""Kept: what a source shows in its first epoch, drawn once and remembered."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from deepfield.data.moves import four_axes
from deepfield.nouns.around import Around
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.psf import Psf
from deepfield.nouns.source import Source, Split

CHUNK = 128
LARGEST = 6e4
"""what half precision holds, in units of the sky noise"""


@dataclass(eq=False)
class Kept(Around):
    """A source whose images are those of its first epoch, as real ones are: once observed.

    Whoever learns from it sees the same pixels, in every epoch. They are drawn when first asked
    for, and kept in half precision in units of the sky noise.

    Args:
        source: of images with variance.

    Example:
        >>> from deepfield.mocks.kinds import kinds
        >>> source = Kept(kinds(objects={"train": 2}, size=32))
        >>> first, again = (source.take(torch.tensor([1]), epoch).values for epoch in (0, 1))
        >>> bool((first == again).all())
        True
    """

    source: Source
    _parts: dict[Split, "Kept"] = field(default_factory=dict, repr=False)
    _drawn: Batch | None = field(default=None, repr=False)
    _scale: Tensor = field(default_factory=lambda: torch.ones(1), repr=False)
    _there: Tensor = field(default_factory=lambda: torch.zeros(0), repr=False)

    def part(self, split: Split) -> "Kept":
        """The objects of one split, and what is kept of them."""
        if split not in self._parts:
            self._parts[split] = Kept(self.source.part(split))
        return self._parts[split]

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """The objects at these positions, the same in every epoch."""
        indices = torch.as_tensor(indices)
        for number in (indices // CHUNK).unique().tolist():
            self._draw(number)
        if self._drawn is None:
            return self.source.take(indices, 0)
        some = self._drawn.take(indices)
        assert some.variance is not None
        return replace(
            some,
            values=some.values.float() * self._scale,
            variance=some.variance.float() * self._scale.square(),
        )

    def _draw(self, number: int) -> None:
        if self._drawn is not None and self._there[number]:
            return
        rows = torch.arange(number * CHUNK, min((number + 1) * CHUNK, len(self)))
        batch = self.source.take(rows, 0)
        variance = four_axes(batch).expand_as(batch.values)
        if self._drawn is None:
            least = variance.amin((0, 2, 3), keepdim=True)
            self._scale = torch.where(least.isfinite(), least, 1.0).sqrt()
            self._drawn = _room(batch, len(self), self.ids)
            self._there = torch.zeros(-(-len(self) // CHUNK), dtype=torch.bool)
        kept = self._drawn
        assert kept.variance is not None
        kept.values[rows] = (batch.values / self._scale).clamp(-LARGEST, LARGEST).half()
        ratio = variance / self._scale.square()
        kept.variance[rows] = torch.where(ratio.isfinite(), ratio.clamp(max=LARGEST), ratio).half()
        if kept.flags is not None and batch.flags is not None:
            kept.flags[rows] = batch.flags
        if kept.psf is not None and batch.psf is not None and len(kept.psf.kernel) == len(self):
            kept.psf.kernel[rows] = batch.psf.kernel
        for name, value in (batch.truth or {}).items():
            assert kept.truth is not None
            kept.truth[name][rows] = value
        self._there[number] = True


def _room(batch: Batch, count: int, ids: np.ndarray) -> Batch:
    """Space for so many objects like those of a batch."""

    def space(value: Tensor) -> Tensor:
        return value.new_empty(count, *value.shape[1:])

    halves = torch.empty(count, *batch.values.shape[1:], dtype=torch.float16)
    truth = batch.truth
    psf = batch.psf
    if psf is not None and len(psf.kernel) > 1:
        # Unit sums, as a Psf must have; every row is overwritten when its object is drawn.
        psf = Psf(psf.kernel[:1].repeat(count, 1, 1, 1), psf.oversampling)
    return replace(
        batch,
        ids=ids,
        values=halves,
        variance=torch.empty_like(halves),
        psf=psf,
        flags=None if batch.flags is None else space(batch.flags),
        truth=None
        if truth is None
        else Truth({q: space(v) for q, v in truth.items_by_quantity()}),
    )
