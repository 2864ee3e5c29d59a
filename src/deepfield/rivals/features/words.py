"""Visual words: how often which kind of patch occurs."""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Self

import numpy as np
from skimage.feature import daisy
from sklearn.cluster import MiniBatchKMeans

from deepfield.nouns.batch import Batch
from deepfield.nouns.source import Source
from deepfield.rivals.examples import batches
from deepfield.rivals.features.picture import Picture, unmeasured_as_nan

HISTOGRAMS = 8
"""samples around a ring, and directions of a gradient: a step of one is a turn of the other"""


@dataclass(frozen=True)
class Words:
    """A histogram of words: dense descriptors of patches, each named by the nearest of k centres.

    The descriptors are DAISY's, which are SIFT's histograms of gradients on rings, on a regular
    grid and turned to their strongest direction (Lowe 2004, IJCV 60, 91; Tola, Lepetit & Fua
    2010, IEEE PAMI 32, 815; scikit-image); the dictionary is k-means of those of training objects
    (Sivic & Zisserman 2003, ICCV). Every patch counts with its contrast: without it a word would
    be as sure in the sky as in a spiral arm.

    Args:
        words: in the dictionary.
        step: px between patches.
        radius: of a patch, px.
        objects: training objects whose patches make the dictionary.
        picture: how the stamp is shown to it.
        centres: [word, number] the dictionary, once learnt.

    Raises:
        ValueError: fewer than two words; when called, no dictionary yet.

    Example:
        >>> Words(words=16).centres is None
        True
    """

    words: int = 64
    step: int = 4
    radius: int = 7
    objects: int = 400
    picture: Picture = field(default_factory=partial(Picture, crop=0.75))
    centres: np.ndarray | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.words < 2:
            raise ValueError(f"{self.words} words; expected at least 2")

    def learn(self, source: Source) -> Self:
        """The dictionary of the first objects of a source.

        Raises:
            ValueError: fewer patches than words.
        """
        patches = []
        for batch in batches(source, self.objects):
            pictures, measured = self.picture(batch)
            patches += [self.describe(image)[0] for image in pictures[measured]]
        every = np.concatenate(patches) if patches else np.zeros((0, 1), np.float32)
        if len(every) < self.words:
            raise ValueError(
                f"{len(every)} patches for a dictionary of {self.words} words; expected at least "
                "as many: give more objects"
            )
        model = MiniBatchKMeans(self.words, random_state=0, n_init=3, batch_size=2048)
        return replace(self, centres=model.fit(every).cluster_centers_.astype(np.float32))

    def __call__(self, batch: Batch) -> np.ndarray:
        """[object, word] shares of the contrast."""
        if self.centres is None:
            raise ValueError("no dictionary of words yet; call learn with training objects first")
        pictures, measured = self.picture(batch)
        table = np.zeros((len(pictures), self.words))
        for row in np.flatnonzero(measured):
            patches, contrast = self.describe(pictures[row])
            # |a - b|^2 without |a|^2, which is the same for every word.
            far = (self.centres**2).sum(1) - 2 * patches @ self.centres.T
            counts = np.bincount(far.argmin(1), contrast, minlength=self.words)
            table[row] = counts / max(contrast.sum(), 1e-12)
        return unmeasured_as_nan(table, measured)

    def describe(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The patches of a picture, each turned so that its strongest direction comes first.

        Args:
            image: [y, x], at least 2 radii and a pixel wide.

        Returns:
            [patch, number] of unit length, and [patch] how strong its gradients were.
        """
        # The grid lies about the middle, so that a turned galaxy has the same patches.
        spare = [max(0, side - 2 * self.radius - 1) % self.step for side in image.shape]
        (top, left), (height, width) = (extra // 2 for extra in spare), image.shape
        found = daisy(
            image[top : height - spare[0] + top, left : width - spare[1] + left],
            step=self.step,
            radius=self.radius,
            rings=2,
            histograms=HISTOGRAMS,
            orientations=HISTOGRAMS,
            normalization="off",
        )
        patches = found.reshape(-1, found.shape[-1]).astype(np.float32)
        strength = np.linalg.norm(patches, axis=1)
        return _upright(patches / np.maximum(strength, 1e-12)[:, None]), strength


def _upright(patches: np.ndarray) -> np.ndarray:
    """Patches turned so that the strongest direction of their middle comes first."""
    rings = patches.reshape(len(patches), -1, HISTOGRAMS)
    turn = rings[:, 0].argmax(1)
    place = (np.arange(HISTOGRAMS) + turn[:, None]) % HISTOGRAMS
    out = np.empty_like(rings)
    rows = np.arange(len(patches))[:, None, None]
    out[:, :1] = rings[rows, np.zeros((1, 1, 1), int), place[:, None]]
    for first in range(1, rings.shape[1], HISTOGRAMS):
        out[:, first : first + HISTOGRAMS] = rings[rows, first + place[:, :, None], place[:, None]]
    return out.reshape(patches.shape)
