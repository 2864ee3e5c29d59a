"""Seen: the objects of a source through a change, such as a cut or a turn."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from deepfield.nouns.around import Around
from deepfield.nouns.batch import Batch
from deepfield.nouns.source import Source, Split


@dataclass(frozen=True)
class Seen(Around):
    """A source whose every batch is changed, and whose objects stay the same ones.

    Args:
        source: of the objects.
        change: of a batch, object by object: what becomes of one may not depend on the others.

    Example:
        >>> import numpy as np
        >>> import torch
        >>> from deepfield.data.arrays import from_arrays
        >>> from deepfield.data.moves import turned
        >>> source = from_arrays(np.arange(256.0).reshape(1, 1, 16, 16), size=16)
        >>> upright = source.take(torch.arange(1), 0).values
        >>> over = Seen(source, lambda batch: turned(batch, torch.full((len(batch),), 2)))
        >>> bool((over.take(torch.arange(1), 0).values == upright.flip(-1, -2)).all())
        True
    """

    source: Source
    change: Callable[[Batch], Batch]

    def part(self, split: Split) -> "Seen":
        """The objects of one split through the same change."""
        return Seen(self.source.part(split), self.change)

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """The objects at these positions, changed."""
        return self.change(self.source.take(indices, epoch))
