"""Whether probabilities mean what they say."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from deepfield.scores.binomial import binomial_interval
from deepfield.scores.known import as_array, scored
from deepfield.scores.resampled import calibration_error_of, confidence_bins


@dataclass(frozen=True)
class Reliability:
    """Confidence and accuracy, bin by bin; every field is [bin]."""

    confidence: np.ndarray
    """mean probability of the most probable class"""
    accuracy: np.ndarray
    """share of the objects for which that class was the true one"""
    count: np.ndarray
    low: np.ndarray
    """95 % binomial limits of the accuracy"""
    high: np.ndarray


def calibration_error(
    probabilities: Tensor | np.ndarray, labels: Tensor | np.ndarray, *, bins: int = 15
) -> float:
    """Expected calibration error: the mean gap between confidence and accuracy.

    Bins hold equally many objects, so that none is empty and none rules. A perfectly
    calibrated answer still scores about ``0.8 sqrt(bins p (1 - p) / objects)`` from noise alone.

    Args:
        probabilities: [object, class]; rows with NaN are left out.
        labels: [object] class numbers, -1 = not known; or [object, class] fractions.
        bins: of equal count, in the probability of the most probable class.

    Returns:
        between 0 and 1, 0 is best; NaN without objects.

    Source: Naeini, Cooper & Hauskrecht 2015 (AAAI); equal-count bins: Nixon et al. 2019.

    Example:
        >>> half_right = np.array([0, 1] * 50)
        >>> print(round(calibration_error(np.array([[0.9, 0.1]] * 100), half_right, bins=1), 3))
        0.4
    """
    statistic = calibration_error_of(probabilities, labels, bins=bins)
    return float(statistic(np.ones((1, len(labels))))[0])


def reliability(
    probabilities: Tensor | np.ndarray, labels: Tensor | np.ndarray, *, bins: int = 15
) -> Reliability:
    """Accuracy against confidence in bins of equal count: the reliability diagram's points.

    Args:
        probabilities, labels, bins: as in ``calibration_error``.

    Example:
        >>> half_right = np.array([0, 1] * 50)
        >>> reliability(np.array([[0.9, 0.1]] * 100), half_right, bins=2).accuracy
        array([0.5, 0.5])
    """
    answers, truth, _ = scored(probabilities, labels)
    order, starts = confidence_bins(answers, bins)
    if not len(order):
        return Reliability(*(np.zeros(0) for _ in range(5)))
    right = np.add.reduceat((answers.argmax(1) == truth)[order].astype(float), starts)
    confidence = np.add.reduceat(answers.max(1)[order], starts)
    count = np.diff(starts, append=len(order))
    low, high = binomial_interval(right, count)
    return Reliability(confidence / count, right / count, count, low, high)


def brier(probabilities: Tensor | np.ndarray, labels: Tensor | np.ndarray) -> float:
    """Brier score: the squared distance of the probabilities from the truth.

    Args:
        probabilities: [object, class]; rows with NaN are left out.
        labels: [object] class numbers, -1 = not known; or [object, class] fractions, taken as
            they are.

    Returns:
        between 0 (best) and 2, summed over classes; NaN without objects.

    Source: Brier 1950, Monthly Weather Review 78, 1.

    Example:
        >>> brier(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([0, 1]))
        0.25
    """
    answers, truth, rows = scored(probabilities, labels)
    array = as_array(labels)
    target = array[rows] if array.ndim == 2 else np.eye(answers.shape[1])[truth]
    return float(((answers - target) ** 2).sum(1).mean()) if len(rows) else float("nan")
