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
from deepfield.rivals import hog
from deepfield.rivals.hog import Setting
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
        every = _views(VoteExamples(stamps.image.numpy(), np.zeros((len(batch), 1))), 8 * 10**6)
        looks = torch.from_numpy(every.features).split(max(len(batch), 1))
        answers = [
            self.model.votes(hog.features(look, self.setting), stamps.measured) for look in looks
        ]
        return Prediction({"votes": type(answers[0]).pool(answers)})


def _images(batch: Batch) -> np.ndarray:
    stamps = prepare(batch)
    return stamps.image.masked_fill(~stamps.measured[:, None, None], torch.nan).numpy()


def _views(examples: VoteExamples, rows: int) -> VoteExamples:
    """The objects in as many of the square's eight views as ``rows`` allows, one at least."""
    images = examples.features
    mirrored = images[:, :, ::-1]
    views = [np.rot90(each, turn, axes=(1, 2)) for turn in range(4) for each in (images, mirrored)]
    # Turning a stamp that is not square by a quarter changes its shape.
    views = [view for view in views if view.shape == images.shape]
    count = max(1, min(len(views), rows // max(len(examples), 1)))
    return VoteExamples(np.concatenate(views[:count]), np.tile(examples.votes, (count, 1)))


def _histograms(examples: VoteExamples, setting: Setting) -> VoteExamples:
    images = torch.from_numpy(np.ascontiguousarray(examples.features))
    return VoteExamples(hog.features(images, setting), examples.votes)
