"""Simulated spectra: the galaxies of the mock sky through a spectrograph, as a source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from deepfield.data.drawn import Drawn
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Split
from deepfield.nouns.survey import Survey
from deepfield.render.draws import normals, uniforms
from deepfield.sky.distant import Distant
from deepfield.sky.priors import Range, check_range, log_flat
from deepfield.sky.surveys import sdss

CHUNK = 256
KEPT = 256
"""chunks of noiseless spectra that are kept, 0.7 GB; the oldest go first"""
SNR = Quantity("signal_to_noise", description="median, per pixel of the spectrum")


class Spectral(Protocol):
    """A sky whose galaxies have spectra: ``sky.distant.Distant``."""

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What the truth holds, a number for each galaxy."""
        ...

    def profiles(
        self, indices: np.ndarray, survey: Survey, *, seed: int, split: str
    ) -> tuple[object, dict[str, Tensor]]:
        """The galaxies of these indices, and their ``quantities`` by name."""
        ...

    def spectra(
        self, indices: np.ndarray, survey: Survey, *, seed: int, split: str
    ) -> tuple[Tensor, Tensor]:
        """Wavelength [wavelength] nm, and f_nu [object, wavelength] nJy, of the same galaxies."""
        ...


@dataclass
class SimulatedSpectra(Drawn):
    """Spectra of galaxies, each drawn from (seed, split, index) alone; fresh noise every epoch.

    Args:
        objects: how many in each split.
        seed: another seed is another sky.
        survey: where the galaxies were found: its magnitude limit chooses them.
        sky: the galaxies.
        signal_to_noise: median per pixel, lowest and highest, log-uniform. The noise is white,
            in f_nu.
        split: the one that ``take`` draws from.

    Raises:
        ValueError: a prior that cannot be.

    Example:
        >>> batch = SimulatedSpectra({"train": 3}).take(torch.arange(3), 0)
        >>> batch.grid, batch.values.shape[:2]
        (('wavelength',), torch.Size([3, 1]))
    """

    objects: Mapping[str, int]
    seed: int = 0
    survey: Survey = field(default_factory=sdss)
    sky: Spectral = field(default_factory=Distant)
    signal_to_noise: Range = (3.0, 50.0)
    split: Split = "train"

    channels = ("flux",)
    grid = ("wavelength",)

    def __post_init__(self) -> None:
        check_range("signal_to_noise", self.signal_to_noise, at_least=1e-3)
        self._known: dict[int, tuple[Tensor, Truth]] = {}

    @cached_property
    def wavelength(self) -> Tensor:
        """Observed wavelength of every pixel, nm."""
        first = np.arange(1)
        return self.sky.spectra(first, self.survey, seed=self.seed, split=self.split)[0]

    @property
    def truths(self) -> tuple[Quantity, ...]:
        """What the truth holds."""
        return (SNR, *self.sky.quantities)

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """These galaxies under this epoch's noise."""
        numbers = self.rows(indices).numpy()
        drawn = [self._chunk(int(number)) for number in numbers // CHUNK]
        rows = (numbers % CHUNK).tolist()
        flux = torch.stack([spectra[row] for (spectra, _), row in zip(drawn, rows, strict=True)])
        truth = {
            q: torch.stack([t[q.name][row] for (_, t), row in zip(drawn, rows, strict=True)])
            for q in (SNR, *self.sky.quantities)
        }
        sigma = flux.median(1).values / truth[SNR]
        noise = normals(self.seed, self.split, numbers, epoch, tuple(flux.shape[1:]))
        variance = sigma.square()[:, None].expand_as(flux)
        return Batch(
            ids=self.ids[numbers],
            values=(flux + noise * sigma[:, None])[:, None],
            channels=self.channels,
            grid=self.grid,
            variance=variance[:, None].contiguous(),
            survey=self.survey,
            flags=torch.zeros(len(numbers), dtype=torch.int64),
            truth=Truth(truth),
            wavelength=self.wavelength,
        )

    def _chunk(self, number: int) -> tuple[Tensor, Truth]:
        if number not in self._known:
            first = number * CHUNK
            indices = np.arange(first, min(first + CHUNK, len(self)))
            seed, split, survey = self.seed, self.split, self.survey
            _, flux = self.sky.spectra(indices, survey, seed=seed, split=split)
            _, known = self.sky.profiles(indices, survey, seed=seed, split=split)
            u = uniforms(seed, f"{split} spectra", indices, 1)[:, 0]
            snr = torch.as_tensor(log_flat(u, self.signal_to_noise), dtype=torch.float32)
            values = {
                q: known.get(q.name, torch.full_like(snr, torch.nan)) for q in self.sky.quantities
            }
            if len(self._known) >= KEPT:
                del self._known[next(iter(self._known))]
            self._known[number] = flux.float(), Truth({SNR: snr, **values})
        return self._known[number]
