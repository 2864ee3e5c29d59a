"""Whether ranks are uniform, as those of a calibrated posterior are: PIT, SBC and their tests."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, kolmogorov
from torch import Tensor

from deepfield.scores.known import as_array
from deepfield.scores.resampled import Statistic, once


@dataclass(frozen=True)
class RankHistogram:
    """Objects by the rank of their truth; arrays are [bin].

    Args:
        edges: [bin + 1] of the bins.
        count: of objects.
        expected: objects a bin if the ranks are uniform.
        low, high: between which 95 % of the counts lie if the ranks are uniform.
        p_value: of Pearson's chi-square against uniform ranks.
    """

    edges: np.ndarray
    count: np.ndarray
    expected: float
    low: float
    high: float
    p_value: float


def rank_histogram(ranks: Tensor | np.ndarray, *, bins: int = 20) -> RankHistogram:
    """Simulation-based calibration: U-shaped where posteriors are too narrow, tilted by a bias.

    Args:
        ranks: [object] posterior probability below the truth (or nearer than it), 0 to 1; NaN is
            left out.
        bins: of equal width.

    Raises:
        ValueError: fewer than two bins.

    Source: Talts et al. 2018 (arXiv:1804.06788).

    Example:
        >>> rank_histogram(np.array([0.1, 0.2, 0.3, 0.9]), bins=2).count.tolist()
        [3, 1]
    """
    if bins < 2:
        raise ValueError(f"{bins} bins; expected at least 2")
    found = as_array(ranks).astype(float)
    found = found[np.isfinite(found)]
    count, edges = np.histogram(found, bins, (0, 1))
    expected = len(found) / bins
    spread = 1.96 * np.sqrt(expected * (1 - 1 / bins))
    p_value = float("nan")
    if len(found):
        p_value = float(chdtrc(bins - 1, ((count - expected) ** 2).sum() / expected))
    return RankHistogram(
        edges, count, expected, max(expected - spread, 0), expected + spread, p_value
    )


def ks_of(ranks: Tensor | np.ndarray) -> Statistic:
    """Kolmogorov and Smirnov's largest gap between the ranks' distribution and the uniform one.

    Args:
        ranks: [object] from 0 to 1; NaN is left out.

    Example:
        >>> ks_of(np.array([0.25, 0.75]))(np.ones((1, 2)))
        array([0.25])
    """
    found = as_array(ranks).astype(float)
    rows = np.flatnonzero(np.isfinite(found))
    rows = rows[np.argsort(found[rows], kind="stable")]
    ranked = found[rows]

    def statistic(weights: np.ndarray) -> np.ndarray:
        weights = weights[:, rows]
        total = weights.sum(1, keepdims=True)
        if not len(rows):
            return np.full(len(weights), np.nan)
        with np.errstate(invalid="ignore"):
            after = np.cumsum(weights, 1) / total
            before = after - weights / total
        return np.maximum(after - ranked, ranked - before).max(1)

    return statistic


def ks(ranks: Tensor | np.ndarray) -> tuple[float, float]:
    """The largest gap to the uniform distribution, and how often chance alone has a larger one.

    Args:
        ranks: as in ``ks_of``.

    Returns:
        statistic and p-value (Stephens' approximation, good to 0.001 from 10 objects on); NaN
        without objects.

    Source: Stephens 1970, JRSS B 32, 115.

    Example:
        >>> statistic, p_value = ks(np.linspace(0, 1, 1000) ** 2)
        >>> print(round(statistic, 2), p_value < 1e-9)
        0.25 True
    """
    found = as_array(ranks).astype(float)
    count = int(np.isfinite(found).sum())
    gap, root = once(ks_of(found), len(found)), np.sqrt(max(count, 1))
    return gap, float(kolmogorov((root + 0.12 + 0.11 / root) * gap))
