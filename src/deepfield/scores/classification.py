"""Scores of a classification: right answers, confusions, rankings."""

import numpy as np
from torch import Tensor

from deepfield.scores.known import as_array, scored
from deepfield.scores.resampled import accuracy_of, auroc_of


def accuracy(probabilities: Tensor | np.ndarray, labels: Tensor | np.ndarray) -> float:
    """Share of objects whose most probable class is the true one.

    Args:
        probabilities: [object, class]; rows with NaN are left out.
        labels: [object] class numbers, -1 = not known and left out; or [object, class]
            fractions, of which the largest counts.

    Returns:
        between 0 and 1; NaN without objects.

    Example:
        >>> accuracy(np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), np.array([0, 1, -1]))
        1.0
    """
    return float(accuracy_of(probabilities, labels)(np.ones((1, len(labels))))[0])


def auroc(probabilities: Tensor | np.ndarray, labels: Tensor | np.ndarray) -> float:
    """Area under the receiver operating characteristic.

    Two classes: how well the second class's probability ranks it above the first. More: the
    mean over the classes that are present of one class against the rest. Ties count half.

    Args:
        probabilities, labels: as in ``accuracy``.

    Returns:
        between 0 and 1, 0.5 by chance; NaN where only one class is present.

    Example:
        >>> auroc(np.array([[0.9, 0.1], [0.6, 0.4], [0.5, 0.5]]), np.array([0, 1, 1]))
        1.0
    """
    return float(auroc_of(probabilities, labels)(np.ones((1, len(labels))))[0])


def confusion(probabilities: Tensor | np.ndarray, labels: Tensor | np.ndarray) -> np.ndarray:
    """How many objects of each true class were given each class.

    Args:
        probabilities, labels: as in ``accuracy``.

    Returns:
        [true class, predicted class] counts.

    Example:
        >>> confusion(np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]]), np.array([0, 1, 1])).tolist()
        [[1, 0], [1, 1]]
    """
    answers, truth, _ = scored(probabilities, labels)
    classes = answers.shape[1]
    cells = truth * classes + answers.argmax(1)
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def true_positive_rate_at(
    scores: Tensor | np.ndarray, labels: Tensor | np.ndarray, false_positives: int
) -> tuple[float, float]:
    """Share of the positives found before this many false positives are made.

    ``TPR0`` is ``false_positives=0`` (up to the first one), ``TPR10`` is ``false_positives=10``
    (fewer than ten). A positive that ties with the negative that ends the list does not count:
    no threshold takes the one without the other.

    Args:
        scores: [object], higher = more likely positive; NaN is left out.
        labels: [object] 1 = positive, 0 = negative, -1 = not known.
        false_positives: stop when this many are reached; 0 and 1 both mean none.

    Returns:
        the rate (NaN without positives) and the threshold: positive is a score *above* it.

    Source: Metcalf et al. 2019, A&A 625, A119.

    Example:
        >>> scores, labels = np.array([0.9, 0.8, 0.8, 0.5]), np.array([1, 0, 1, 1])
        >>> rate, threshold = true_positive_rate_at(scores, labels, 0)
        >>> print(f"{rate:.2f} above {threshold}")
        0.33 above 0.8
    """
    values, truth = as_array(scores).astype(np.float64), as_array(labels)
    if values.shape != truth.shape or values.ndim != 1:
        raise ValueError(
            f"scores have shape {values.shape} and labels {truth.shape}; expected [object] both: "
            "give the probability of the positive class"
        )
    known = np.isfinite(values)
    positive, negative = values[known & (truth == 1)], np.sort(values[known & (truth == 0)])
    last = max(false_positives, 1)
    threshold = float(negative[-last]) if len(negative) >= last else -np.inf
    return float((positive > threshold).mean()) if len(positive) else float("nan"), threshold
