"""Occlusion: cover a part of the galaxy and see what the answer loses (Zeiler & Fergus 2014)."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from deepfield.explain.chunks import chunk_for, in_chunks
from deepfield.explain.target import Target, evaluate, images
from deepfield.nouns.batch import Batch


def occlusion(
    target: Target,
    batch: Batch,
    window: int = 8,
    stride: int = 2,
    baseline: float | Tensor = 0.0,
    *,
    bands: Sequence[tuple[int, ...]] | None = None,
    chunk: int | None = None,
) -> Tensor:
    """What the answer loses where a square is covered, a mean over the squares on each pixel.

    Args:
        target, batch, window, stride, baseline, bands, chunk: as in ``losses``.

    Returns:
        [object, group of bands, y, x] target's unit; one group, so [object, 1, y, x], where all
        bands are covered together.

    Raises:
        ValueError: a window larger than the image, a stride that skips pixels, ``chunk`` < 1.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.arange(4.0).reshape(1, 1, 1, 4), ("g",))
        >>> def target(batch):
        ...     return batch.values.sum((1, 2, 3))
        >>> occlusion(target, batch, window=1, stride=1).tolist()
        [[[[0.0, 1.0, 2.0, 3.0]]]]
    """
    lost = losses(target, batch, window, stride, baseline, bands=bands, chunk=chunk)
    return averaged(lost, batch.values.shape[2:], window, stride)


def losses(
    target: Target,
    batch: Batch,
    window: int = 8,
    stride: int = 2,
    baseline: float | Tensor = 0.0,
    *,
    bands: Sequence[tuple[int, ...]] | None = None,
    chunk: int | None = None,
) -> Tensor:
    """What the answer loses with each square: answer of the image minus that of the covered one.

    The variance stays as it is: a covered pixel is seen to be empty, not missing.

    Args:
        target: what is explained.
        batch: images.
        window: side of the square, px.
        stride: from one square to the next, px; the last ones lie on the far edges.
        baseline: what the pixels become, nJy; a number or broadcastable to the values. Zero flux
            is the sky's level.
        bands: which are covered together, such as ``[(0,), (1,), (2,)]`` for one by one; None =
            all together.
        chunk: images at a time; None to choose.

    Returns:
        [object, group of bands, y of window, x of window]

    Raises:
        ValueError: a window larger than the image, a stride that skips pixels, ``chunk`` < 1.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.arange(4.0).reshape(1, 1, 2, 2), ("g",))
        >>> losses(lambda batch: batch.values.sum((1, 2, 3)), batch, window=1, stride=1).tolist()
        [[[[0.0, 1.0], [2.0, 3.0]]]]
    """
    seen = images(batch)
    device = seen.values.device
    channels, height, width = seen.values.shape[1:]
    together = checked((height, width), window, stride, bands, channels)
    groups = torch.zeros(len(together), channels, dtype=torch.bool, device=device)
    for group, members in enumerate(together):
        groups[group, list(members)] = True
    rows = covers(height, window, stride).to(device)
    columns = covers(width, window, stride).to(device)
    empty = torch.as_tensor(baseline, dtype=seen.values.dtype, device=device)
    empty = empty.expand(seen.values.shape)
    shape = (len(batch), len(groups), len(rows), len(columns))
    size = chunk_for(batch, chunk)

    def covered(numbers: Tensor) -> Tensor:
        objects, group, row, column = torch.unravel_index(numbers, shape)
        part = seen.take(objects)
        square = rows[row][:, :, None] & columns[column][:, None, :]
        square = square[:, None] & groups[group][:, :, None, None]
        return evaluate(target, replace(part, values=part.values.where(~square, empty[objects])))

    with torch.no_grad():
        whole = in_chunks(lambda rows: evaluate(target, seen.take(rows)), len(batch), size)
        left = in_chunks(covered, torch.Size(shape).numel(), size)
    return whole[:, None, None, None] - left.reshape(shape)


def covers(side: int, window: int, stride: int) -> Tensor:
    """Which pixels each window covers along an axis: every ``stride``, and one on the far edge.

    Returns:
        [window, pixel] bool

    Example:
        >>> covers(5, window=2, stride=2).int().tolist()
        [[1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 1, 1]]
    """
    starts = list(range(0, side - window + 1, stride))
    if starts[-1] < side - window:
        starts.append(side - window)
    from_start = torch.arange(side) - torch.tensor(starts)[:, None]
    return (from_start >= 0) & (from_start < window)


def checked(
    sides: Sequence[int],
    window: int,
    stride: int,
    bands: Sequence[tuple[int, ...]] | None,
    channels: int,
) -> list[tuple[int, ...]]:
    """The groups of bands that are covered together, if windows and bands fit the images.

    Args:
        sides: of the images, px.
        window, stride, bands: as in ``losses``.
        channels: of the images.

    Raises:
        ValueError: a window larger than the image, a stride that skips pixels, no such band.
    """
    if not 1 <= window <= min(sides):
        raise ValueError(
            f"a window of {window} px on stamps of {sides[0]} x {sides[1]} px; expected 1 to "
            f"{min(sides)} px"
        )
    if not 1 <= stride <= window:
        raise ValueError(
            f"a stride of {stride} px with a window of {window} px; expected 1 to {window} px, or "
            "pixels would be skipped"
        )
    together = [tuple(range(channels))] if bands is None else list(bands)
    if missing := sorted(set().union(*together) - set(range(channels))):
        raise ValueError(f"no band {missing[0]}; the images have 0 to {channels - 1}")
    return together


def averaged(lost: Tensor, sides: Sequence[int], window: int, stride: int) -> Tensor:
    """Mean over the windows that cover each pixel.

    Args:
        lost: [object, group of bands, y of window, x of window]
        sides: of the images, px.
        window, stride: as in ``losses``.

    Returns:
        [object, group of bands, y, x]
    """
    rows, columns = (covers(side, window, stride).to(lost) for side in sides)
    count = rows.sum(0)[:, None] * columns.sum(0)
    return torch.einsum("ogab,ay,bx->ogyx", lost, rows, columns) / count
