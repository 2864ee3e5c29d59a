"""Co-occurrence: which grey levels lie how far from each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from deepfield.nouns.batch import Batch
from deepfield.rivals.features.picture import Picture, unmeasured_as_nan

NAMES = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation", "entropy")
DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1))
"""y, x: to the right, and on by eighths of a turn"""


@dataclass(frozen=True)
class CoOccurrence:
    """Properties of the matrices of grey levels at several distances.

    A matrix holds how often a level lies at a step from another, both ways; of its properties
    (contrast, dissimilarity, homogeneity, energy, correlation, entropy) the mean over four
    directions and the spread between them are kept: the sky has no direction (Haralick, Shanmugam
    & Dinstein 1973, IEEE SMC 3, 610).

    Args:
        distances: px along the axes.
        levels: of grey, from the picture's darkest to its brightest.
        picture: how the stamp is shown to it.

    Raises:
        ValueError: fewer than two levels; when called, a distance as large as the picture.

    Example:
        >>> import torch
        >>> batch = Batch(np.array(["a"]), torch.rand(1, 1, 32, 32), ("r",))
        >>> CoOccurrence(distances=(1, 2))(batch).shape  # mean and spread of six properties
        (1, 24)
    """

    distances: Sequence[int] = (1, 2, 4)
    levels: int = 16
    picture: Picture = field(default_factory=partial(Picture, crop=0.5, blur=0.7))

    def __post_init__(self) -> None:
        if self.levels < 2:
            raise ValueError(f"{self.levels} grey levels; expected at least 2")

    def __call__(self, batch: Batch) -> np.ndarray:
        """[object, 2 * property * distance]."""
        pictures, measured = self.picture(batch)
        if max(self.distances) >= min(pictures.shape[1:]):
            raise ValueError(
                f"pictures of {pictures.shape[1]} x {pictures.shape[2]} px; expected more than "
                f"the largest distance, {max(self.distances)}"
            )
        grey = quantised(pictures, self.levels)
        columns = []
        for distance in self.distances:
            each = np.stack(
                [
                    properties(matrices(grey, (distance * y, distance * x), self.levels))
                    for y, x in DIRECTIONS
                ]
            )
            columns += [each.mean(0), each.std(0)]
        return unmeasured_as_nan(np.concatenate(columns, 1), measured)


def quantised(pictures: np.ndarray, levels: int) -> np.ndarray:
    """[object, y, x] grey levels from 0 up: the picture's darkest to its brightest pixel.

    Example:
        >>> quantised(np.array([[[0.0, 0.5, 1.0]]]), 4).tolist()
        [[[0, 2, 3]]]
    """
    low = pictures.min((1, 2), keepdims=True)
    span = np.maximum(pictures.max((1, 2), keepdims=True) - low, 1e-12)
    return np.minimum((pictures - low) / span * levels, levels - 1).astype(np.int64)


def matrices(grey: np.ndarray, step: tuple[int, int], levels: int) -> np.ndarray:
    """[object, level, level] shares of the pairs of pixels at a step, counted both ways.

    Args:
        grey: [object, y, x] integers below ``levels``.
        step: (y, x) px; y not negative.
        levels: of grey.

    Example:
        >>> matrices(np.array([[[0, 1], [0, 1]]]), (0, 1), 2).tolist()
        [[[0.0, 0.5], [0.5, 0.0]]]
    """
    y, x = step
    height, width = grey.shape[1:]
    first = grey[:, : height - y, max(-x, 0) : width - max(x, 0)]
    second = grey[:, y:, max(x, 0) : width + min(x, 0)]
    objects = np.arange(len(grey))[:, None, None]
    pairs = (objects * levels + first) * levels + second
    counts = np.bincount(pairs.ravel(), minlength=len(grey) * levels**2)
    table = counts.reshape(len(grey), levels, levels).astype(float)
    table = table + table.transpose(0, 2, 1)
    return table / table.sum((1, 2), keepdims=True)


def properties(matrix: np.ndarray) -> np.ndarray:
    """[object, property] in the order of ``NAMES``; a matrix of one level has correlation 1.

    Args:
        matrix: [object, level, level] shares.

    Example:
        >>> properties(np.array([[[0.5, 0.0], [0.0, 0.5]]])).round(2).tolist()
        [[0.0, 0.0, 1.0, 0.71, 1.0, 0.69]]
    """
    level = np.arange(matrix.shape[-1], dtype=float)
    apart = level[:, None] - level
    mean = np.einsum("oij,i->o", matrix, level)
    variance = np.einsum("oij,i->o", matrix, level**2) - mean**2
    together = np.einsum("oij,i,j->o", matrix, level, level) - mean**2
    one = variance < 1e-12
    return np.stack(
        [
            np.einsum("oij,ij->o", matrix, apart**2),
            np.einsum("oij,ij->o", matrix, np.abs(apart)),
            np.einsum("oij,ij->o", matrix, 1 / (1 + apart**2)),
            np.sqrt((matrix**2).sum((1, 2))),
            np.where(one, 1.0, together / np.where(one, 1.0, variance)),
            -(matrix * np.log(np.maximum(matrix, 1e-12))).sum((1, 2)),
        ],
        1,
    )
