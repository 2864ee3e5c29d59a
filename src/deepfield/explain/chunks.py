"""Chunks: work on as many images at a time as memory and cache hold."""

from collections.abc import Callable

import torch
from torch import Tensor

from deepfield.nouns.batch import Batch

CACHE = 2**17
"""values at a time on a CPU: what a layer makes of them stays in the cache"""
MEMORY = 2**25
"""values at a time on an accelerator"""


def chunk_for(batch: Batch, chunk: int | None) -> int:
    """Images at a time: what the user asks for, or what suits these stamps and their device.

    Args:
        batch: of any objects.
        chunk: None to choose.

    Raises:
        ValueError: less than one image at a time.

    Example:
        >>> import numpy as np
        >>> chunk_for(Batch(np.array(["a"]), torch.zeros(1, 2, 256, 256), ("g", "r")), None)
        1
    """
    if chunk is None:
        budget = CACHE if batch.values.device.type == "cpu" else MEMORY
        return max(1, budget // max(1, batch.values.shape[1:].numel()))
    if chunk < 1:
        raise ValueError(f"chunk is {chunk}; expected at least 1 image at a time")
    return chunk


def in_chunks(compute: Callable[[Tensor], Tensor], count: int, chunk: int) -> Tensor:
    """``compute(rows)`` for rows 0 to ``count``, some at a time, joined.

    A chunk that does not fit into memory is tried again as two halves, and so are those after it.

    Args:
        compute: row numbers [row] -> [row, ...].
        count: of rows.
        chunk: rows at a time.

    Example:
        >>> in_chunks(lambda rows: rows * 2, 5, chunk=2).tolist()
        [0, 2, 4, 6, 8]
    """
    done: list[Tensor] = []
    first = 0
    while first < count or not done:
        rows = torch.arange(first, min(first + chunk, count))
        try:
            done.append(compute(rows))
        except RuntimeError as error:
            if len(rows) < 2 or not _out_of_memory(error):
                raise
            chunk = len(rows) // 2
        else:
            first += len(rows)
    return torch.cat(done)


def _out_of_memory(error: RuntimeError) -> bool:
    # On a CPU it is a plain RuntimeError of the allocator.
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)
