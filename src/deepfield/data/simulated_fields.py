"""Simulated fields: periodic boxes of density or gas, as a source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from deepfield.data.drawn import Drawn
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Split
from deepfield.render.draws import normals
from deepfield.sky.fields import DensityField

KEPT = 4 * 2**30
"""bytes of boxes that are kept; a split that needs more is drawn anew each time"""


class Field(Protocol):
    """A population of boxes with priors: ``sky.fields.DensityField``, ``PaintedGas``."""

    @property
    def channels(self) -> tuple[str, ...]:
        """What is seen in each cell."""
        ...

    @property
    def grid(self) -> tuple[str, ...]:
        """(y, x) or (z, y, x)."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells along each axis of the grid."""
        ...

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The parameters: a number for each object."""
        ...

    @property
    def maps(self) -> tuple[Quantity, ...]:
        """What the truth holds if asked: a number for each cell."""
        ...

    def draw(
        self, indices: np.ndarray, *, seed: int, split: str, maps: tuple[str, ...] = ()
    ) -> tuple[Tensor, Truth]:
        """The boxes of these indices: each from (seed, split, index) alone, to the last bit.

        Args:
            indices: [object] int, from 0.
            seed, split: another of either is another universe.
            maps: names of ``maps`` to add to the truth.

        Returns:
            [object, channel, *grid] float32, and the truth: ``quantities`` and maps.
        """
        ...


@dataclass
class SimulatedFields(Drawn):
    """Boxes of a mock universe, each drawn from (seed, split, index) alone.

    The universe is the same in every epoch; only noise, if there is any, is fresh.

    Args:
        objects: how many in each split.
        seed: another seed is another universe.
        field: what is in the boxes.
        noise: sigma of white noise, in the unit of the values: one number, or one a channel.
        maps: names of the field's maps that the truth shall hold.
        split: the one that ``take`` draws from.

    Raises:
        ValueError: the field has no such map, or the noise is negative.

    Example:
        >>> source = SimulatedFields({"train": 4}, field=DensityField(side=16))
        >>> batch = source.take(torch.tensor([0, 3]), epoch=0)
        >>> batch.values.shape, batch.grid
        (torch.Size([2, 1, 16, 16]), ('y', 'x'))
    """

    objects: Mapping[str, int]
    seed: int = 0
    field: Field = field(default_factory=DensityField)
    noise: float | tuple[float, ...] = 0.0
    maps: tuple[str, ...] = ()
    split: Split = "train"

    def __post_init__(self) -> None:
        self.channels, self.grid = self.field.channels, self.field.grid
        self._shape = (len(self.channels), *self.field.shape)
        count = len(self)
        there = [quantity.name for quantity in self.field.maps]
        if unknown := [name for name in self.maps if name not in there]:
            raise ValueError(
                f"this field has no map {', '.join(unknown)}; it has {', '.join(there) or 'none'}"
            )
        sigma = torch.as_tensor(self.noise, dtype=torch.float32)
        channels = len(self.channels)
        if sigma.ndim > 1 or sigma.numel() not in (1, channels) or not bool((sigma >= 0).all()):
            raise ValueError(
                f"noise {self.noise}; expected a sigma of 0 or more, one or {channels} for the "
                f"channels {', '.join(self.channels)}"
            )
        if bool((sigma > 0).any()) and not bool((sigma > 0).all() and sigma.isfinite().all()):
            raise ValueError(f"noise {self.noise}; expected finite numbers, all 0 or none")
        self._sigma = sigma.reshape(-1, *[1] * len(self.grid)).expand(
            channels, *[1] * len(self.grid)
        )
        each = 4 * np.prod(self.field.shape) * (channels + len(self.maps))
        self._keeps = bool(count * each <= KEPT)
        self._drawn = torch.zeros(count, dtype=torch.bool)
        self._values = torch.empty(0)
        self._truth: dict[Quantity, Tensor] = {}

    @property
    def truths(self) -> tuple[Quantity, ...]:
        """What the truth holds."""
        return (*self.field.quantities, *self.field.maps)

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """These objects, under this epoch's noise if there is any."""
        indices = self.rows(indices)
        numbers = indices.numpy()
        values, truth = self._noiseless(indices)
        variance = None
        if bool((self._sigma > 0).all()):
            noise = normals(self.seed, self.split, numbers, epoch, self._shape)
            values = values + noise * self._sigma
            variance = (self._sigma**2)[None]
        return Batch(
            ids=self.ids[numbers],
            values=values,
            channels=self.channels,
            grid=self.grid,
            variance=variance,
            truth=truth,
        )

    def _noiseless(self, indices: Tensor) -> tuple[Tensor, Truth]:
        if not self._keeps:
            return self._draw(indices)
        new = indices[~self._drawn[indices]].unique()
        if len(new) or not self._truth:
            values, truth = self._draw(new)
            if not self._truth:
                self._values = torch.empty(len(self), *values.shape[1:])
                self._truth = {
                    quantity: torch.empty(len(self), *value.shape[1:], dtype=value.dtype)
                    for quantity, value in truth.items_by_quantity()
                }
            self._values[new] = values
            for quantity, value in truth.items_by_quantity():
                self._truth[quantity][new] = value
            self._drawn[new] = True
        kept = {quantity: value[indices] for quantity, value in self._truth.items()}
        return self._values[indices], Truth(kept)

    def _draw(self, indices: Tensor) -> tuple[Tensor, Truth]:
        return self.field.draw(indices.numpy(), seed=self.seed, split=self.split, maps=self.maps)
