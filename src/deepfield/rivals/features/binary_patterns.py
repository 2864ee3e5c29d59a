"""Local binary patterns: which of a pixel's neighbours are brighter than it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from skimage.feature import local_binary_pattern

from deepfield.nouns.batch import Batch
from deepfield.rivals.features.picture import Picture, unmeasured_as_nan

STEPS = 256
"""levels that a picture is cut to, as the patterns are defined for"""


@dataclass(frozen=True)
class BinaryPatterns:
    """Histograms of uniform, rotation-invariant patterns at several radii.

    A pattern says which points of a circle around a pixel are brighter than the pixel; uniform
    ones have at most two changes around the circle, and count by how many are brighter. Pixels
    count with their light: most of a stamp is noise (Ojala, Pietikainen & Maenpaa 2002, IEEE PAMI
    24, 971; scikit-image).

    Args:
        radii: of the circles, px; each has 8 points a pixel of radius, 24 at most.
        picture: how the stamp is shown to it.

    Example:
        >>> import torch
        >>> batch = Batch(np.array(["a"]), torch.rand(1, 1, 32, 32), ("r",))
        >>> BinaryPatterns(radii=(1, 2))(batch).shape  # 8 + 2 and 16 + 2 kinds of pattern
        (1, 28)
    """

    radii: Sequence[int] = (1, 2, 4)
    picture: Picture = field(default_factory=partial(Picture, crop=0.75, blur=1.0))

    def __call__(self, batch: Batch) -> np.ndarray:
        """[object, pattern]."""
        pictures, measured = self.picture(batch)
        points = [min(8 * radius, 24) for radius in self.radii]
        table = np.zeros((len(pictures), sum(points) + 2 * len(points)))
        for row in np.flatnonzero(measured):
            image = _levels(pictures[row])
            weight = np.clip(pictures[row], 0, None).ravel() + 1e-6
            shares = [
                np.bincount(
                    local_binary_pattern(image, number, radius, "uniform").astype(int).ravel(),
                    weight,
                    minlength=number + 2,
                )
                / weight.sum()
                for number, radius in zip(points, self.radii, strict=True)
            ]
            table[row] = np.concatenate(shares)
        return unmeasured_as_nan(table, measured)


def _levels(image: np.ndarray) -> np.ndarray:
    low, high = image.min(), image.max()
    return ((image - low) * ((STEPS - 1) / max(high - low, 1e-12))).astype(np.uint8)
