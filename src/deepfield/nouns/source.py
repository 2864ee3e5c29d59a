"""Source: where batches come from, mock or real."""

from typing import Literal, Protocol

import numpy as np
from torch import Tensor

from deepfield.nouns.batch import Batch
from deepfield.nouns.quantity import Quantity

Split = Literal["train", "validation", "test", "calibrate"]


class Source(Protocol):
    """Objects that can be drawn again and again.

    ``take`` is a pure function of (seed, split, epoch, index): the same objects whatever the
    batch size or the number of workers. On the mock sky a new epoch sees the same galaxy under
    fresh noise; real images stay as they are.
    """

    @property
    def ids(self) -> np.ndarray:
        """[object] strings."""
        ...

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the bands, from blue to red."""
        ...

    @property
    def grid(self) -> tuple[str, ...]:
        """Names of the axes after the channel."""
        ...

    def __len__(self) -> int: ...

    def quantity(self, name: str) -> Quantity:
        """What the truth of this name means; ``ValueError`` names those that there are."""
        ...

    def part(self, split: Split) -> "Source":
        """The objects of one split; splits never share an object."""
        ...

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """The objects at these positions ([object] int64), as seen in this epoch."""
        ...
