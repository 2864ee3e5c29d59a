"""Paired bootstrap: how far a score would move with other objects."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from deepfield.scores.resampled import Statistic

CHUNK = 2_000_000
"""weights held at once (16 MB)"""


class Interval(NamedTuple):
    """A number and its limits."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Resampled:
    """A score and what it would have been with other objects.

    Two scores that were resampled together differ by one that was: ``first - second``.

    Args:
        value: on the objects themselves.
        draws: [draw] on resampled ones.
    """

    value: float
    draws: np.ndarray

    def __sub__(self, other: "Resampled") -> "Resampled":
        return Resampled(self.value - other.value, self.draws - other.draws)

    def interval(self, level: float = 0.95) -> Interval:
        """Percentiles of the draws, moved by the resampling's own shift.

        The shift is the draws' mean less the score: a score that noise can only raise, such as
        the calibration error, would else lie outside its own interval.

        Args:
            level: of confidence.
        """
        draws = self.draws[np.isfinite(self.draws)]
        if not len(draws) or not np.isfinite(self.value):
            return Interval(self.value, float("nan"), float("nan"))
        low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2])
        shift = draws.mean() - self.value
        return Interval(self.value, float(low - shift), float(high - shift))


def resample(
    statistics: Mapping[str, Statistic], n_objects: int, *, seed: int = 0, draws: int = 1000
) -> dict[str, Resampled]:
    """Several scores on the same resamples of the same objects.

    Args:
        statistics: by name, [draw, object] how often each object counts -> [draw] the score.
        n_objects: in the sample.
        seed: of the resamples.
        draws: number of resamples.

    Raises:
        ValueError: no objects, or no draws.

    Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapters 10 and 13.

    Example:
        >>> values = np.array([0.0, 1.0, 1.0])
        >>> mean = lambda weights: weights @ values / weights.sum(1)
        >>> resample({"mean": mean}, 3, draws=50)["mean"].draws.shape
        (50,)
    """
    if n_objects < 1 or draws < 1:
        raise ValueError(f"{n_objects} objects and {draws} draws; expected at least 1 of each")
    once = np.ones((1, n_objects))
    chunks: dict[str, list[np.ndarray]] = {name: [] for name in statistics}
    for weights in _resamples(n_objects, seed, draws):
        for name, statistic in statistics.items():
            chunks[name].append(statistic(weights))
    return {
        name: Resampled(float(statistic(once)[0]), np.concatenate(chunks[name]))
        for name, statistic in statistics.items()
    }


def interval(
    statistic: Statistic, n_objects: int, *, seed: int = 0, draws: int = 1000, level: float = 0.95
) -> Interval:
    """A score with its bootstrap interval over objects.

    Args:
        statistic, n_objects, seed, draws: as in ``resample``.
        level: of confidence.

    Example:
        >>> right = np.array([1.0] * 90 + [0.0] * 10)
        >>> result = interval(lambda weights: weights @ right / weights.sum(1), 100)
        >>> print(f"{result.value:.2f}, {result.low:.2f} to {result.high:.2f}")
        0.90, 0.84 to 0.96
    """
    found = resample({"score": statistic}, n_objects, seed=seed, draws=draws)
    return found["score"].interval(level)


def paired_gap(
    first: Statistic,
    second: Statistic,
    n_objects: int,
    *,
    seed: int = 0,
    draws: int = 1000,
    level: float = 0.95,
) -> Interval:
    """First score minus second, with the interval of that difference.

    Both see the same objects in every draw, so that what is hard for both cancels.

    Args:
        first, second: statistics of the same objects.
        n_objects, seed, draws: as in ``resample``.
        level: of confidence.

    Example:
        >>> one, other = np.ones(100), np.array([1.0] * 90 + [0.0] * 10)
        >>> mean = lambda values: lambda weights: weights @ values / weights.sum(1)
        >>> gap = paired_gap(mean(one), mean(other), 100)
        >>> print(round(gap.value, 2), gap.low > 0)
        0.1 True
    """
    both = {"first": first, "second": second}
    found = resample(both, n_objects, seed=seed, draws=draws)
    return (found["first"] - found["second"]).interval(level)


def _resamples(n_objects: int, seed: int, draws: int) -> Iterator[np.ndarray]:
    generator = np.random.default_rng(seed)
    chunk = max(CHUNK // n_objects, 1)
    for first in range(0, draws, chunk):
        rows = min(chunk, draws - first)
        picked = generator.integers(n_objects, size=(rows, n_objects))
        picked += np.arange(rows)[:, None] * n_objects
        counts = np.bincount(picked.ravel(), minlength=rows * n_objects)
        yield counts.reshape(rows, n_objects).astype(float)
