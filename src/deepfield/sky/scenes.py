"""Scenes: many galaxies and stars in one image, and everything known of each."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.batch import Truth
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.sky import Light
from deepfield.nouns.survey import Survey
from deepfield.render.canvas import Placed
from deepfield.render.draws import generator
from deepfield.render.field_psf import FieldPsf
from deepfield.render.noise import sky_variance
from deepfield.sky.crowds import ISOLATED, SEGMENTATION, SOURCE, Crowd, padded
from deepfield.sky.field_sources import FieldSources
from deepfield.sky.positions import Positions
from deepfield.sky.profiles import ProfileSky

FAINT = 0.1
"""light per pixel, in sigmas of the sky, below which a source may be cut off"""


@dataclass(frozen=True)
class Scenes:
    """Images full of sources: where they are, what they are, and how they overlap.

    Truth has a column for every source, [object, source], NaN (-1 for a class) behind the last:
    those of the population and x, y, signal_to_noise, blendedness and a box.

    Args:
        population: galaxies and stars.
        positions: density and clustering.
        psf: one that varies over the image; None = the one that is handed in, everywhere.

    Example:
        >>> from deepfield.render.psf import survey_psf
        >>> from deepfield.sky.surveys import hsc
        >>> light = Scenes().draw(
        ...     np.arange(1), hsc(), seed=0, split="train", size=128, psf=survey_psf(hsc())
        ... )
        >>> light.image.shape, bool(light.truth["x"].isfinite().sum() == light.truth["sources"])
        (torch.Size([1, 5, 128, 128]), True)
    """

    population: ProfileSky = field(default_factory=FieldSources)
    positions: Positions = field(default_factory=Positions)
    psf: FieldPsf | None = None

    maps = (SEGMENTATION, ISOLATED)

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The number of sources, and what is known of each."""
        own = {quantity.name for quantity in SOURCE}
        of_population = [q for q in self.population.quantities if q.name not in own]
        return (Quantity("sources", description="in the image"), *SOURCE, *of_population)

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
        """The images of these indices: see ``Sky.draw``."""
        sky, most = sky_variance(survey), self.positions.most(size * survey.pixel_scale)
        wanted = [*self.quantities, *(q for q in self.maps if q.name in maps)]
        images, columns = [], []
        for row, index in enumerate(indices):
            placed, truth = self.place(
                int(index),
                survey,
                seed=seed,
                split=split,
                size=size,
                psf=psf.take(torch.tensor([row])),
            )
            crowd = Crowd(placed, size, sky)
            values = {n: padded(v, most) for n, v in (truth | crowd.known()).items()}
            values["sources"] = torch.tensor(float(len(placed)))
            if SEGMENTATION in wanted:
                values[SEGMENTATION.name] = crowd.segmentation()
            if ISOLATED in wanted:
                values[ISOLATED.name] = crowd.isolated(most)
            images.append(crowd.image)
            columns.append(values)
        known = {q: torch.stack([values[q.name] for values in columns]) for q in wanted}
        return Light(torch.stack(images), Truth(known))

    def place(
        self, index: int, survey: Survey, *, seed: int, split: str, size: int, psf: Psf
    ) -> tuple[Placed, dict[str, Tensor]]:
        """The sources of one image, ready to be painted whole or one by one, and their truth.

        Args:
            index, survey, seed, split, size, psf: as in ``Sky.draw``, of a single image.
        """
        rng = generator(seed, f"{split} positions", index)
        arcsec = self.positions.draw(rng, size * survey.pixel_scale)
        # The sources of an image are numbered after those that all images before it may have.
        first = index * self.positions.most(size * survey.pixel_scale)
        sources, truth = self.population.profiles(
            np.arange(first, first + len(arcsec)), survey, seed=seed, split=f"{split} sources"
        )
        at = torch.as_tensor(arcsec / survey.pixel_scale, dtype=torch.float32)
        if self.psf is not None and len(arcsec):
            still = torch.zeros(len(at), 1, 2)
            psf = self.psf.at(survey, 2 * at / size, seeing=torch.ones(len(at), 1), shear=still)
        centre = (size - 1) / 2
        faint = FAINT * float(sky_variance(survey).sqrt().min())
        shape = vars(sources) | {"x": at[:, 0] + centre, "y": at[:, 1] + centre}
        return Placed(**shape, psf=psf, faint=faint), truth
