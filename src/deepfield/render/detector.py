"""The detector's faults: bad columns, hot pixels, and too much light."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.flags import Flag
from deepfield.nouns.survey import Survey
from deepfield.render.exposure import Exposure
from deepfield.render.noise import electrons_per_njy, sky_variance


@dataclass(frozen=True)
class BadColumns:
    """Dead columns: no light, an infinite variance.

    Args:
        rate: mean number in 100 columns of each band.

    Raises:
        ValueError: a negative rate.

    Example:
        >>> BadColumns(rate=0.2).rate
        0.2
    """

    rate: float = 1.0

    def __post_init__(self) -> None:
        _check_rate(self.rate)

    def __call__(
        self, exposure: Exposure, survey: Survey, generators: Sequence[np.random.Generator]
    ) -> Exposure:
        """The exposure with dead columns."""
        channels, _, width = exposure.values.shape[1:]
        # Each column fails alone.
        share = -math.expm1(-self.rate / 100)
        drawn = [torch.from_numpy(own.random((channels, 1, width)) < share) for own in generators]
        dead = torch.stack(drawn).expand_as(exposure.values)
        values = exposure.values.masked_fill(dead, 0)
        return exposure.spoiled(values, dead, Flag.BAD_PIXELS, dead.flatten(1).any(1))


@dataclass(frozen=True)
class HotPixels:
    """Single pixels with a charge of their own; those that are found have an infinite variance.

    Args:
        rate: mean number in 10,000 pixels of each band.
        brightness: faintest and brightest, sigma of a sky pixel, log-uniform.
        found: share that the pipeline masks.

    Raises:
        ValueError: a negative rate, a reversed range, a share that is none.

    Example:
        >>> HotPixels().brightness
        (5.0, 500.0)
    """

    rate: float = 2.0
    brightness: tuple[float, float] = (5.0, 500.0)
    found: float = 0.9

    def __post_init__(self) -> None:
        _check_rate(self.rate)
        low, high = self.brightness
        if not (0 < low <= high < math.inf and 0 <= self.found <= 1):
            raise ValueError(
                f"brightness {self.brightness}, found {self.found}; expected positive numbers, "
                "the smaller first, and a share from 0 to 1"
            )

    def __call__(
        self, exposure: Exposure, survey: Survey, generators: Sequence[np.random.Generator]
    ) -> Exposure:
        """The exposure with hot pixels."""
        values, masked = (
            exposure.values.clone(),
            torch.zeros_like(exposure.values, dtype=torch.bool),
        )
        hit = torch.zeros(len(values), dtype=torch.bool)
        channels, height, width = values.shape[1:]
        sigma = sky_variance(survey).sqrt().numpy()
        low, high = self.brightness
        for row, own in enumerate(generators):
            count = int(own.poisson(self.rate * channels * height * width / 1e4))
            channel, y, x = own.integers((channels, height, width), size=(count, 3)).T
            glow = sigma[channel] * low * (high / low) ** own.random(count)
            values[row].index_put_(
                tuple(torch.from_numpy(at) for at in (channel, y, x)),
                torch.from_numpy(glow).to(values),
                accumulate=True,
            )
            found = own.random(count) < self.found
            masked[row, channel[found], y[found], x[found]] = True
            hit[row] = count > 0
        return exposure.spoiled(values, masked, Flag.BAD_PIXELS, hit)


@dataclass(frozen=True)
class Saturation:
    """Pixels beyond the full well: what they cannot hold bleeds up and down their column.

    Args:
        level: electrons above the sky that a pixel holds over a band's whole exposure: the full
            well times the number of exposures.

    Raises:
        ValueError: a level that is not positive.

    Example:
        >>> Saturation(level=100_000.0).level
        100000.0
    """

    level: float

    def __post_init__(self) -> None:
        if not 0 < self.level < math.inf:
            raise ValueError(f"level is {self.level}; expected a positive number of electrons")

    def __call__(
        self, exposure: Exposure, survey: Survey, generators: Sequence[np.random.Generator]
    ) -> Exposure:
        """The exposure with its brightest pixels cut and their columns filled."""
        electrons = torch.tensor([electrons_per_njy(band) for band in survey.bands])
        level = (self.level / electrons)[:, None, None].to(exposure.values)
        excess = (exposure.values - level).clamp(min=0).sum(2)
        columns = excess.nonzero()
        full = torch.zeros_like(exposure.values, dtype=torch.bool)
        if not len(columns):
            return exposure
        row, channel, x = columns.T
        full[row, channel, :, x] = _bled(
            exposure.values[row, channel, :, x], level[channel, 0], excess[row, channel, x]
        )
        # Beyond the full pixels there is no light that the full ones could not hold.
        values = torch.where(full, level, exposure.values)
        return exposure.spoiled(values, full, Flag.SATURATED, full.flatten(1).any(1))


def _bled(column: Tensor, level: Tensor, excess: Tensor) -> Tensor:
    """[column, y] bool: full pixels, the nearest to the brightest first, until none is left over.

    Args:
        column: [column, y] light.
        level: [column, 1] what a pixel holds.
        excess: [column] what pixels could not hold.
    """
    rows = torch.arange(column.shape[1])
    distance = (rows - column.argmax(1, keepdim=True)).abs()
    order = distance.argsort(dim=1, stable=True)
    room = (level - column).clamp(min=0).gather(1, order)
    before = room.cumsum(1) - room
    filled = torch.zeros_like(column, dtype=torch.bool)
    return filled.scatter(1, order, before < excess[:, None]) | (column >= level)


def _check_rate(rate: float) -> None:
    if not 0 <= rate < math.inf:
        raise ValueError(f"rate is {rate}; expected a mean number from 0")
