"""Simulated photometry: the galaxies of the mock sky as a catalogue of fluxes, as a source."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from deepfield.data.drawn import Drawn
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.flags import Flag
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Split
from deepfield.nouns.survey import Survey
from deepfield.render.draws import normals, uniforms
from deepfield.render.noise import electrons_per_njy, sky_variance
from deepfield.sky.distant import Distant
from deepfield.sky.surveys import lsst

CHUNK = 1024
FLOOR = 0.005
"""relative error of the brightest: of the calibration"""


@dataclass
class SimulatedPhotometry(Drawn):
    """Total fluxes of galaxies, each from (seed, split, index) alone; fresh noise every epoch.

    Noise is that of the sky within the effective area of the galaxy as it is seen, of its own
    light, and of the calibration. Some bands of some galaxies are missing.

    Args:
        objects: how many in each split.
        seed: another seed is another sky.
        survey: bands and depth.
        sky: the galaxies.
        gaps: share of the bands that are missing.
        split: the one that ``take`` draws from.

    Raises:
        ValueError: a share that is none.

    Example:
        >>> batch = SimulatedPhotometry({"train": 3}).take(torch.arange(3), 0)
        >>> batch.channels, batch.values.shape
        (('u', 'g', 'r', 'i', 'z', 'y'), torch.Size([3, 6]))
    """

    objects: Mapping[str, int]
    seed: int = 0
    survey: Survey = field(default_factory=lsst)
    sky: Distant = field(default_factory=Distant)
    gaps: float = 0.02
    split: Split = "train"

    grid = ()

    def __post_init__(self) -> None:
        if not 0 <= self.gaps < 1:
            raise ValueError(f"gaps is {self.gaps}; expected a share of the bands, 0 to below 1")
        self.channels = self.survey.channels

    @property
    def truths(self) -> tuple[Quantity, ...]:
        """What the truth holds."""
        return self.sky.quantities

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """These galaxies under this epoch's noise."""
        rows = self.rows(indices)
        flux, sigma, there, truth = self._drawn
        numbers = rows.numpy()
        noise = normals(self.seed, self.split, numbers, epoch, (len(self.channels),))
        seen = there[rows]
        flags = torch.where(seen.all(1), 0, int(Flag.MISSING_PIXELS))
        flags = flags | torch.where(seen.any(1), 0, int(Flag.NO_PIXELS))
        return Batch(
            ids=self.ids[numbers],
            values=(flux[rows] + noise * sigma[rows]) * seen,
            channels=self.channels,
            grid=self.grid,
            variance=sigma[rows].square().masked_fill(~seen, torch.inf),
            survey=self.survey,
            flags=flags,
            truth=truth.take(rows),
        )

    @cached_property
    def _drawn(self) -> tuple[Tensor, Tensor, Tensor, Truth]:
        """Noiseless fluxes, their errors, which bands there are, and the truth, of all objects."""
        parts = [
            self._chunk(np.arange(first, min(first + CHUNK, len(self))))
            for first in range(0, len(self), CHUNK)
        ]
        truth = {
            q: torch.cat([known[q.name] for _, _, known in parts]) for q in self.sky.quantities
        }
        seen = uniforms(self.seed, f"{self.split} gaps", range(len(self)), len(self.channels))
        flux = torch.cat([flux for flux, _, _ in parts])
        sigma = torch.cat([sigma for _, sigma, _ in parts])
        return flux, sigma, torch.from_numpy(seen >= self.gaps), Truth(truth)

    def _chunk(self, indices: np.ndarray) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        galaxies, known = self.sky.profiles(indices, self.survey, seed=self.seed, split=self.split)
        flux = galaxies.flux.sum(1)
        share = known["bulge_to_total"]
        radius = share * known["radius_bulge"] + (1 - share) * known["radius_disc"]
        bands = self.survey.bands
        seeing = flux.new_tensor([band.psf_fwhm for band in bands]) / math.sqrt(8 * math.log(2))
        # A Gaussian of this half-light radius; its effective area is 4 pi sigma^2.
        spread = radius.square()[:, None] / (2 * math.log(2)) + seeing.square()
        pixels = 4 * math.pi * spread / self.survey.pixel_scale**2
        electrons = flux.new_tensor([electrons_per_njy(band) for band in bands])
        variance = sky_variance(self.survey) * pixels + flux / electrons
        sigma = (variance + (FLOOR * flux).square()).sqrt()
        missing = {q.name: torch.full_like(radius, torch.nan) for q in self.sky.quantities}
        return flux, sigma, {**missing, **known}
