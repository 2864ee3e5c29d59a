"""Feature ridge: vote fractions from any features by linear regression."""

from collections.abc import Sequence
from copy import copy
from typing import Self

import numpy as np
import torch

from deepfield.nouns.batch import Batch
from deepfield.nouns.decision_tree import DecisionTree
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.source import Source
from deepfield.rivals.features.contract import Features, joined, learnt
from deepfield.rivals.vote_ridge import VoteRidge, collect, learn


class FeatureRidge:
    """Votes from features of all kinds side by side, and a ridge regression.

    Its penalty is chosen on validation objects. Features that cannot be measured count as 0.

    Args:
        tree: the questions.
        features: of ``rivals.features``, one kind or several.
        limit: most training objects.
        held_out: most validation objects.

    Raises:
        ValueError: no features.

    Example:
        >>> from deepfield.nouns.galaxy_zoo import CANDELS
        >>> from deepfield.rivals.features.colour_histogram import ColourHistogram
        >>> FeatureRidge(CANDELS, [ColourHistogram()]).limit
        20000
    """

    model: VoteRidge

    def __init__(
        self,
        tree: DecisionTree,
        features: Sequence[Features],
        *,
        limit: int | None = 20000,
        held_out: int = 2000,
    ) -> None:
        if not features:
            raise ValueError("no features to learn votes from; expected at least one kind")
        self.tree = tree
        self.features = tuple(features)
        self.limit = limit
        self.held_out = held_out

    def fit(self, source: Source) -> Self:
        """Settle the features, choose the penalty and learn.

        Raises:
            ValueError: no objects with votes.
        """
        fitted = copy(self)
        part = source.part("train")
        fitted.features = tuple(learnt(each, part) for each in self.features)
        train = collect(part, self.tree, self.limit, fitted._table)
        held_out = collect(source.part("validation"), self.tree, self.held_out, fitted._table)
        fitted.model, _ = learn(self.tree, train, held_out)
        return fitted

    def predict(self, batch: Batch) -> Prediction:
        """Vote fractions; NaN for objects without pixels, or with all pixels alike."""
        table = self._table(batch)
        measured = torch.from_numpy(~np.isnan(table).all(1))
        return Prediction({"votes": self.model.votes(np.nan_to_num(table), measured)})

    def _table(self, batch: Batch) -> np.ndarray:
        table = joined([measure(batch) for measure in self.features])
        # Rows without any number are not measured, and stay so.
        gaps = np.isnan(table) & ~np.isnan(table).all(1, keepdims=True)
        return np.where(gaps, 0.0, table)
