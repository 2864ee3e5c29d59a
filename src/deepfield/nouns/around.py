"""Around: a source that passes on what another one says of itself."""

import numpy as np

from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source


class Around:
    """The same objects in the same bands; what ``part`` and ``take`` make of them is its own.

    Example:
        >>> from deepfield.data.simulated_table import SimulatedTable
        >>> class Named(Around):
        ...     def __init__(self, source: Source) -> None:
        ...         self.source = source
        >>> len(Named(SimulatedTable({"train": 3}))), Named(SimulatedTable({"train": 3})).grid
        (3, ())
    """

    source: Source

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
