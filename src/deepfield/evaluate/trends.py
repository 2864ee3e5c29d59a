"""How a score changes with brightness, size and signal-to-noise."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from deepfield.evaluate.by_method import classifications
from deepfield.evaluate.compare import Comparison
from deepfield.nouns.quantity import Quantity
from deepfield.scores.binomial import binomial_interval
from deepfield.scores.known import as_array, hard_labels


@dataclass(frozen=True)
class Trend:
    """Accuracy in bins of equal count of one quantity.

    Args:
        quantity: along the horizontal axis.
        centre: [bin] the bin's median, in the quantity's unit.
        count: [bin] objects.
        accuracy: by method, [bin].
        low, high: by method, [bin] 95 % binomial limits.
    """

    quantity: Quantity
    centre: np.ndarray
    count: np.ndarray
    accuracy: dict[str, np.ndarray]
    low: dict[str, np.ndarray]
    high: dict[str, np.ndarray]


def trend(
    quantity: Quantity, values: np.ndarray, right: Mapping[str, np.ndarray], *, bins: int = 8
) -> Trend:
    """Accuracy of every method against one quantity.

    Args:
        quantity: what the values mean.
        values: [object]; objects with NaN are left out.
        right: by method, [object] bool: the method's class is the true one.
        bins: of equal count; no more than there are objects.

    Raises:
        ValueError: fewer than one bin, or no object with a known value.

    Example:
        >>> right = {"net": np.array([True, True, False, True])}
        >>> found = trend(Quantity("magnitude"), np.array([18.0, 19, 22, 23]), right, bins=2)
        >>> found.centre.tolist(), found.accuracy["net"].tolist()
        ([18.5, 22.5], [1.0, 0.5])
    """
    order = np.argsort(values, kind="stable")[: int(np.isfinite(values).sum())]
    if bins < 1 or not len(order):
        raise ValueError(
            f"{bins} bins for {len(order)} known values of {quantity.name}; expected at least 1 "
            "of each"
        )
    parts = np.array_split(order, min(bins, len(order)))
    count = np.array([len(part) for part in parts])
    hits = {
        m: np.array([int(correct[part].sum()) for part in parts]) for m, correct in right.items()
    }
    limits = {method: binomial_interval(found, count) for method, found in hits.items()}
    return Trend(
        quantity,
        centre=np.array([np.median(values[part]) for part in parts]),
        count=count,
        accuracy={method: found / count for method, found in hits.items()},
        low={method: low for method, (low, _) in limits.items()},
        high={method: high for method, (_, high) in limits.items()},
    )


def trends(comparison: Comparison, names: Iterable[str], *, bins: int = 8) -> list[Trend]:
    """Accuracy against each of these quantities that the truth knows.

    Args:
        comparison: of one classification; methods that afford fewer objects are passed over.
        names: of quantities, such as ``magnitude``; the ones that are not known for any object
            are passed over.
        bins: of equal count.

    Raises:
        ValueError: the methods did not answer exactly one classification.
    """
    answers, truth = classifications(comparison), comparison.truth
    answers = {m: a for m, a in answers.items() if len(comparison.rows[m]) == len(a)}
    labels = hard_labels(truth[next(iter(answers.values())).quantity.name])
    known = labels >= 0
    right = {
        method: (as_array(answer.probabilities).argmax(1) == labels)[known]
        for method, answer in answers.items()
    }
    found = []
    for name in names:
        if name in truth:
            values = as_array(truth[name]).astype(float)[known]
            if np.isfinite(values).any():
                found.append(trend(truth.quantity(name), values, right, bins=bins))
    return found
