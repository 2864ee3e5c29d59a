"""Examples: what a classical learner is taught with: a table of features and a class each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from deepfield.nouns.batch import Batch
from deepfield.nouns.prediction import Classes, Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source

CHUNK = 256


@dataclass(frozen=True)
class Examples:
    """Features of objects whose class is known.

    Args:
        features: [object, ...] numbers, or images to take them from.
        labels: [object] class positions.
        weights: [object] 1, or the largest fraction of a soft label.
    """

    features: np.ndarray
    labels: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int) -> "Examples":
        """The first few."""
        return Examples(self.features[:count], self.labels[:count], self.weights[:count])


def batches(source: Source, limit: int | None) -> Iterator[Batch]:
    """The first ``limit`` objects of a source, as their first epoch shows them."""
    count = len(source) if limit is None else min(limit, len(source))
    for start in range(0, count, CHUNK):
        yield source.take(torch.arange(start, min(start + CHUNK, count)), epoch=0)


def collect(
    source: Source, name: str, limit: int | None, measure: Callable[[Batch], np.ndarray]
) -> Examples:
    """Features of the first objects of a source, without those of unknown class or no pixels.

    A soft label ([object, class] fractions) counts as its largest class, with that fraction as
    its weight.

    Args:
        source: one split.
        name: of the quantity to learn.
        limit: most objects; None = all.
        measure: features [object, ...] of a batch; rows of NaN where nothing can be measured.

    Raises:
        ValueError: the source does not know the quantity, or no object is left.
    """
    features, labels, weights = [], [], []
    for batch in batches(source, limit):
        if batch.truth is None or name not in batch.truth:
            known = ", ".join(batch.truth or ()) or "nothing"
            raise ValueError(f"the source knows {known}; expected {name}, to learn it")
        label, weight = hard(batch.truth[name].cpu())
        row = measure(batch)
        known_rows = (label >= 0) & ~np.isnan(row).reshape(len(row), -1).all(1)
        features.append(row[known_rows])
        labels.append(label[known_rows])
        weights.append(weight[known_rows])
    if not sum(map(len, labels)):
        raise ValueError(
            f"no object of {len(source)} has both pixels and a known {name}; expected labelled "
            "objects in this split"
        )
    return Examples(np.concatenate(features), np.concatenate(labels), np.concatenate(weights))


def hard(label: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Class position (-1 = unknown) and weight of hard or soft labels.

    Example:
        >>> label, weight = hard(torch.tensor([[0.25, 0.75], [torch.nan, torch.nan]]))
        >>> label.tolist(), weight.tolist()
        ([1, -1], [0.75, 0.0])
    """
    if label.ndim == 1:
        position = label.long().numpy()
        return position, (position >= 0).astype(np.float64)
    known = label.isfinite().all(1) & (label.sum(1) > 0)
    share, position_soft = label.double().nan_to_num().max(1)
    position = torch.where(known, position_soft, -1).numpy()
    return position, torch.where(known, share, 0.0).numpy()


def answer(quantity: Quantity, probabilities: np.ndarray, measured: torch.Tensor) -> Prediction:
    """Class probabilities as a prediction, NaN where ``measured`` ([object] bool) is not set."""
    classes = Classes(quantity, torch.from_numpy(probabilities).float())
    return Prediction({quantity.name: classes.blank(~measured)})
