"""Coverage: bands and parts of the sky that the survey did not see, and skies seen wrongly."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from deepfield.nouns.flags import Flag
from deepfield.nouns.survey import Survey
from deepfield.render.exposure import Exposure
from deepfield.render.noise import sky_variance


@dataclass(frozen=True)
class MissingBand:
    """One band, each as likely as the others, was not observed.

    Example:
        >>> MissingBand()
        MissingBand()
    """

    def __call__(
        self, exposure: Exposure, survey: Survey, generators: Sequence[np.random.Generator]
    ) -> Exposure:
        """The exposure without one band of every object.

        Raises:
            ValueError: the survey has a single band.
        """
        channels = exposure.values.shape[1]
        if channels < 2:
            raise ValueError(
                f"{survey.name} has the single band {', '.join(survey.channels)}; expected two or "
                "more where one can be missing: leave this effect out"
            )
        lost = torch.tensor([int(own.integers(channels)) for own in generators])
        gone = (torch.arange(channels) == lost[:, None])[:, :, None, None]
        gone = gone.expand_as(exposure.values)
        hit = torch.ones(len(lost), dtype=torch.bool)
        return exposure.spoiled(
            exposure.values.masked_fill(gone, 0), gone, Flag.MISSING_PIXELS, hit
        )


@dataclass(frozen=True)
class CoverageEdge:
    """A straight edge of the survey's coverage, in all bands; the stamp's centre is covered.

    Args:
        nearest: least distance of the edge from the centre, as a share of half the stamp.

    Raises:
        ValueError: a share outside 0 to 1.

    Example:
        >>> CoverageEdge(nearest=0.3).nearest
        0.3
    """

    nearest: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.nearest <= 1:
            raise ValueError(f"nearest is {self.nearest}; expected a share from 0 to 1")

    def __call__(
        self, exposure: Exposure, survey: Survey, generators: Sequence[np.random.Generator]
    ) -> Exposure:
        """The exposure with nothing beyond an edge."""
        height, width = exposure.values.shape[-2:]
        drawn = torch.from_numpy(np.array([own.random(2) for own in generators])).float()
        angle = (2 * math.pi * drawn[:, 0])[:, None, None]
        half = (min(height, width) - 1) / 2
        distance = half * (self.nearest + (1 - self.nearest) * drawn[:, 1])
        y = torch.arange(height)[:, None] - (height - 1) / 2
        x = torch.arange(width) - (width - 1) / 2
        beyond = x * angle.cos() + y * angle.sin() > distance[:, None, None]
        gone = beyond[:, None].expand_as(exposure.values)
        values = exposure.values.masked_fill(gone, 0)
        return exposure.spoiled(values, gone, Flag.EDGE, beyond.flatten(1).any(1))


@dataclass(frozen=True)
class StrayLight:
    """An offset and a gradient that the sky subtraction left behind, each band its own.

    Its square in the mean of all skies is added to the variance, so that a value's distance from
    the truth stays what its variance says.

    Args:
        offset: scatter of the offset, sigma of a sky pixel.
        gradient: scatter of the rise from the centre to the edge along each axis, same unit.

    Raises:
        ValueError: a negative scatter.

    Example:
        >>> StrayLight(offset=0.1, gradient=0.5).gradient
        0.5
    """

    offset: float = 0.2
    gradient: float = 0.3

    def __post_init__(self) -> None:
        if not (0 <= self.offset < math.inf and 0 <= self.gradient < math.inf):
            raise ValueError(
                f"offset {self.offset}, gradient {self.gradient}; expected scatters from 0"
            )

    def __call__(
        self, exposure: Exposure, survey: Survey, generators: Sequence[np.random.Generator]
    ) -> Exposure:
        """The exposure on a tilted sky."""
        channels, height, width = exposure.values.shape[1:]
        drawn = np.array([own.standard_normal((channels, 3)) for own in generators])
        normal = torch.from_numpy(drawn).float()[..., None, None]
        y, x = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)
        plane = self.offset * normal[:, :, 0] + self.gradient * (
            normal[:, :, 1] * y + normal[:, :, 2] * x
        )
        square = self.offset**2 + self.gradient**2 * (y**2 + x**2)
        sky = sky_variance(survey)[:, None, None]
        return Exposure(
            exposure.values + plane * sky.sqrt(),
            exposure.variance + square * sky,
            exposure.flags | int(Flag.STRAY_LIGHT),
        )
