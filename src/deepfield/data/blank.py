"""Blank: a source without objects, which says what a source with some would hold."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from deepfield.nouns.batch import Batch
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Split


@dataclass(frozen=True)
class Blank:
    """What a recipe needs to build its network when there is nothing to train on.

    Args:
        channels: bands, from blue to red.
        quantities: what is asked.
        grid: axes after the channel.

    Example:
        >>> kind = Quantity("kind", classes=("smooth", "spiral"))
        >>> Blank(("g", "r", "i"), (kind,)).quantity("kind").classes
        ('smooth', 'spiral')
    """

    channels: tuple[str, ...]
    quantities: tuple[Quantity, ...]
    grid: tuple[str, ...] = ("y", "x")

    @property
    def ids(self) -> np.ndarray:
        """None."""
        return np.array([], dtype=str)

    def __len__(self) -> int:
        return 0

    def quantity(self, name: str) -> Quantity:
        """The quantity of this name."""
        by_name = {quantity.name: quantity for quantity in self.quantities}
        if name not in by_name:
            raise ValueError(f"there is no truth {name!r}; there is {', '.join(by_name)}")
        return by_name[name]

    def part(self, split: Split) -> "Blank":
        """Itself: no split has objects."""
        return self

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """There is nothing to take."""
        raise ValueError("a blank source has no objects; open images or a mock sky instead")
