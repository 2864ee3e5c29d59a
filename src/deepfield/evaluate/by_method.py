"""Where each method errs, and whether its probabilities mean what they say."""

import numpy as np

from deepfield.evaluate.compare import Comparison
from deepfield.evaluate.statistics import question
from deepfield.nouns.prediction import Classes
from deepfield.scores.calibration import Reliability, reliability
from deepfield.scores.classification import confusion


def confusions(comparison: Comparison) -> dict[str, np.ndarray]:
    """[true class, predicted class] counts by method.

    Raises:
        ValueError: the methods did not answer exactly one classification.
    """
    truth = comparison.truth
    return {
        method: confusion(answer.probabilities, truth[answer.quantity.name])
        for method, answer in classifications(comparison).items()
    }


def reliabilities(comparison: Comparison, *, bins: int = 15) -> dict[str, Reliability]:
    """Accuracy against confidence by method, in bins of equal count.

    Raises:
        ValueError: the methods did not answer exactly one classification.
    """
    truth = comparison.truth
    return {
        method: reliability(answer.probabilities, truth[answer.quantity.name], bins=bins)
        for method, answer in classifications(comparison).items()
    }


def classifications(comparison: Comparison) -> dict[str, Classes]:
    """Every method's class probabilities.

    Raises:
        ValueError: the methods did not answer exactly one classification.
    """
    found: dict[str, Classes] = {}
    for method, prediction in comparison.predictions.items():
        answer = question(prediction, comparison.truth)
        if answer is None:
            raise ValueError(
                f"{method} answers {', '.join(prediction)} where the truth has "
                f"{', '.join(comparison.truth)}; expected exactly one classification of known "
                "truth"
            )
        found[method] = answer
    return found
