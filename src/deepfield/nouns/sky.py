"""Sky and Light: what is out there, drawn object by object, before a telescope adds noise."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor

from deepfield.nouns.batch import Truth
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.survey import Survey


@dataclass(frozen=True)
class Light:
    """Noiseless images of some objects, and what is known of them.

    Args:
        image: [object, channel, y, x] nJy per pixel, through the PSF, with all that shines.
        truth: the sky's ``quantities``, and those of its ``maps`` that were asked for.
        flags: [object] int64 bits of ``Flag``, if there is anything to say.
    """

    image: Tensor
    truth: Truth
    flags: Tensor | None = None


class Sky(Protocol):
    """A population of objects with priors, and how it shines in any survey."""

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What the truth always holds, a number or a class for each object."""
        ...

    @property
    def maps(self) -> tuple[Quantity, ...]:
        """What the truth holds if asked, an image for each object."""
        ...

    def draw(
        self,
        indices: np.ndarray,
        survey: Survey,
        *,
        seed: int,
        split: str,
        size: int,
        psf: Psf,
        maps: tuple[str, ...] = (),
    ) -> Light:
        """The objects of these indices: each from (seed, split, index) alone.

        Args:
            indices: [object] int, from 0.
            survey: bands, pixel scale, depth.
            seed, split: another of either is another sky.
            size: side of the stamps, px; (size - 1) / 2 is their centre.
            psf: shared, or one for each object.
            maps: names of ``maps`` to add to the truth.
        """
        ...
