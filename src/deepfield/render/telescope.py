"""Telescope: what turns light into measured pixels."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.flags import Flag
from deepfield.nouns.psf import Psf
from deepfield.nouns.survey import Survey
from deepfield.render import draws
from deepfield.render.exposure import Effect, Exposure, Noise, PointSpread
from deepfield.render.noise import observe
from deepfield.render.psf import survey_psf


@dataclass(frozen=True)
class SurveyPsf:
    """One Moffat PSF a band, with the survey's widths, for all objects."""

    def __call__(self, survey: Survey, indices: np.ndarray, *, seed: int, split: str) -> Psf:
        """The PSF: [1, channel, y, x]."""
        return survey_psf(survey)


@dataclass(frozen=True)
class SkyNoise:
    """Noise of sky and object, Poisson in its Gaussian approximation, independent pixels."""

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
        """The images under this epoch's noise."""
        noise = draws.normals(seed, split, indices, epoch, tuple(images.shape[1:]))
        values, variance = observe(images, survey, noise)
        return Exposure(
            values, variance, torch.zeros(len(images), dtype=torch.int64, device=images.device)
        )


@dataclass(frozen=True)
class Telescope:
    """How a survey sees: its PSF, its noise, and what goes wrong, in this order.

    Args:
        psf: of every object.
        noise: measured values and variance of a noiseless image.
        effects: each spoils the exposure that the one before it left.

    Example:
        >>> from deepfield.nouns.survey import Band
        >>> r = Band("r", 616.0, 26.0, 53.9, 20.86, 1.2, 1.0, "made up")
        >>> survey, sky = Survey("one band", (r,), 0.4), torch.zeros(2, 1, 8, 8)
        >>> seen = Telescope().observe(sky, survey, np.arange(2), seed=0, split="train", epoch=0)
        >>> seen.values.shape, seen.flags.tolist()
        (torch.Size([2, 1, 8, 8]), [0, 0])
    """

    psf: PointSpread = field(default_factory=SurveyPsf)
    noise: Noise = field(default_factory=SkyNoise)
    effects: tuple[Effect, ...] = ()

    def psf_of(self, survey: Survey, indices: np.ndarray, *, seed: int, split: str) -> Psf:
        """PSFs of some objects, the same in every epoch.

        Args:
            survey: bands and pixel scale.
            indices: [object] int.
            seed, split: as in :func:`deepfield.render.draws.generator`.

        Returns:
            one that all objects share, or one for each.

        Raises:
            ValueError: a PSF with other channels than the survey.
        """
        psf = self.psf(survey, indices, seed=seed, split=split)
        if psf.kernel.shape[1] != len(survey.bands):
            raise ValueError(
                f"the PSF has {psf.kernel.shape[1]} channels; expected one for each band of "
                f"{survey.name}: {', '.join(survey.channels)}"
            )
        return psf

    def observe(
        self,
        images: Tensor,
        survey: Survey,
        indices: np.ndarray,
        *,
        seed: int,
        split: str,
        epoch: int,
    ) -> Exposure:
        """Noiseless images as this telescope measures them.

        Args:
            images: [object, channel, y, x] nJy per pixel, through the PSF, sky-subtracted.
            survey: one band per channel.
            indices: [object] int.
            seed, split: as in :func:`deepfield.render.draws.generator`.
            epoch: every epoch sees fresh noise and fresh effects.

        Returns:
            values and variance of the images' shape; masked pixels have an infinite variance.

        Raises:
            ValueError: the images have other channels than the survey.
        """
        exposure = self.noise(images, survey, indices, seed=seed, split=split, epoch=epoch)
        for number, effect in enumerate(self.effects):
            stream = draws.EFFECTS + 256 * epoch + number
            own = [draws.generator(seed, split, int(index), stream) for index in indices]
            exposure = effect(exposure, survey, own)
        gone = exposure.variance.isinf().flatten(1)
        flags = gone.any(1) * int(Flag.MISSING_PIXELS) | gone.all(1) * int(Flag.NO_PIXELS)
        return Exposure(exposure.values, exposure.variance, exposure.flags | flags)

    def check(self, survey: Survey, size: int) -> Self:
        """This telescope, if it can look at stamps of this survey and size.

        Args:
            survey: bands and pixel scale.
            size: side of the stamps, px.

        Raises:
            ValueError: a PSF wider than the stamp in every direction or with other channels
                than the survey, or noise and effects that do not fit the stamps.

        Example:
            >>> from deepfield.nouns.survey import Band
            >>> r = Band("r", 616.0, 26.0, 53.9, 20.86, 1.2, 1.0, "made up")
            >>> Telescope().check(Survey("one band", (r,), 0.4), 8)
            Traceback (most recent call last):
            ...
            ValueError: the PSF reaches 12 px from its centre; expected at most 7 in stamps of ...
        """
        first = np.zeros(1, dtype=np.int64)
        psf = self.psf_of(survey, first, seed=0, split="train")
        # Light from anywhere in the stamp to anywhere in it has size - 1 pixels to go.
        reach = max(psf.kernel.shape[-2:]) // 2 / psf.oversampling
        if reach > size - 1:
            raise ValueError(
                f"the PSF reaches {reach:g} px from its centre; expected at most {size - 1} in "
                f"stamps of {size} px: cut its wings or draw larger stamps"
            )
        nothing = torch.zeros(1, len(survey.bands), size, size)
        self.observe(nothing, survey, first, seed=0, split="train", epoch=0)
        return self
