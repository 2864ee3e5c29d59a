"""Luminosity: how many galaxies of which absolute magnitude, down to a limit."""

from dataclasses import dataclass
from functools import cache

import numpy as np

BRIGHTEST = 60.0
"""in characteristic luminosities; there is nothing beyond"""
POINTS = 6001


@dataclass(frozen=True)
class Schechter:
    """The luminosity function of Schechter (1976), in rest-frame r.

    Args:
        characteristic: M* at redshift 0, AB (Blanton+03, ApJ 592, 819, for h = 0.68).
        slope: alpha, of the faint end (Blanton+03).
        evolution: mag by which M* brightens per unit of redshift (Faber+07, ApJ 665, 265).
        faintest: absolute magnitude below which there are none.

    Raises:
        ValueError: a slope below -2, or a limit that leaves nothing.

    Example:
        >>> limits = np.array([-15.0, -21.3])
        >>> Schechter().draw(np.array([0.5, 0.5]), limits, np.zeros(2)).round(1).tolist()
        [-17.7, -21.7]
    """

    characteristic: float = -21.3
    slope: float = -1.05
    evolution: float = 1.2
    faintest: float = -15.0

    def __post_init__(self) -> None:
        if not -2 < self.slope < 2:
            raise ValueError(f"slope {self.slope}; expected between -2 and 2")
        if not abs(self.faintest - self.characteristic) < 12:
            raise ValueError(
                f"faintest {self.faintest}, characteristic {self.characteristic}; expected "
                "magnitudes less than 12 apart"
            )

    def above(self, magnitude: np.ndarray, redshift: np.ndarray) -> np.ndarray:
        """ln of the number of galaxies brighter than a magnitude, in some unit."""
        return np.interp(np.log(self._relative(magnitude, redshift)), *_table(self.slope))

    def draw(self, uniform: np.ndarray, limit: np.ndarray, redshift: np.ndarray) -> np.ndarray:
        """Absolute magnitudes brighter than a limit and than ``faintest``.

        Args:
            uniform: [object] numbers in [0, 1).
            limit: [object] absolute magnitude.
            redshift: [object].

        Returns:
            [object] rest-frame r, AB.
        """
        ln, number = _table(self.slope)
        here = self.above(np.minimum(limit, self.faintest), redshift)
        drawn = np.interp(-(here + np.log1p(-uniform)), -number, ln)
        return self._characteristic(redshift) - 2.5 * drawn / np.log(10)

    def _relative(self, magnitude: np.ndarray, redshift: np.ndarray) -> np.ndarray:
        return np.asarray(10 ** (0.4 * (self._characteristic(redshift) - magnitude)))

    def _characteristic(self, redshift: np.ndarray) -> np.ndarray:
        return self.characteristic - self.evolution * redshift


@cache
def _table(slope: float) -> tuple[np.ndarray, np.ndarray]:
    """ln L / L*, ascending, and ln of the number beyond."""
    ln = np.linspace(np.log(1e-6), np.log(BRIGHTEST), POINTS)
    density = np.exp((slope + 1) * ln - np.exp(ln))
    slices = (density[1:] + density[:-1]) / 2
    beyond = np.cumsum(slices[::-1])[::-1]
    # The last slice stands for its own tail, so that the logarithm is finite.
    return ln, np.log(np.append(beyond, slices[-1] / 2))
