"""HoG + ridge: vote fractions from gradient histograms by linear regression."""

from collections.abc import Sequence
from copy import copy
from itertools import product
from typing import Self

import numpy as np
import torch

from deepfield.nouns.batch import Batch
from deepfield.nouns.decision_tree import DecisionTree
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.source import Source
from deepfield.nouns.votes import Votes
from deepfield.rivals import hog
from deepfield.rivals.hog import Setting
from deepfield.rivals.square_views import square_views
from deepfield.rivals.stamps import prepare
from deepfield.rivals.vote_ridge import VoteExamples, VoteRidge, collect, learn


class HogRidge:
    """Votes from histograms of oriented gradients (Dalal & Triggs 2005) and a ridge regression.

    Crop, cell and blur are chosen on ``tuning`` training and ``held_out`` validation objects, the
    penalty on the latter. Objects are shown in up to eight views, turned by quarters and
    mirrored, until there are ``rows``; an answer is the mean over all eight.

    Args:
        tree: the questions.
        limit: most training objects.
        tuning: training objects for choosing settings.
        held_out: most validation objects.
        rows: views to learn from, at most.
        crops: central fractions of the stamp to try.
        cells: sides of a cell to try, pixels.
        blurs: sigmas before the gradient to try, pixels.

    Example:
        >>> from deepfield.nouns.galaxy_zoo import CANDELS
        >>> HogRidge(CANDELS).limit
        8000
    """

    setting: Setting
    model: VoteRidge

    def __init__(
        self,
        tree: DecisionTree,
        *,
        limit: int | None = 8000,
        tuning: int = 1500,
        held_out: int = 1000,
        rows: int = 24000,
        crops: Sequence[float] = (0.5, 0.75, 1.0),
        cells: Sequence[int] = (6, 8),
        blurs: Sequence[float] = (0.0, 1.0),
    ) -> None:
        self.tree = tree
        self.limit = limit
        self.tuning = tuning
        self.held_out = held_out
        self.rows = rows
        self.settings = tuple(Setting(*each) for each in product(crops, cells, blurs))

    def fit(self, source: Source) -> Self:
        """Choose the settings and learn.

        Raises:
            ValueError: no objects with votes.
        """
        fitted = copy(self)
        train = collect(source.part("train"), self.tree, self.limit, _images)
        held_out = collect(source.part("validation"), self.tree, self.held_out, _images)
        few = _views(train.first(self.tuning), 2 * self.tuning)

        def error(setting: Setting) -> float:
            each = (_histograms(examples, setting) for examples in (few, held_out))
            return learn(self.tree, *each)[1]

        fitted.setting = min(self.settings, key=error)
        every = _histograms(_views(train, self.rows), fitted.setting)
        fitted.model, _ = learn(self.tree, every, _histograms(held_out, fitted.setting))
        return fitted

    def predict(self, batch: Batch) -> Prediction:
        """Vote fractions; NaN for objects without pixels."""
        stamps = prepare(batch)
        answers = [
            self.model.votes(_features(look, self.setting), stamps.measured)
            for look in square_views(stamps.image.numpy())
        ]
        return Prediction({"votes": Votes.pool(answers)})


def _images(batch: Batch) -> np.ndarray:
    stamps = prepare(batch)
    return stamps.image.masked_fill(~stamps.measured[:, None, None], torch.nan).numpy()


def _views(examples: VoteExamples, rows: int) -> VoteExamples:
    """The objects in as many of the square's eight views as ``rows`` allows, one at least."""
    views = square_views(examples.features, rows // len(examples))
    return VoteExamples(np.concatenate(views), np.tile(examples.votes, (len(views), 1)))


def _histograms(examples: VoteExamples, setting: Setting) -> VoteExamples:
    return VoteExamples(_features(examples.features, setting), examples.votes)


def _features(images: np.ndarray, setting: Setting) -> np.ndarray:
    return hog.features(torch.from_numpy(np.ascontiguousarray(images)), setting)
