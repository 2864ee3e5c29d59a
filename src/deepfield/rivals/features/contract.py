"""What every kind of classical feature answers to."""

from collections.abc import Sequence
from typing import Protocol, Self, runtime_checkable

import numpy as np

from deepfield.nouns.batch import Batch
from deepfield.nouns.source import Source


class Features(Protocol):
    """Numbers that describe images."""

    def __call__(self, batch: Batch) -> np.ndarray:
        """[object, feature] float32; a row of NaN for stamps without pixels, or all alike."""
        ...


@runtime_checkable
class Learnt(Protocol):
    """Features that must first see training objects."""

    def learn(self, source: Source) -> Self:
        """These features, settled by objects of a source."""
        ...


def learnt(features: Features, source: Source) -> Features:
    """The features, settled by objects of a source if they need any."""
    return features.learn(source) if isinstance(features, Learnt) else features


def joined(tables: Sequence[np.ndarray]) -> np.ndarray:
    """Several tables of the same objects side by side.

    Args:
        tables: [object, feature] each.

    Raises:
        ValueError: no table, or tables of different lengths.

    Example:
        >>> joined([np.ones((2, 3)), np.zeros((2, 1))]).shape
        (2, 4)
    """
    if not tables or len({len(table) for table in tables}) > 1:
        rows = ", ".join(str(len(table)) for table in tables) or "none"
        raise ValueError(f"tables of {rows} objects; expected at least one, all of the same")
    return np.concatenate(tables, 1)
