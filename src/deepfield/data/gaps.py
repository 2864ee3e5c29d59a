"""Gaps: spectra lose pixels, and ends, as real ones do; an augmentation."""

from dataclasses import dataclass, replace

import torch

from deepfield.nouns.batch import Batch

LONGEST = 0.1
"""share of the spectrum that a gap takes at most"""
SHORTEST = 0.5
"""share of the spectrum that is left at least when an end is cut off"""


@dataclass(frozen=True)
class Gaps:
    """Masks (infinite variance) a stretch of some spectra, and cuts an end off some.

    Args:
        share: of the spectra that lose a stretch, and of those that lose an end.

    Raises:
        ValueError: no share.

    Example:
        >>> import numpy as np
        >>> flux = torch.ones(4, 1, 100)
        >>> batch = Batch(np.array(list("abcd")), flux, ("flux",), ("wavelength",), flux)
        >>> seen = Gaps(1.0)(batch, torch.Generator().manual_seed(0))
        >>> bool(seen.variance.isinf().any(2).all())
        True
    """

    share: float = 0.3

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share is {self.share}; expected a number from 0 to 1")

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The batch with its gaps."""
        if batch.variance is None or batch.grid != ("wavelength",):
            raise ValueError(f"grid {batch.grid}; expected spectra with a variance")
        objects, points = len(batch), batch.values.shape[2]
        u = torch.rand(objects, 6, generator=generator)
        place = (torch.arange(points) + 0.5) / points
        middle, half = u[:, 1:2], LONGEST / 2 * u[:, 2:3]
        gap = (u[:, :1] < self.share) & ((place - middle).abs() < half + 1 / points)
        lost = (1 - SHORTEST) * u[:, 4:5]
        end = torch.where(u[:, 5:] < 0.5, place < lost, place > 1 - lost)
        bad = gap | ((u[:, 3:4] < self.share) & end)
        variance = batch.variance.expand_as(batch.values)
        return replace(
            batch, variance=variance.masked_fill(bad[:, None].to(variance.device), torch.inf)
        )
