"""Classical: any features with any learner, as it was done before features were learnt."""

from collections.abc import Sequence
from copy import copy
from typing import Self

import numpy as np
import torch

from deepfield.nouns.batch import Batch
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source
from deepfield.rivals.examples import answer, collect
from deepfield.rivals.features.contract import Features, joined, learnt
from deepfield.rivals.learners.contract import Learner, Taught


class Classical:
    """Classes from features that somebody thought of, and a learner that takes a table.

    The features of all kinds are measured and put side by side; the learner chooses its settings
    on validation objects. Soft labels count as their largest class, weighted by its fraction.

    Args:
        name: of the quantity to learn.
        features: of ``rivals.features``, one kind or several.
        learner: of ``rivals.learners``; with ``components`` it learns from that many principal
            components of the table.
        limit: most training objects.
        held_out: most validation objects.

    Raises:
        ValueError: no features.

    Example:
        >>> from deepfield.rivals.features.photometry import Photometry
        >>> from deepfield.rivals.features.structure import Structure
        >>> from deepfield.rivals.learners.boosting import Boosting
        >>> Classical("kind", [Photometry(), Structure()], Boosting()).limit
        10000
    """

    quantity: Quantity
    taught: Taught

    def __init__(
        self,
        name: str,
        features: Sequence[Features],
        learner: Learner,
        *,
        limit: int | None = 10000,
        held_out: int = 2000,
    ) -> None:
        if not features:
            raise ValueError(f"no features to learn {name} from; expected at least one kind")
        self.name = name
        self.features = tuple(features)
        self.learner = learner
        self.limit = limit
        self.held_out = held_out

    def fit(self, source: Source) -> Self:
        """Settle the features, choose the settings and learn.

        Raises:
            ValueError: no labelled objects, or of one class only.
        """
        fitted = copy(self)
        fitted.quantity = source.quantity(self.name)
        part = source.part("train")
        fitted.features = tuple(learnt(each, part) for each in self.features)
        train = collect(part, self.name, self.limit, fitted.table)
        held_out = collect(source.part("validation"), self.name, self.held_out, fitted.table)
        fitted.taught = self.learner.teach(train, held_out, len(fitted.quantity.classes))
        return fitted

    def predict(self, batch: Batch) -> Prediction:
        """Class probabilities; NaN for objects without pixels, or with all pixels alike."""
        table = self.table(batch)
        found = self.taught.probabilities(table)
        return answer(self.quantity, found, torch.from_numpy(~np.isnan(table).all(1)))

    def table(self, batch: Batch) -> np.ndarray:
        """[object, feature]: the features of all kinds side by side."""
        return joined([measure(batch) for measure in self.features])
