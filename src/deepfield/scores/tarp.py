"""TARP: whether joint posteriors are calibrated, from their samples and random points."""

import numpy as np
from torch import Tensor

from deepfield.scores.known import as_array, truths_of

CHUNK = 256
"""objects at a time, so that the differences stay in the cache"""


def tarp_ranks(
    samples: Tensor | np.ndarray,
    true: Tensor | np.ndarray,
    weights: Tensor | np.ndarray | None = None,
    *,
    seed: int = 0,
) -> np.ndarray:
    """Posterior probability that is nearer to a random point than the truth is.

    Uniform for a calibrated posterior, whatever the points. They are drawn in the box that the
    truths span, and distances are in units of its spread.

    Args:
        samples: [object, sample, quantity].
        true: [object, quantity].
        weights: [object, sample] of the samples, summing to 1; None = all alike.
        seed: of the points.

    Returns:
        [object] from 0 to 1; NaN where anything is not known.

    Raises:
        ValueError: shapes that do not fit together.

    Source: Lemos et al. 2023 (ICML, arXiv:2302.03026).

    Example:
        >>> draws = np.random.default_rng(0).normal(size=(2000, 64, 2))
        >>> ranks = tarp_ranks(draws[:, 1:], draws[:, 0])
        >>> bool(abs(ranks.mean() - 0.5) < 0.02)
        True
    """
    truth = truths_of(samples, true)
    known = np.isfinite(truth).all(1)
    ranks = np.full(len(truth), np.nan)
    if not known.any():
        return ranks
    low, high = truth[known].min(0), truth[known].max(0)
    scale = np.where(high > low, high - low, 1)
    points = np.random.default_rng(seed).random(truth.shape)
    for first in range(0, len(truth), CHUNK):
        rows = slice(first, first + CHUNK)
        drawn = (as_array(samples[rows]) - low) / scale - points[rows, None]
        away = np.square(drawn).sum(2)
        own = np.square((truth[rows] - low) / scale - points[rows]).sum(1)[:, None]
        nearer = (away < own) + 0.5 * (away == own)
        share = 1 / nearer.shape[1] if weights is None else as_array(weights[rows])
        found = (nearer * share).sum(1)
        ranks[rows] = np.where(np.isfinite(away).all(1) & known[rows], found, np.nan)
    return ranks
