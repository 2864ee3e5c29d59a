"""Simulated galaxies: the mock sky as a source."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Split
from deepfield.nouns.survey import Survey
from deepfield.render.draws import normals
from deepfield.render.noise import observe, sky_variance
from deepfield.render.psf import survey_psf
from deepfield.sky.galaxies import shine
from deepfield.sky.population import KIND, Population

RENDER_CHUNK = 128
VISIBLE = Quantity(
    "visible",
    description="1 where the feature's matched-filter S/N is >= 8 and its size >= 1 PSF FWHM",
)
QUANTITIES = (
    KIND,
    VISIBLE,
    Quantity("feature_signal_to_noise", description="matched filter, all bands, from truth"),
    Quantity("feature_size", "arcsec", "invariant", description="scale to be resolved"),
    Quantity("signal_to_noise", description="of half the light, in the half-light ellipse"),
    Quantity("magnitude", "mag(AB)", "invariant", description="total, in the middle band"),
    Quantity("radius", "arcsec", "invariant", description="major-axis half-light radius"),
)
# Magnitude and size are there to sort scores by, not to be learnt: augmentation may zoom past
# them, so their kind here is invariant.


@dataclass
class Simulated:
    """Galaxies of the mock sky in one survey, each drawn from (seed, split, index) alone.

    Every epoch sees the same galaxies under fresh noise. Noiseless images are rendered when first
    asked for and kept, as half-precision multiples of the sky's sigma.

    Args:
        survey: bands, pixel scale, PSF and depth.
        objects: how many in each split.
        seed: another seed is another sky.
        size: side of the stamps, px.
        population: priors.
        split: the one that ``take`` draws from.

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
    population: Population = field(default_factory=Population)
    split: Split = "train"

    def __post_init__(self) -> None:
        self.channels = self.survey.channels
        self.grid = ("y", "x")
        count = self.objects.get(self.split, 0)
        self.ids = np.array([f"{self.split}-{self.seed}-{i}" for i in range(count)])
        self._psf = survey_psf(self.survey)
        self._sigma = sky_variance(self.survey).sqrt()[:, None, None]
        chunks = -(-count // RENDER_CHUNK)
        self._rendered: list[tuple[Tensor, Truth] | None] = [None] * chunks
        self._parts: dict[Split, Simulated] = {self.split: self}

    def __len__(self) -> int:
        return len(self.ids)

    def quantity(self, name: str) -> Quantity:
        """What the truth of this name means."""
        by_name = {quantity.name: quantity for quantity in QUANTITIES}
        if name not in by_name:
            raise ValueError(f"the mock sky has no truth {name!r}; it has {', '.join(by_name)}")
        return by_name[name]

    def part(self, split: Split) -> "Simulated":
        """The galaxies of another split; rendered once and kept."""
        if split not in self._parts:
            self._parts[split] = Simulated(
                self.survey, self.objects, self.seed, self.size, self.population, split
            )
        return self._parts[split]

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """These galaxies under this epoch's noise."""
        indices = torch.as_tensor(indices)
        if len(indices) and int(indices.max()) >= len(self):
            raise ValueError(
                f"index {int(indices.max())} of {len(self)} {self.split} galaxies; "
                f"give objects={{{self.split!r}: more}}"
            )
        noiseless, truth = self._noiseless(indices)
        shape = (len(self.channels), self.size, self.size)
        noise = normals(self.seed, self.split, indices.numpy(), epoch, shape)
        values, variance = observe(noiseless, self.survey, noise)
        return Batch(
            ids=self.ids[indices.numpy()],
            values=values,
            channels=self.channels,
            grid=self.grid,
            variance=variance,
            psf=self._psf,
            survey=self.survey,
            flags=torch.zeros(len(indices), dtype=torch.int64),
            truth=truth,
        )

    def _noiseless(self, indices: Tensor) -> tuple[Tensor, Truth]:
        chunk, row = indices // RENDER_CHUNK, indices % RENDER_CHUNK
        images = torch.empty(len(indices), len(self.channels), self.size, self.size)
        values: dict[Quantity, Tensor] = {}
        for number in chunk.unique().tolist():
            at = (chunk == number).nonzero()[:, 0]
            kept, truth = self._render(number)
            images[at] = kept[row[at]].float() * self._sigma
            for quantity, value in truth.items_by_quantity():
                if quantity not in values:
                    values[quantity] = torch.empty(len(indices), dtype=value.dtype)
                values[quantity][at] = value[row[at]]
        return images, Truth(values)

    def _render(self, number: int) -> tuple[Tensor, Truth]:
        """Chunk ``number`` of the galaxies: always whole, so that no result depends on batches."""
        kept = self._rendered[number]
        if kept is None:
            first = number * RENDER_CHUNK
            indices = np.arange(first, min(first + RENDER_CHUNK, len(self)))
            galaxies = self.population.draw(
                indices, self.survey, seed=self.seed, split=self.split, size=self.size
            )
            light = shine(galaxies, self.survey, size=self.size)
            snr, extent = light.feature_signal_to_noise, light.feature_size
            middle = self.survey.bands[len(self.survey.bands) // 2]
            scale = self.survey.pixel_scale
            visible = (snr >= 8) & (extent * scale >= middle.psf_fwhm)
            values = (
                galaxies.kind,
                visible.float(),
                snr,
                extent * scale,
                galaxies.signal_to_noise,
                31.4 - 2.5 * torch.log10(galaxies.flux),
                galaxies.radius * scale,
            )
            kept = (
                (light.image / self._sigma).half(),
                Truth(dict(zip(QUANTITIES, values, strict=True))),
            )
            self._rendered[number] = kept
        return kept
