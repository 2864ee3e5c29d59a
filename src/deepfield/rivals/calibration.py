"""Calibration: a learner's scores as probabilities, learnt on objects that it has not seen."""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression


@dataclass(frozen=True)
class Calibration:
    """Multinomial logistic regression on scores.

    Args:
        model: fitted, on [object, score].
        classes: number of classes of the question; those that never occurred get 0.
    """

    model: LogisticRegression
    classes: int

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """[object, class] probabilities of [object, score]."""
        found = np.zeros((len(scores), self.classes))
        found[:, self.model.classes_] = self.model.predict_proba(columns(scores))
        return found


def columns(scores: np.ndarray) -> np.ndarray:
    """[object, score], also where two classes share one score and it comes as [object].

    Example:
        >>> columns(np.zeros(3)).shape, columns(np.zeros((3, 4))).shape
        ((3, 1), (3, 4))
    """
    return scores[:, None] if scores.ndim == 1 else scores


def calibrate(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray, classes: int
) -> Calibration:
    """Scores to probabilities, as Platt 1999 did for two classes.

    Args:
        scores: [object, score] of held-out objects.
        labels: [object] class positions.
        weights: [object].
        classes: number of classes of the question.

    Raises:
        ValueError: the held-out objects are all of one class.

    Example:
        >>> labels = np.array([0, 1] * 50)
        >>> to_probability = calibrate(labels - 0.5, labels, np.ones(100), 2)
        >>> bool(to_probability(np.array([0.5]))[0, 1] > 0.9)
        True
    """
    if len(np.unique(labels)) < 2:
        raise ValueError(
            f"all {len(labels)} labelled validation objects are of one class; expected at least "
            "two classes: use a larger validation split"
        )
    model = LogisticRegression(C=10.0, max_iter=1000)
    return Calibration(model.fit(columns(scores), labels, sample_weight=weights), classes)
