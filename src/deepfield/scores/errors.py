"""Errors of measured numbers: their size, scatter, mean and outliers, for any resample."""

import numpy as np
from torch import Tensor

from deepfield.scores.known import as_array
from deepfield.scores.resampled import Statistic, share

GAUSSIAN = 1.4826
"""standard deviation of a Gaussian over its median absolute deviation"""
HALVINGS = 45
"""of the range of the errors: to 3e-14 of it"""


def turned(
    predicted: Tensor | np.ndarray, true: Tensor | np.ndarray, *, period: float = 180.0
) -> np.ndarray:
    """Difference of angles, the shorter way round.

    Args:
        predicted, true: [object] in the unit of ``period``.
        period: after which an angle means the same; 180 deg for position angles.

    Returns:
        [object] from -period / 2 to period / 2.

    Example:
        >>> turned(np.array([179.0, 10.0]), np.array([1.0, 20.0])).tolist()
        [-2.0, -10.0]
    """
    away = as_array(predicted).astype(float) - as_array(true).astype(float)
    return np.mod(away + period / 2, period) - period / 2


def mean_of(values: np.ndarray) -> Statistic:
    """Mean; of errors it is the bias, of zeros and ones the share.

    Args:
        values: [object]; NaN is left out.

    Example:
        >>> mean_of(np.array([1.0, 3.0, np.nan]))(np.array([[1, 1, 1], [3, 1, 0]]))
        array([2. , 1.5])
    """
    known, rows = _known(values)

    def statistic(weights: np.ndarray) -> np.ndarray:
        weights = _of(weights, rows)
        return share(weights @ known, weights.sum(1))

    return statistic


def rmse_of(errors: np.ndarray) -> Statistic:
    """Root of the mean squared error: outliers and bias included.

    Args:
        errors: [object] predicted minus true; NaN is left out.

    Example:
        >>> rmse_of(np.array([3.0, -3.0]))(np.ones((1, 2)))
        array([3.])
    """
    square = mean_of(np.square(errors))

    def statistic(weights: np.ndarray) -> np.ndarray:
        return np.sqrt(square(weights))

    return statistic


def beyond_of(errors: np.ndarray, limit: float) -> Statistic:
    """Share of the errors that are larger than a limit, to either side.

    Args:
        errors: [object]; NaN is left out.
        limit: at least 0.

    Example:
        >>> beyond_of(np.array([0.1, -0.3]), 0.2)(np.ones((1, 2)))
        array([0.5])
    """
    return mean_of(np.where(np.isfinite(errors), np.abs(errors) > limit, np.nan))


def scatter_of(errors: np.ndarray) -> Statistic:
    """1.4826 times the median distance of the errors from their median.

    It is the standard deviation of Gaussian errors, and hardly sees outliers or a bias. Exact
    for every resample, its own median included.

    Args:
        errors: [object] predicted minus true; NaN is left out.

    Example:
        >>> print(scatter_of(np.array([0.0, 1.0, 2.0, 50.0]))(np.ones((1, 4))).round(4))
        [1.4826]
    """
    known, rows = _known(errors)
    order = np.argsort(known)
    ranked, rows = known[order], rows[order]

    def statistic(weights: np.ndarray) -> np.ndarray:
        if not len(rows):
            return np.full(len(weights), np.nan)
        mass = np.zeros((len(weights), len(rows) + 1))
        np.cumsum(weights[:, rows], 1, out=mass[:, 1:])
        half, every = mass[:, -1] / 2, np.arange(len(weights))
        first = (mass[:, 1:] < half[:, None]).sum(1).clip(max=len(rows) - 1)
        second = (mass[:, 1:] <= half[:, None]).sum(1).clip(max=len(rows) - 1)
        middle = (ranked[first] + ranked[second]) / 2

        # Of evenly many the median is midway between two: the first distance that holds half
        # of the weight, and the first that holds more.
        middle, draw = np.tile(middle, 2), np.tile(every, 2)
        asked = np.concatenate([half, np.nextafter(half, np.inf)])
        low, high = np.zeros(len(draw)), np.full(len(draw), ranked[-1] - ranked[0])
        for _ in range(HALVINGS):
            tried = (low + high) / 2
            inside = (
                mass[draw, np.searchsorted(ranked, middle + tried, "right")]
                - mass[draw, np.searchsorted(ranked, middle - tried, "left")]
            )
            enough = inside >= asked
            low, high = np.where(enough, low, tried), np.where(enough, tried, high)
        return np.where(half > 0, GAUSSIAN * high.reshape(2, -1).mean(0), np.nan)

    return statistic


def _known(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows = np.flatnonzero(np.isfinite(values))
    return np.asarray(values, float)[rows], rows


def _of(weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return weights if len(rows) == weights.shape[1] else weights[:, rows]
