"""Fast exact occlusion: for every window, only what it changes is computed again.

A window changes a block of each layer's map that grows with the kernels and shrinks with the
strides; all the rest is what the untouched image gives. Convolutions, pooling, activations,
normalisation by fixed numbers, sums and joins of maps, sums over the pixels and dense layers work
on blocks; from a layer that looks at everything (attention, normalisation over the image) on, the
full maps of every window are computed.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from deepfield.explain.blocks import Blocks, copied, frame
from deepfield.explain.chunks import chunk_for
from deepfield.explain.covered import Covered, Holder, full
from deepfield.explain.occlusion import averaged, checked, covers
from deepfield.explain.spans import Span
from deepfield.explain.tape import Tape, Whole
from deepfield.explain.target import Target, evaluate, images
from deepfield.nouns.batch import Batch

TOGETHER = 64
"""windows at a time on a CPU: enough to forget the calls, few enough for the cache"""
MANY = 1024
"""windows at a time on an accelerator"""
APART = 8
"""px at least between windows of a chunk, so that three halvings treat them all alike"""


def fast_occlusion(
    target: Target,
    batch: Batch,
    window: int = 8,
    stride: int = 2,
    baseline: float | Tensor = 0.0,
    *,
    bands: Sequence[tuple[int, ...]] | None = None,
    chunk: int | None = None,
) -> Tensor:
    """What ``occlusion`` gives, sooner: the mean loss of the squares on each pixel.

    Args:
        target, batch, window, stride, baseline, bands, chunk: as in ``fast_losses``.

    Returns:
        [object, group of bands, y, x] target's unit.

    Raises:
        ValueError: as ``fast_losses``.
    """
    lost = fast_losses(target, batch, window, stride, baseline, bands=bands, chunk=chunk)
    return averaged(lost, batch.values.shape[2:], window, stride)


def fast_losses(
    target: Target,
    batch: Batch,
    window: int = 8,
    stride: int = 2,
    baseline: float | Tensor = 0.0,
    *,
    bands: Sequence[tuple[int, ...]] | None = None,
    chunk: int | None = None,
) -> Tensor:
    """What ``occlusion.losses`` gives, sooner: what the answer loses with each square.

    Args:
        target: what is explained; of each object by itself, with the network in evaluation mode.
        batch: images.
        window: side of the square, px.
        stride: from one square to the next, px; the last ones lie on the far edges.
        baseline: what the pixels become, nJy; a number or broadcastable to the values.
        bands: which are covered together; None = all.
        chunk: windows at a time; None to choose.

    Returns:
        [object, group of bands, y of window, x of window]

    Raises:
        ValueError: a window larger than the image, a stride that skips pixels, ``chunk`` < 1, or
            no such band.

    Example:
        >>> batch = Batch(np.array(["a"]), torch.arange(4.0).reshape(1, 1, 2, 2), ("g",))
        >>> fast_losses(lambda batch: batch.values.sum((1, 2, 3)), batch, 1, 1).tolist()
        [[[[0.0, 1.0], [2.0, 3.0]]]]
    """
    seen = images(batch)
    channels, *sides = seen.values.shape[1:]
    together = checked(sides, window, stride, bands, channels)
    if chunk is not None and chunk < 1:
        raise ValueError(f"chunk is {chunk}; expected at least 1 window at a time")
    empty = torch.as_tensor(baseline, dtype=seen.values.dtype, device=seen.values.device)
    empty = empty.expand(seen.values.shape)
    places = [len(covers(side, window, stride)) for side in sides]
    lost = seen.values.new_zeros(len(seen), len(together), *places)

    with torch.no_grad():
        for number in range(len(seen)):
            one = _One(target, seen.take(torch.tensor([number])), empty[number : number + 1])
            if chunk is None:
                chunk = one.affordable(window)
            columns = grids(sides[1], window, stride, chunk)
            longest = max(span.count for _, span in columns)
            rows = grids(sides[0], window, stride, chunk // longest)
            for group, members in enumerate(together):
                for above, y in rows:
                    for beside, x in columns:
                        lost[number, group, above, beside] = one.lost(members, y, x)
    return lost


class _One:
    """One object, its answer, and what the network makes of its untouched image."""

    def __init__(self, target: Target, batch: Batch, empty: Tensor) -> None:
        self.target, self.batch = target, batch
        self.image, self.empty = Whole(batch.values), Whole(empty)
        self.answer = evaluate(target, batch)
        self.tape = Tape()

    def lost(self, bands: tuple[int, ...], y: Span, x: Span) -> Tensor:
        """Of a grid of windows: [row, column]."""
        values = copied(frame(self.image, y, x))
        values[:, bands] = copied(frame(self.empty, y, x))[:, bands]
        self.tape.rewind()
        covered = Covered(Holder(Blocks(self.image, values, y, x)), self.tape)
        left = full(evaluate(self.target, self._repeated(covered)))
        return (self.answer - left).unflatten(0, (y.count, x.count))

    def affordable(self, window: int) -> int:
        """Windows at a time, after a look at how soon the network asks for full maps."""
        corner = Span(0, window, 1, window)
        self.lost(tuple(range(self.batch.values.shape[1])), corner, corner)
        most = TOGETHER if self.batch.values.device.type == "cpu" else MANY
        if not self.tape.fullest:
            return most
        # From there on it is plain occlusion, with as many images at a time.
        plain = chunk_for(self.batch, None)
        return max(plain, min(most, plain * self.batch.values.numel() // self.tape.fullest))

    def _repeated(self, covered: Tensor) -> Batch:
        """A batch of the object with each window covered; one variance and PSF serve all."""
        count = len(covered)

        def again(column: Tensor | None) -> Tensor | None:
            return None if column is None else column.expand(count, *column.shape[1:])

        return replace(
            self.batch,
            ids=np.repeat(self.batch.ids, count),
            values=covered,
            sky_position=again(self.batch.sky_position),
            flags=again(self.batch.flags),
        )


def grids(side: int, window: int, stride: int, most: int) -> list[tuple[slice, Span]]:
    """Windows along an axis that are computed together: which they are, and where.

    They lie as many pixels apart as halvings of the image in the network may need.

    Args:
        side: of the image, px.
        window, stride: px.
        most: windows together.

    Example:
        >>> for numbers, span in grids(16, window=4, stride=4, most=2):
        ...     print(numbers, span)
        slice(0, 3, 2) Span(start=0, step=8, count=2, size=4)
        slice(1, 4, 2) Span(start=4, step=8, count=2, size=4)
    """
    regular = (side - window) // stride + 1
    halving = max(APART, 1 << (window - 1).bit_length())
    apart = math.lcm(stride, halving) // stride
    parts = []
    for phase in range(min(apart, regular)):
        members = range(phase, regular, apart)
        even = math.ceil(len(members) / math.ceil(len(members) / most))
        for some in (members[first : first + even] for first in range(0, len(members), even)):
            span = Span(some[0] * stride, apart * stride, len(some), window)
            parts.append((slice(some[0], some[-1] + 1, apart), span))
    if (regular - 1) * stride < side - window:
        parts.append((slice(regular, regular + 1), Span(side - window, 1, 1, window)))
    return parts
