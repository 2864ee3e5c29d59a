"""Simulated objects: any mock sky, seen through any telescope, as a source."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from deepfield.data.drawn import Drawn
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.sky import Light, Sky
from deepfield.nouns.source import Split
from deepfield.nouns.survey import Survey
from deepfield.render.noise import sky_variance
from deepfield.render.telescope import Telescope
from deepfield.sky.kinds import Kinds

LARGEST_CHUNK = 128
PIXELS = 2**21
"""image pixels that are rendered at a time, all bands together"""
KEPT = 4 * 2**30
"""bytes of noiseless images that are kept; the longest unused ones go first"""


@dataclass
class Simulated(Drawn):
    """Objects of a mock sky in one survey, each drawn from (seed, split, index) alone.

    Every epoch sees the same objects under fresh noise. Noiseless images are rendered when first
    asked for and kept, as half-precision multiples of the sky's sigma.

    Args:
        survey: bands, pixel scale, PSF and depth.
        objects: how many in each split.
        seed: another seed is another sky.
        size: side of the stamps, px.
        sky: what is out there.
        telescope: PSF, noise, and what goes wrong.
        maps: names of the sky's maps that the truth shall hold.
        split: the one that ``take`` draws from.

    Raises:
        ValueError: the sky has no such map, or the telescope cannot see stamps of this size.

    Example:
        >>> from deepfield.sky.surveys import sdss
        >>> source = Simulated(sdss(), {"train": 4}, size=32)
        >>> source.take(torch.tensor([0, 3]), epoch=0).values.shape
        torch.Size([2, 3, 32, 32])
    """

    survey: Survey
    objects: Mapping[str, int]
    seed: int = 0
    size: int = 64
    sky: Sky = field(default_factory=Kinds)
    telescope: Telescope = field(default_factory=Telescope)
    maps: tuple[str, ...] = ()
    split: Split = "train"

    def __post_init__(self) -> None:
        self.channels = self.survey.channels
        self.grid = ("y", "x")
        there = [quantity.name for quantity in self.sky.maps]
        if unknown := [name for name in self.maps if name not in there]:
            raise ValueError(
                f"this sky has no map {', '.join(unknown)}; it has {', '.join(there) or 'none'}"
            )
        self.telescope.check(self.survey, self.size)
        self._sigma = sky_variance(self.survey).sqrt()[:, None, None]
        # Whole chunks of a fixed length, so that no result depends on batches.
        pixels = len(self.channels) * self.size**2
        self._chunk = max(1, min(LARGEST_CHUNK, PIXELS // pixels))
        self._rendered: OrderedDict[int, Light] = OrderedDict()
        self._room = max(1, KEPT // (2 * pixels * self._chunk))

    @property
    def truths(self) -> tuple[Quantity, ...]:
        """What the truth holds."""
        return (*self.sky.quantities, *self.sky.maps)

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """These objects under this epoch's noise."""
        indices = self.rows(indices)
        light = self._noiseless(indices)
        numbers = indices.numpy()
        seen = self.telescope.observe(
            light.image, self.survey, numbers, seed=self.seed, split=self.split, epoch=epoch
        )
        return Batch(
            ids=self.ids[numbers],
            values=seen.values,
            channels=self.channels,
            grid=self.grid,
            variance=seen.variance,
            psf=self._psf(numbers),
            survey=self.survey,
            flags=seen.flags if light.flags is None else seen.flags | light.flags,
            truth=light.truth,
        )

    def _psf(self, indices: np.ndarray) -> Psf:
        return self.telescope.psf_of(self.survey, indices, seed=self.seed, split=self.split)

    def _noiseless(self, indices: Tensor) -> Light:
        chunk, row = indices // self._chunk, indices % self._chunk
        images = torch.empty(len(indices), len(self.channels), self.size, self.size)
        values: dict[Quantity, Tensor] = {}
        flags = torch.zeros(len(indices), dtype=torch.int64)
        for number in chunk.unique().tolist():
            at = (chunk == number).nonzero()[:, 0]
            kept = self._render(number)
            images[at] = kept.image[row[at]].float() * self._sigma
            for quantity, value in kept.truth.items_by_quantity():
                if quantity not in values:
                    values[quantity] = value.new_empty(len(indices), *value.shape[1:])
                values[quantity][at] = value[row[at]]
            if kept.flags is not None:
                flags[at] = kept.flags[row[at]]
        return Light(images, Truth(values), flags)

    def _render(self, number: int) -> Light:
        """Chunk ``number`` of the objects: always whole."""
        if number in self._rendered:
            self._rendered.move_to_end(number)
            return self._rendered[number]
        first = number * self._chunk
        indices = np.arange(first, min(first + self._chunk, len(self)))
        light = self.sky.draw(
            indices,
            self.survey,
            seed=self.seed,
            split=self.split,
            size=self.size,
            psf=self._psf(indices),
            maps=self.maps,
        )
        self._rendered[number] = replace(light, image=(light.image / self._sigma).half())
        if len(self._rendered) > self._room:
            self._rendered.popitem(last=False)
        return self._rendered[number]
