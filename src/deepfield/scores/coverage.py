"""How often credible intervals hold the truth."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from deepfield.scores.binomial import binomial_interval
from deepfield.scores.known import as_array

LEVELS = np.linspace(0.02, 0.98, 49)
"""where a coverage curve is drawn"""


@dataclass(frozen=True)
class Coverage:
    """Nominal and actual coverage; every field is [level]."""

    nominal: np.ndarray
    """what the intervals promise"""
    actual: np.ndarray
    """share of the truths that they hold"""
    low: np.ndarray
    """95 % binomial limits of the actual coverage"""
    high: np.ndarray


def held(
    lower: Tensor | np.ndarray, upper: Tensor | np.ndarray, true: Tensor | np.ndarray
) -> np.ndarray:
    """Whether each interval holds its truth.

    Args:
        lower, upper, true: [object].

    Returns:
        [object] 1 or 0, NaN where anything is not known.

    Example:
        >>> held(np.zeros(3), np.ones(3), np.array([0.5, 1.5, np.nan]))
        array([ 1.,  0., nan])
    """
    low, high, truth = (as_array(x).astype(float) for x in (lower, upper, true))
    inside = (low <= truth) & (truth <= high)
    return np.where(np.isfinite(low + high + truth), inside, np.nan)


def central_coverage(pit: Tensor | np.ndarray, levels: np.ndarray = LEVELS) -> Coverage:
    """Coverage of the central intervals, from one half of the missing probability on each side.

    Args:
        pit: [object] posterior probability below the truth; NaN is left out.
        levels: nominal coverages, between 0 and 1.

    Example:
        >>> curve = central_coverage(np.array([0.1, 0.4, 0.6, 0.9]), np.array([0.5, 0.9]))
        >>> curve.actual.tolist()
        [0.5, 1.0]
    """
    return ball_coverage(np.abs(2 * as_array(pit).astype(float) - 1), levels)


def ball_coverage(ranks: Tensor | np.ndarray, levels: np.ndarray = LEVELS) -> Coverage:
    """Coverage of regions that grow from a point: share of the ranks up to every level.

    Args:
        ranks: [object] posterior probability that lies nearer to that point than the truth, as
            from ``tarp_ranks`` or ``joint_ranks``; NaN is left out.
        levels: nominal coverages, between 0 and 1.

    Example:
        >>> ball_coverage(np.array([0.2, 0.7]), np.array([0.5])).actual.tolist()
        [0.5]
    """
    found = as_array(ranks).astype(float)
    found = np.sort(found[np.isfinite(found)])
    # A rank of 0.68 from samples may be 0.68 and a rounding error.
    inside = np.searchsorted(found, np.asarray(levels) + 1e-9, "right")
    low, high = binomial_interval(inside, np.full(len(levels), len(found)))
    actual = inside / len(found) if len(found) else np.full(len(levels), np.nan)
    return Coverage(np.asarray(levels), actual, low, high)
