"""Neighbours: any sky with the stars and galaxies that happen to lie around its objects."""

import math
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from deepfield.nouns.batch import Truth
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.sky import Light, Sky
from deepfield.nouns.survey import Survey
from deepfield.sky.counts import Counts

NUMBER = Quantity("neighbours", description="stars and galaxies with their centre in the stamp")
LIGHT = Quantity("neighbour", "nJy", "map", description="light of all neighbours, middle band")


@dataclass(frozen=True)
class Neighbours:
    """A sky whose objects are not alone; their truth stays as it is.

    Args:
        sky: the objects.
        counts: density, magnitudes, sizes and colours of what is around them.
        closest: PSF FWHM from the stamp's centre within which no neighbour has its own.

    Raises:
        ValueError: a negative distance, or a sky that already has neighbours.

    Example:
        >>> from deepfield.render.psf import survey_psf
        >>> from deepfield.sky.bulge_disc import BulgeDisc
        >>> from deepfield.sky.surveys import sdss
        >>> light = Neighbours(BulgeDisc(), Counts(density=100.0)).draw(
        ...     np.arange(4), sdss(), seed=0, split="train", size=48, psf=survey_psf(sdss())
        ... )
        >>> bool(light.truth["neighbours"].sum() > 0)
        True
    """

    sky: Sky
    counts: Counts = field(default_factory=Counts)
    closest: float = 2.0

    def __post_init__(self) -> None:
        if not 0 <= self.closest < math.inf:
            raise ValueError(f"closest {self.closest}; expected PSF widths, at least 0")
        if NUMBER.name in [quantity.name for quantity in self.sky.quantities]:
            raise ValueError(
                f"{type(self.sky).__name__} has neighbours of its own; set its counts instead"
            )

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Those of the sky, and the number of neighbours."""
        return (*self.sky.quantities, NUMBER)

    @property
    def maps(self) -> tuple[Quantity, ...]:
        """Those of the sky, and the neighbours' light."""
        return (*self.sky.maps, LIGHT)

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
        """The objects of these indices and what is around them: see ``Sky.draw``."""
        light = self.sky.draw(
            indices,
            survey,
            seed=seed,
            split=split,
            size=size,
            psf=psf,
            maps=tuple(name for name in maps if name != LIGHT.name),
        )
        fwhm = survey.bands[len(survey.bands) // 2].psf_fwhm / survey.pixel_scale
        around = self.counts.draw(
            indices,
            survey,
            seed=seed,
            split=split,
            size=size,
            closest=torch.full((len(indices),), self.closest * fwhm),
        )
        shining = around.light(len(indices), survey, psf=psf, size=size)
        truth = dict(light.truth.items_by_quantity())
        truth[NUMBER] = around.number(len(indices), size)
        if LIGHT.name in maps:
            truth[LIGHT] = shining[:, len(survey.bands) // 2]
        return replace(light, image=light.image + shining, truth=Truth(truth))
