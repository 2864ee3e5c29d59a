"""Simulated tables: a catalogue of properties and a class, as a source."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from deepfield.data.drawn import Drawn
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Split
from deepfield.sky.quenching import STATE, Quenching


@dataclass
class SimulatedTable(Drawn):
    """Galaxies of a catalogue, each drawn from (seed, split, index) alone, the same every epoch.

    Args:
        objects: how many in each split.
        seed: another seed is another sky.
        sky: the population.
        columns: those of its properties that are seen, in this order; empty = all.
        split: the one that ``take`` draws from.

    Raises:
        ValueError: a column that the sky does not have.

    Example:
        >>> table = SimulatedTable({"train": 3}, columns=("log_bulge_mass",))
        >>> batch = table.take(torch.arange(3), 0)
        >>> batch.grid, batch.channels, batch.values.shape
        ((), ('log_bulge_mass',), torch.Size([3, 1]))
    """

    objects: Mapping[str, int]
    seed: int = 0
    sky: Quenching = field(default_factory=Quenching)
    columns: tuple[str, ...] = ()
    split: Split = "train"

    grid = ()

    def __post_init__(self) -> None:
        known = [one.name for one in self.sky.properties]
        if unknown := [name for name in self.columns if name not in known]:
            raise ValueError(f"no column {', '.join(unknown)}; there is {', '.join(known)}")
        self.channels = tuple(self.columns or known)
        self._seen = torch.tensor([known.index(name) for name in self.channels])
        count = len(self)
        self._values, self._labels = self.sky.draw(
            np.arange(count), seed=self.seed, split=self.split
        )

    @property
    def truths(self) -> tuple[Quantity, ...]:
        """What the truth holds."""
        return (STATE,)

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """These galaxies."""
        rows = self.rows(indices)
        return Batch(
            ids=self.ids[rows.numpy()],
            values=self._values[rows][:, self._seen],
            channels=self.channels,
            grid=(),
            flags=torch.zeros(len(rows), dtype=torch.int64),
            truth=Truth({STATE: self._labels[rows]}),
        )
