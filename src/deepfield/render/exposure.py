"""Exposure: what a telescope measured, and what makes one: PSFs, noise, effects."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.flags import Flag
from deepfield.nouns.psf import Psf
from deepfield.nouns.survey import Survey


@dataclass(frozen=True)
class Exposure:
    """Measured images of some objects.

    Args:
        values: [object, channel, y, x] nJy per pixel.
        variance: same shape, nJy^2; infinite where masked or missing.
        flags: [object] int64 bits of ``Flag``.
    """

    values: Tensor
    variance: Tensor
    flags: Tensor

    def take(self, rows: Tensor) -> "Exposure":
        """Some of the objects."""
        return Exposure(self.values[rows], self.variance[rows], self.flags[rows])

    def put(self, rows: Tensor, some: "Exposure") -> "Exposure":
        """These objects with those of ``rows`` exchanged for ``some``."""
        return Exposure(
            self.values.index_copy(0, rows, some.values),
            self.variance.index_copy(0, rows, some.variance),
            self.flags.index_copy(0, rows, some.flags),
        )

    def spoiled(self, values: Tensor, masked: Tensor, flag: Flag, hit: Tensor) -> "Exposure":
        """The same objects with other values, an infinite variance where masked, and a flag.

        Args:
            values: [object, channel, y, x] nJy.
            masked: same shape, bool.
            flag: for the objects that were hit.
            hit: [object] bool.

        Example:
            >>> sky, flags = torch.zeros(1, 1, 1, 2), torch.zeros(1, dtype=torch.int64)
            >>> bad = torch.tensor([[[[True, False]]]])
            >>> clean, hit = Exposure(sky, sky + 1, flags), torch.tensor([True])
            >>> seen = clean.spoiled(sky, bad, Flag.BAD_PIXELS, hit)
            >>> seen.variance.flatten().tolist(), Flag.describe(int(seen.flags[0]))
            ([inf, 1.0], 'bad_pixels')
        """
        return Exposure(
            values,
            self.variance.masked_fill(masked, torch.inf),
            self.flags | hit.to(self.flags) * int(flag),
        )


class PointSpread(Protocol):
    """The PSFs that objects are seen through: a function of (seed, split, index) alone."""

    def __call__(self, survey: Survey, indices: np.ndarray, *, seed: int, split: str) -> Psf:
        """One PSF that all objects share, or one for each."""
        ...


class Noise(Protocol):
    """What is measured of noiseless images where nothing goes wrong."""

    def __call__(
        self,
        images: Tensor,
        survey: Survey,
        indices: np.ndarray,
        *,
        seed: int,
        split: str,
        epoch: int,
    ) -> Exposure:
        """Values and variance; [object, channel, y, x] as the noiseless images, nJy."""
        ...


class Effect(Protocol):
    """What can go wrong in an exposure, recorded in its variance and flags."""

    def __call__(
        self, exposure: Exposure, survey: Survey, generators: Sequence[np.random.Generator]
    ) -> Exposure:
        """The exposure, spoiled; one generator an object, used for that object only."""
        ...
