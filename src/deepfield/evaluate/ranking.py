"""Ranking: which of several classifiers, each with its own input, knows most."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from deepfield.scores.bootstrap import Interval, resample
from deepfield.scores.resampled import auroc_of


@dataclass(frozen=True)
class Ranking:
    """Areas under the ROC curve, the largest first.

    Args:
        areas: by name, with 95 % bootstrap limits.
        first: by name, the share of the resamples in which it has the largest area.
    """

    areas: dict[str, Interval]
    first: dict[str, float]


def ranking(
    probabilities: Mapping[str, Tensor | np.ndarray],
    labels: Tensor | np.ndarray,
    *,
    seed: int = 0,
    draws: int = 1000,
) -> Ranking:
    """Rank inputs by what a classifier makes of each, on the same objects.

    Every resample has the same objects for all, so that they differ by their inputs alone.

    Args:
        probabilities: by name of the input, [object, class].
        labels: [object] class numbers.
        seed, draws: of the bootstrap.

    Raises:
        ValueError: nothing to rank.

    Source: Teimoorinia et al. 2016, MNRAS 457, 2086.

    Example:
        >>> good = np.array([[0.9, 0.1], [0.2, 0.8]] * 20)
        >>> found = ranking({"bad": good[::-1], "good": good}, np.array([0, 1] * 20), draws=50)
        >>> list(found.areas), found.first["good"]
        (['good', 'bad'], 1.0)
    """
    if not probabilities:
        raise ValueError("nothing to rank; expected the probabilities of at least one input")
    statistics = {name: auroc_of(found, labels) for name, found in probabilities.items()}
    found = resample(statistics, len(labels), seed=seed, draws=draws)
    order = sorted(found, key=lambda name: -found[name].value)
    best = np.stack([found[name].draws for name in order]).argmax(0)
    return Ranking(
        {name: found[name].interval() for name in order},
        {name: float((best == i).mean()) for i, name in enumerate(order)},
    )
