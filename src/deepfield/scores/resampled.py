"""Scores as functions of resampling weights, so that a thousand resamples cost one sort."""

from collections.abc import Callable

import numpy as np
from torch import Tensor

from deepfield.scores.known import scored

Statistic = Callable[[np.ndarray], np.ndarray]
"""[draw, object] how often each object counts -> [draw] the score; NaN where it has none."""


def share(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """A quotient that is NaN, without a warning, where it has no denominator.

    Example:
        >>> share(np.array([1.0, 1.0]), np.array([2.0, 0.0]))
        array([0.5, nan])
    """
    fine = denominator > 0
    return np.where(fine, numerator / np.where(fine, denominator, 1), np.nan)


def once(statistic: Statistic, objects: int) -> float:
    """The score itself: every object counts once.

    Example:
        >>> once(lambda weights: weights.sum(1), 3)
        3.0
    """
    return float(statistic(np.ones((1, objects)))[0])


def accuracy_of(probabilities: Tensor | np.ndarray, labels: Tensor | np.ndarray) -> Statistic:
    """Share of objects whose most probable class is the true one.

    Example:
        >>> accuracy = accuracy_of(np.eye(2), np.array([0, 0]))
        >>> accuracy(np.array([[1, 1], [3, 1]]))
        array([0.5 , 0.75])
    """
    answers, truth, rows = scored(probabilities, labels)
    correct = (answers.argmax(1) == truth).astype(float)

    def statistic(weights: np.ndarray) -> np.ndarray:
        weights = weights[:, rows]
        return share(weights @ correct, weights.sum(1))

    return statistic


def auroc_of(probabilities: Tensor | np.ndarray, labels: Tensor | np.ndarray) -> Statistic:
    """Area under the receiver operating characteristic, from ranks; ties count half.

    Two classes: the area of the second class's probability. More: the mean over the classes
    that are present of one class against the rest.

    Source: Hanley & McNeil 1982, Radiology 143, 29 (the area is the Mann-Whitney statistic).

    Example:
        >>> area = auroc_of(np.array([[0.9, 0.1], [0.6, 0.4], [0.7, 0.3]]), np.array([0, 1, 1]))
        >>> area(np.ones((1, 3)))
        array([1.])
    """
    answers, truth, rows = scored(probabilities, labels)
    classes = [1] if answers.shape[1] == 2 else list(range(answers.shape[1]))
    areas = [_area(answers[:, k], truth == k) for k in classes]

    def statistic(weights: np.ndarray) -> np.ndarray:
        weights = weights[:, rows].astype(float)
        each = np.stack([area(weights) for area in areas])
        return share(np.nan_to_num(each).sum(0), np.isfinite(each).sum(0))

    return statistic


def _area(scores: np.ndarray, positive: np.ndarray) -> Statistic:
    order = np.argsort(scores, kind="stable")
    ranked, positive = scores[order], positive[order]
    starts = np.flatnonzero(np.diff(ranked, prepend=-np.inf) > 0)

    def statistic(weights: np.ndarray) -> np.ndarray:
        if not len(starts):
            return np.full(len(weights), np.nan)
        weights = weights[:, order]
        won, lost = weights * positive, weights * ~positive
        if len(starts) < len(order):
            won, lost = (np.add.reduceat(side, starts, axis=1) for side in (won, lost))
        below = np.cumsum(lost, axis=1) - lost / 2
        return share((won * below).sum(1), won.sum(1) * lost.sum(1))

    return statistic


def calibration_error_of(
    probabilities: Tensor | np.ndarray, labels: Tensor | np.ndarray, *, bins: int = 15
) -> Statistic:
    """Expected calibration error; the bins are those of the objects themselves.

    Example:
        >>> error = calibration_error_of(np.array([[0.9, 0.1]] * 4), np.array([0, 0, 0, 1]))
        >>> print(error(np.ones((1, 4))).round(3))
        [0.3]
    """
    answers, truth, rows = scored(probabilities, labels)
    order, starts = confidence_bins(answers, bins)
    excess = (answers.max(1, initial=0) - (answers.argmax(1) == truth))[order]

    def statistic(weights: np.ndarray) -> np.ndarray:
        weights = weights[:, rows[order]]
        if not len(starts):
            return np.full(len(weights), np.nan)
        gaps = np.abs(np.add.reduceat(weights * excess, starts, axis=1)).sum(1)
        return share(gaps, weights.sum(1))

    return statistic


def confidence_bins(probabilities: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Objects sorted by their top-class probability, in bins of equal count.

    Args:
        probabilities: [object, class].
        bins: how many; no more than there are objects.

    Returns:
        order [object] and the position [bin] in it where each bin starts.

    Raises:
        ValueError: fewer than one bin.

    Example:
        >>> order, starts = confidence_bins(np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]]), 2)
        >>> order.tolist(), starts.tolist()
        ([1, 2, 0], [0, 2])
    """
    if bins < 1:
        raise ValueError(f"{bins} bins; expected at least 1")
    order = np.argsort(probabilities.max(1, initial=0), kind="stable")
    parts = np.array_split(np.arange(len(order)), max(min(bins, len(order)), 1))
    return order, np.array([part[0] for part in parts if len(part)], dtype=int)
