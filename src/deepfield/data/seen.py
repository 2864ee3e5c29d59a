"""Seen: the objects of a source through a change, such as a cut or a turn."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from deepfield.nouns.batch import Batch
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source, Split


@dataclass(frozen=True)
class Seen:
    """A source whose every batch is changed, and whose objects stay the same ones.

    Args:
        source: of the objects.
        change: of a batch, object by object: what becomes of one may not depend on the others.

    Example:
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

    def __len__(self) -> int:
        return len(self.source)

    @property
    def ids(self) -> np.ndarray:
        """[object] strings."""
        return self.source.ids

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the bands."""
        return self.source.channels

    @property
    def grid(self) -> tuple[str, ...]:
        """Names of the axes after the channel."""
        return self.source.grid

    def quantity(self, name: str) -> Quantity:
        """What the truth of this name means."""
        return self.source.quantity(name)

    def part(self, split: Split) -> "Seen":
        """The objects of one split through the same change."""
        return Seen(self.source.part(split), self.change)

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """The objects at these positions, changed."""
        return self.change(self.source.take(indices, epoch))
