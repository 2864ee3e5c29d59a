"""Subset: some objects of a source."""

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.batch import Batch
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source, Split


class Subset:
    """A source restricted to some positions, in their order.

    Args:
        source: what it is part of.
        positions: [object] int.

    Raises:
        ValueError: no positions.

    Example:
        >>> from deepfield.data.arrays import from_arrays
        >>> source = from_arrays(np.zeros((3, 1, 16, 16)), size=16)
        >>> Subset(source, np.array([2, 0])).ids.tolist()
        ['2', '0']
    """

    def __init__(self, source: Source, positions: np.ndarray) -> None:
        if not len(positions):
            raise ValueError(f"none of {len(source)} objects is left; give others")
        self.source = source
        self.positions = positions
        self.ids = source.ids[positions]
        self.channels = source.channels
        self.grid = source.grid

    def __len__(self) -> int:
        return len(self.positions)

    def quantity(self, name: str) -> Quantity:
        """What the truth of this name means."""
        return self.source.quantity(name)

    def part(self, split: Split) -> Source:
        """The objects of one split that are in the subset."""
        part = self.source.part(split)
        return Subset(part, np.flatnonzero(np.isin(part.ids, self.ids)))

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """The objects at these positions of the subset."""
        return self.source.take(torch.from_numpy(self.positions)[indices], epoch)
