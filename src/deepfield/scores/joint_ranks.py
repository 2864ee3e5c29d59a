"""Simulation-based calibration of joint posteriors: how far out in its posterior is a truth?"""

import numpy as np
from torch import Tensor

from deepfield.scores.known import as_array, truths_of

CHUNK = 256
"""objects at a time"""
RIDGE = 1e-9
"""of a variance, added to it, so that samples on a line have an inverse"""


def joint_ranks(
    samples: Tensor | np.ndarray,
    true: Tensor | np.ndarray,
    weights: Tensor | np.ndarray | None = None,
) -> np.ndarray:
    """Posterior probability that is nearer to the posterior's mean than the truth is.

    Nearness is Mahalanobis' distance in the samples' own covariance: it sees correlations that
    are wrong, to which the quantities one by one are blind. Uniform for a calibrated posterior.

    Args:
        samples: [object, sample, quantity], more samples than quantities.
        true: [object, quantity].
        weights: [object, sample] of the samples, summing to 1; None = all alike.

    Returns:
        [object] from 0 to 1; NaN where anything is not known.

    Raises:
        ValueError: shapes that do not fit together.

    Source: Modrak et al. 2023 (Bayesian Analysis, arXiv:2211.02383) on quantities that depend on
        the data.

    Example:
        >>> draws = np.random.default_rng(0).normal(size=(2000, 64, 2))
        >>> ranks = joint_ranks(draws[:, 1:], draws[:, 0])
        >>> bool(abs(ranks.mean() - 0.5) < 0.03)
        True
    """
    truth = truths_of(samples, true)
    size = truth.shape[1]
    ranks = np.full(len(truth), np.nan)
    for first in range(0, len(truth), CHUNK):
        rows = np.arange(first, min(first + CHUNK, len(truth)))
        drawn = as_array(samples[first : first + CHUNK]).astype(float)
        fine = np.isfinite(drawn).all((1, 2)) & np.isfinite(truth[rows]).all(1)
        rows, drawn = rows[fine], drawn[fine]
        if weights is None:
            share = np.full(drawn.shape[:2], 1 / drawn.shape[1])
        else:
            share = as_array(weights[first : first + CHUNK])[fine].astype(float)
        mean = (share[:, None] @ drawn)[:, 0]
        away, own = drawn - mean[:, None], truth[rows] - mean
        covariance = (away * share[..., None]).transpose(0, 2, 1) @ away
        # In units of the widths: magnitudes and degrees would not be told from noise else.
        width = np.sqrt(np.einsum("nii->ni", covariance))
        width = np.where(width > 0, width, 1)
        correlation = covariance / (width[:, :, None] * width[:, None]) + RIDGE * np.eye(size)
        inverse = np.linalg.inv(correlation)
        away, own = away / width[:, None], own / width
        far = ((away @ inverse) * away).sum(2)
        limit = np.einsum("ni,nij,nj->n", own, inverse, own)[:, None]
        nearer = (far < limit) + 0.5 * (far == limit)
        ranks[rows] = (nearer * share).sum(1)
    return ranks
