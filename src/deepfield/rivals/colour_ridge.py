"""Colour histogram + ridge: vote fractions from which colours a galaxy has, not where."""

from copy import copy
from typing import Self

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.batch import Batch
from deepfield.nouns.decision_tree import DecisionTree
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.source import Source
from deepfield.rivals.stamps import Stamps, prepare
from deepfield.rivals.vote_ridge import VoteRidge, collect, learn

BINS = 12
BRIGHTEST, REDDEST = 6.0, 1.5
"""asinh of the signal-to-noise of a pixel, and its difference between bands, where bins end"""
DETECTED = 3.0


class ColourRidge:
    """Votes from histograms of brightness and colour over the pixels, and a ridge regression.

    Args:
        tree: the questions.
        limit: most training objects.
        held_out: most validation objects.

    Example:
        >>> from deepfield.nouns.galaxy_zoo import CANDELS
        >>> ColourRidge(CANDELS).limit
        20000
    """

    model: VoteRidge

    def __init__(
        self, tree: DecisionTree, *, limit: int | None = 20000, held_out: int = 2000
    ) -> None:
        self.tree = tree
        self.limit = limit
        self.held_out = held_out

    def fit(self, source: Source) -> Self:
        """Choose the penalty and learn.

        Raises:
            ValueError: no objects with votes.
        """
        fitted = copy(self)
        train = collect(source.part("train"), self.tree, self.limit, _table)
        held_out = collect(source.part("validation"), self.tree, self.held_out, _table)
        fitted.model, _ = learn(self.tree, train, held_out)
        return fitted

    def predict(self, batch: Batch) -> Prediction:
        """Vote fractions; NaN for objects without pixels."""
        stamps = prepare(batch)
        votes = self.model.votes(histograms(stamps), stamps.measured)
        return Prediction({"votes": votes})


def histograms(stamps: Stamps) -> np.ndarray:
    """[object, feature] float32: square roots of how many pixels have each brightness and colour.

    Brightness is that of the summed image; colour is of neighbouring bands, of pixels above 3
    sigma, and counts both brightness (coarsely) and colour.

    Args:
        stamps: as from ``prepare``.

    Example:
        >>> from deepfield.nouns.batch import Batch
        >>> batch = Batch(np.array(["a"]), torch.rand(1, 2, 16, 16), ("g", "r"),
        ...               variance=torch.ones(1, 1, 1, 1))
        >>> histograms(prepare(batch)).shape
        (1, 48)
    """
    bright = torch.asinh(stamps.image)
    found = [_counts(bright / BRIGHTEST, torch.ones_like(bright, dtype=torch.bool), BINS)]
    usable = stamps.sigma.isfinite()
    sigma = stamps.sigma.masked_fill(~usable, 1.0)[..., None, None]
    signal = torch.asinh(stamps.channels / sigma)
    for first in range(stamps.channels.shape[1] - 1):
        colour = (signal[:, first + 1] - signal[:, first]) / (2 * REDDEST) + 0.5
        for low, high in ((DETECTED, 10.0), (10.0, 30.0), (30.0, torch.inf)):
            seen = stamps.valid & (stamps.image > low) & (stamps.image <= high)
            found.append(_counts(colour, seen, BINS))
    return torch.cat(found, 1).sqrt().numpy()


def _counts(values: Tensor, use: Tensor, bins: int) -> Tensor:
    """[object, bin] pixels whose value from 0 to 1 falls in each bin; the ends hold the rest."""
    place = (values * bins).long().clamp(0, bins - 1).flatten(1)
    empty = torch.zeros(len(values), bins)
    return empty.scatter_add(1, place, use.flatten(1).float())


def _table(batch: Batch) -> np.ndarray:
    stamps = prepare(batch)
    return np.where(stamps.measured.numpy()[:, None], histograms(stamps), np.nan)
