"""Missing bands: what the others say of them, for methods that need a number."""

from dataclasses import dataclass

import numpy as np

RIDGE = 1e-6
ROUNDS = 3


@dataclass(frozen=True)
class Gaussian:
    """Magnitudes as one Gaussian: a missing one is its mean given those that there are.

    Args:
        mean: [channel].
        covariance: [channel, channel].
    """

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def fit(cls, magnitudes: np.ndarray) -> "Gaussian":
        """From [object, channel] with NaN where missing, by pairs that are both there.

        Example:
            >>> both = Gaussian.fit(np.array([[20.0, 21.0], [22.0, 23.0], [24.0, 25.0]]))
            >>> both.fill(np.array([[21.0, np.nan]])).round(3).tolist()
            [[21.0, 22.0]]
        """
        rows = np.ma.masked_invalid(magnitudes)
        mean = np.ma.filled(rows.mean(0), 25.0)
        # A channel that is never there keeps a variance of its own, and no part in the others.
        found = cls(mean, _steady(np.ma.filled(np.ma.cov(rows, rowvar=False), 0.0)))
        # Pairs know less of each other than rows do: what they filled tells the rest.
        for _ in range(ROUNDS * np.isnan(magnitudes).any()):
            filled = found.fill(magnitudes)
            found = cls(filled.mean(0), _steady(np.cov(filled, rowvar=False)))
        return found

    def fill(self, magnitudes: np.ndarray) -> np.ndarray:
        """The same magnitudes, without gaps."""
        filled = magnitudes.copy()
        absent = np.isnan(magnitudes)
        for pattern in np.unique(absent, axis=0):
            if not pattern.any():
                continue
            rows = (absent == pattern).all(1)
            there = ~pattern
            cross = self.covariance[np.ix_(pattern, there)]
            weights = np.linalg.solve(self.covariance[np.ix_(there, there)], cross.T)
            known = magnitudes[rows][:, there] - self.mean[there]
            filled[np.ix_(rows, pattern)] = self.mean[pattern] + known @ weights
        return filled


def _steady(covariance: np.ndarray) -> np.ndarray:
    """The same, with an inverse: channels may be alike."""
    values, vectors = np.linalg.eigh(covariance.reshape(len(np.atleast_1d(covariance)), -1))
    floor = RIDGE * max(values.max(), 1.0)
    return (vectors * values.clip(min=floor)) @ vectors.T
