"""Drawn: what all sources share that draw each object from (seed, split, index) alone."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Self

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Split


class Drawn:
    """Base of dataclasses with these fields, which also say what the ``truths`` are.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Nothing(Drawn):
        ...     objects: Mapping[str, int]
        ...     seed: int = 0
        ...     split: Split = "train"
        >>> Nothing({"train": 2, "test": 1}).part("test").ids.tolist()
        ['test-0-0']
    """

    objects: Mapping[str, int]
    seed: int
    split: Split

    @cached_property
    def ids(self) -> np.ndarray:
        """[object] strings: split, seed and index."""
        return np.array([f"{self.split}-{self.seed}-{i}" for i in range(len(self))], dtype=str)

    @cached_property
    def _parts(self) -> dict[Split, Self]:
        return {self.split: self}

    def __len__(self) -> int:
        return self.objects.get(self.split, 0)

    @property
    def truths(self) -> Iterable[Quantity]:
        """What the truth holds."""
        return ()

    def quantity(self, name: str) -> Quantity:
        """What the truth of this name means."""
        by_name = {quantity.name: quantity for quantity in self.truths}
        if name not in by_name:
            raise ValueError(f"this mock has no truth {name!r}; it has {', '.join(by_name)}")
        return by_name[name]

    def part(self, split: Split) -> Self:
        """The objects of another split; drawn once and kept."""
        if split not in self._parts:
            self._parts[split] = replace(self, split=split)  # type: ignore[type-var]
        return self._parts[split]

    def rows(self, indices: Tensor) -> Tensor:
        """Indices of objects that there are.

        Raises:
            ValueError: there are fewer.
        """
        rows = torch.as_tensor(indices)
        if len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < len(self):
            raise ValueError(
                f"indices from {int(rows.min())} to {int(rows.max())} of {len(self)} "
                f"{self.split} objects; give objects={{{self.split!r}: more}}"
            )
        return rows
