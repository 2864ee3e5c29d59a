"""Continuous ranked probability score of posteriors that are given as samples."""

import numpy as np
from torch import Tensor

from deepfield.scores.known import as_array


def crps_samples(
    samples: Tensor | np.ndarray,
    true: Tensor | np.ndarray,
    weights: Tensor | np.ndarray | None = None,
) -> np.ndarray:
    """Integral over t of (F(t) - [t >= true])^2 with F the samples' own steps.

    Mean distance of a sample from the truth, less half that of two samples from each other; by
    sorting, in n log n. For one sample it is the absolute error.

    Source: Gneiting & Raftery 2007, JASA 102, 359.

    Args:
        samples: [object, sample].
        true: [object].
        weights: [object, sample] of the samples, summing to 1; None = all alike.

    Returns:
        [object] at least 0, in the unit of ``true``; NaN where anything is not known.

    Raises:
        ValueError: shapes that do not fit together.

    Example:
        >>> crps_samples(np.array([[0.0, 2.0], [1.0, 1.0]]), np.array([1.0, 1.5]))
        array([0.5, 0.5])
        >>> crps_samples(np.array([[0.0, 2.0]]), np.array([1.0]), np.array([[0.0, 1.0]]))
        array([1.])
    """
    values, truth = as_array(samples).astype(np.float64), as_array(true).astype(np.float64)
    if values.ndim != 2 or values.shape[:1] != truth.shape or not values.shape[1]:
        raise ValueError(
            f"samples have shape {values.shape} for true values {truth.shape}; expected "
            "[object, sample], one sample or more, and [object]"
        )
    if weights is None:
        values = np.sort(values, 1)
        count = values.shape[1]
        rank = 2 * np.arange(1, count + 1) - count - 1
        return np.abs(values - truth[:, None]).mean(1) - (values @ rank) / count**2
    share = as_array(weights).astype(np.float64)
    if share.shape != values.shape:
        raise ValueError(f"weights have shape {share.shape}; expected {values.shape}")
    order = np.argsort(values, 1)
    values, share = np.take_along_axis(values, order, 1), np.take_along_axis(share, order, 1)
    # Of two samples i < j the distance has the weight w_i w_j: sum over what lies below and above.
    below = np.cumsum(share, 1) - share
    above = share.sum(1, keepdims=True) - below - share
    spread = (values * share * (below - above)).sum(1)
    return (np.abs(values - truth[:, None]) * share).sum(1) - spread
