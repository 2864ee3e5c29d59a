"""Simulated stars: spectra or bands of the toy grid of stars, as a source."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from deepfield.data.drawn import Drawn
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Split
from deepfield.render.draws import normals, uniforms
from deepfield.sky.cramer_rao import cramer_rao, jacobian
from deepfield.sky.instruments import Instrument, spectrograph
from deepfield.sky.priors import Range, check_range, log_flat
from deepfield.sky.stars import PARAMETERS, QUANTITIES, Stars

CHUNK = 128
SNR = Quantity("signal_to_noise", description="median, per resolution element or band")
BOUNDS = tuple(
    Quantity(f"cramer_rao_{q.name}", q.unit, description=f"smallest unbiased error of {q.name}")
    for q in QUANTITIES
)


@dataclass
class SimulatedStars(Drawn):
    """Stars through an instrument, each drawn from (seed, split, index) alone.

    The noise is white in photons, as that of sky or detector (in f_nu it grows with wavelength),
    and fresh every epoch. The truth also holds each star's Cramer-Rao
    bounds, for its own signal-to-noise ratio.

    Args:
        objects: how many in each split.
        seed: another seed is another population.
        stars: the population.
        instrument: what looks at them.
        signal_to_noise: median per resolution element, lowest and highest, log-uniform.
        split: the one that ``take`` draws from.

    Raises:
        ValueError: a prior that cannot be.

    Example:
        >>> batch = SimulatedStars({"train": 3}).take(torch.arange(3), 0)
        >>> batch.grid, batch.values.shape, len(batch.wavelength)
        (('wavelength',), torch.Size([3, 1, 188]), 188)
    """

    objects: Mapping[str, int]
    seed: int = 0
    stars: Stars = field(default_factory=Stars)
    instrument: Instrument = field(default_factory=spectrograph)
    signal_to_noise: Range = (5.0, 100.0)
    split: Split = "train"

    def __post_init__(self) -> None:
        check_range("signal_to_noise", self.signal_to_noise, at_least=1e-3)
        count = len(self)
        self._drawn = np.zeros(-(-count // CHUNK), bool)
        self._flux = torch.empty(count, len(self.instrument.wavelength))
        self._truth = {q: torch.empty(count) for q in (SNR, *QUANTITIES, *BOUNDS)}

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the bands, or ``flux``."""
        return self.instrument.channels

    @property
    def grid(self) -> tuple[str, ...]:
        """``("wavelength",)`` of spectra, ``()`` of bands."""
        return self.instrument.grid

    @property
    def truths(self) -> tuple[Quantity, ...]:
        """What the truth holds."""
        return tuple(self._truth)

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """These stars under this epoch's noise."""
        rows = self.rows(indices)
        numbers = rows.numpy()
        for chunk in np.unique(numbers // CHUNK):
            if not self._drawn[chunk]:
                self._draw(int(chunk))
        flux, truth = self._flux[rows], {q: v[rows] for q, v in self._truth.items()}
        sigma = self._sigma(flux, truth[SNR])
        noise = normals(self.seed, self.split, numbers, epoch, tuple(flux.shape[1:]))
        flux = flux + noise * sigma
        axes = (
            (-1, *self.instrument.response.shape[:1]) if not self.grid else (-1, 1, flux.shape[1])
        )
        return Batch(
            ids=self.ids[numbers],
            values=flux.reshape(axes),
            channels=self.channels,
            grid=self.grid,
            variance=sigma.square().reshape(axes),
            flags=torch.zeros(len(numbers), dtype=torch.int64),
            truth=Truth(truth),
            wavelength=self.instrument.wavelength if self.grid else None,
        )

    def _sigma(self, flux: Tensor, signal_to_noise: Tensor) -> Tensor:
        """[object, number]; an element's pixels together have the signal-to-noise ratio."""
        shape = self.instrument.wavelength
        over = (flux / shape).median(1).values
        return (over / signal_to_noise)[:, None] * shape * self.instrument.elements**0.5

    def _draw(self, chunk: int) -> None:
        indices = np.arange(chunk * CHUNK, min((chunk + 1) * CHUNK, len(self)))
        drawn = self.stars.draw(indices, seed=self.seed, split=self.split)
        seen, derivatives = jacobian(self.instrument, *(drawn[name] for name in PARAMETERS))
        flux = seen * drawn["flux"][:, None]
        u = uniforms(self.seed, f"{self.split} stars", indices, 1)[:, 0]
        snr = torch.as_tensor(log_flat(u, self.signal_to_noise), dtype=torch.float32)
        bounds = cramer_rao(seen, derivatives, self._sigma(seen, snr))
        rows = torch.from_numpy(indices)
        self._flux[rows] = flux
        self._truth[SNR][rows] = snr
        for i, (quantity, bound) in enumerate(zip(QUANTITIES, BOUNDS, strict=True)):
            self._truth[quantity][rows] = drawn[quantity.name]
            self._truth[bound][rows] = bounds[:, i]
        self._drawn[chunk] = True
