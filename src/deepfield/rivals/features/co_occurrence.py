"""Co-occurrence: which grey levels lie how far from each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from skimage.feature import graycomatrix, graycoprops

from deepfield.nouns.batch import Batch
from deepfield.rivals.features.picture import Picture, unmeasured_as_nan

NAMES = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation", "entropy")
DIRECTIONS = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)


@dataclass(frozen=True)
class CoOccurrence:
    """Properties of the matrices of grey levels at several distances.

    A matrix holds how often a level lies at a step from another, both ways; of its properties
    (contrast, dissimilarity, homogeneity, energy, correlation, entropy) the mean over four
    directions and the spread between them are kept: the sky has no direction (Haralick, Shanmugam
    & Dinstein 1973, IEEE SMC 3, 610; scikit-image).

    Args:
        distances: px.
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
        table = np.zeros((len(grey), len(self.distances) * 2 * len(NAMES)))
        for row in np.flatnonzero(measured):
            matrices = graycomatrix(
                grey[row], self.distances, DIRECTIONS, self.levels, symmetric=True, normed=True
            )
            # [property, distance, direction]
            each = np.stack([graycoprops(matrices, name) for name in NAMES])
            table[row] = np.concatenate([each.mean(2).T, each.std(2).T], 1).ravel()
        return unmeasured_as_nan(table, measured)


def quantised(pictures: np.ndarray, levels: int) -> np.ndarray:
    """[object, y, x] grey levels from 0 up: the picture's darkest to its brightest pixel.

    Example:
        >>> quantised(np.array([[[0.0, 0.5, 1.0]]]), 4).tolist()
        [[[0, 2, 3]]]
    """
    low = pictures.min((1, 2), keepdims=True)
    span = np.maximum(pictures.max((1, 2), keepdims=True) - low, 1e-12)
    return np.minimum((pictures - low) / span * levels, levels - 1).astype(np.uint8)
