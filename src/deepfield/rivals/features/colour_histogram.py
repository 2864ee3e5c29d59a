"""Colour histograms: how many pixels are how bright, and of which colour."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.batch import Batch
from deepfield.rivals.features.picture import unmeasured_as_nan, varied
from deepfield.rivals.stamps import Stamps, prepare, smooth

BLUR = 1.0
"""px, before a pixel's colour is taken: a colour needs light"""
BRIGHTEST = 300.0
"""times the noise"""


@dataclass(frozen=True)
class ColourHistogram:
    """Histograms of brightness, and of colour where there is light to have one.

    Brightness is the summed image over its noise, in bins of its asinh, as shares of the stamp's
    pixels. The colours of neighbouring channels (AB magnitudes) are those of the pixels above
    ``threshold``, weighted by their light. They know nothing of where a pixel lies (Swain &
    Ballard 1991, IJCV 7, 11).

    Args:
        bins: of every histogram.
        colours: bluest and reddest, magnitudes; beyond them counts as the last bin.
        threshold: light over noise from which on a pixel has a colour.

    Raises:
        ValueError: fewer than two bins, or colours that don't ascend.

    Example:
        >>> batch = Batch(np.array(["a"]), torch.rand(1, 3, 32, 32), ("g", "r", "i"))
        >>> ColourHistogram(bins=8)(batch).shape  # brightness and two colours
        (1, 24)
    """

    bins: int = 12
    colours: tuple[float, float] = (-0.5, 1.75)
    threshold: float = 2.0

    def __post_init__(self) -> None:
        if self.bins < 2 or not self.colours[0] < self.colours[1]:
            raise ValueError(
                f"{self.bins} bins of colours {self.colours}; expected at least 2, and the bluest "
                "colour first"
            )

    def __call__(self, batch: Batch) -> np.ndarray:
        """[object, bins * channels]."""
        stamps = prepare(batch)
        measured = stamps.measured & varied(stamps.image)
        tables = [self._brightness(stamps)]
        blurred = torch.full((len(stamps),), BLUR)
        light = [smooth(channel, blurred) for channel in stamps.channels.unbind(1)]
        bright = smooth(stamps.image, blurred).clamp(min=0)
        bright = bright * (bright > self.threshold)
        low, high = self.colours
        for i, (blue, red) in enumerate(pairwise(light)):
            pair = (blue > 0) & (red > 0)
            pair &= stamps.sigma[:, i : i + 2].isfinite().all(1)[:, None, None]
            ratio = torch.where(pair, red / blue.clamp(min=1e-30), 1.0).clamp(1e-6, 1e6)
            colour = (2.5 * ratio.log10() - low) / (high - low)
            tables.append(_histogram(colour, torch.where(pair, bright, 0.0), self.bins))
        return unmeasured_as_nan(torch.cat(tables, 1).numpy(), measured.numpy())

    def _brightness(self, stamps: Stamps) -> Tensor:
        top = torch.asinh(torch.tensor(BRIGHTEST))
        level = torch.asinh(stamps.image.clamp(min=0)) / top
        return _histogram(level, stamps.valid.float(), self.bins)


def _histogram(value: Tensor, weight: Tensor, bins: int) -> Tensor:
    """[object, bin] shares of the weight in equal bins of 0 to 1; zeros without any weight."""
    number = (value * bins).long().clamp(0, bins - 1).flatten(1)
    counts = torch.zeros(len(value), bins).scatter_add_(1, number, weight.flatten(1))
    return counts / counts.sum(1, keepdim=True).clamp(min=1e-30)
