"""Redshifts: how many galaxies of a flux-limited survey are how far away."""

from dataclasses import dataclass
from functools import cache

import numpy as np

POINTS = 4001


@dataclass(frozen=True)
class Smail:
    """n(z) in proportion to z^alpha exp(-(z / scale)^beta) (Smail, Ellis & Fitchett 1994).

    Args:
        scale: z0; the median is near 1.4 times it, but for the limits.
        alpha, beta: shape.
        lowest, highest: redshifts beyond which there are none.

    Raises:
        ValueError: a shape or limits that cannot be.

    Example:
        >>> Smail(0.5).draw(np.array([0.0, 0.5, 0.999])).round(2).tolist()
        [0.02, 0.69, 1.49]
    """

    scale: float = 0.5
    alpha: float = 2.0
    beta: float = 1.5
    lowest: float = 0.02
    highest: float = 1.5

    def __post_init__(self) -> None:
        if not 0 < self.lowest < self.highest < 6:
            raise ValueError(
                f"redshifts from {self.lowest} to {self.highest}; expected "
                "0 < lowest < highest < 6"
            )
        if not (self.scale > 0 and self.alpha >= 0 and self.beta > 0):
            raise ValueError(
                f"scale {self.scale}, alpha {self.alpha}, beta {self.beta}; expected scale and "
                "beta above 0 and alpha at least 0"
            )

    def cumulative(self, redshift: np.ndarray) -> np.ndarray:
        """Share of galaxies that are nearer: [object] of [object]."""
        return np.interp(redshift, *_table(self))

    def draw(self, uniform: np.ndarray) -> np.ndarray:
        """Redshifts for uniform numbers in [0, 1): [object] of [object]."""
        z, below = _table(self)
        return np.interp(uniform, below, z)


@cache
def _table(prior: Smail) -> tuple[np.ndarray, np.ndarray]:
    """Redshifts, and the share of galaxies below each."""
    z = np.linspace(prior.lowest, prior.highest, POINTS)
    density = z**prior.alpha * np.exp(-((z / prior.scale) ** prior.beta))
    below = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return z, below / below[-1]
