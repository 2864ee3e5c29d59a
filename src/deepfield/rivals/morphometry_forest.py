"""Morphometry + random forest: classical structure and many decision trees."""

from collections.abc import Sequence
from copy import copy
from itertools import product
from typing import Self

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer

from deepfield.nouns.batch import Batch
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source
from deepfield.rivals.calibration import Calibration, calibrate
from deepfield.rivals.examples import Examples, answer, collect
from deepfield.rivals.morphometry import features


class MorphometryForest:
    """Classes from morphometry and a random forest (Breiman 2001).

    The size of a leaf and the share of features at every split are chosen with ``tuning``
    training and ``held_out`` validation objects, which also calibrate the probabilities. Soft
    labels count as their largest class, weighted by its fraction.

    Args:
        name: of the quantity to learn.
        limit: most training objects.
        tuning: training objects for choosing settings.
        held_out: most validation objects.
        trees: in the final forest; a third of them while choosing.
        leaves: fewest objects in a leaf to try.
        shares: of the features at every split to try.

    Example:
        >>> MorphometryForest("kind").limit
        20000
    """

    quantity: Quantity
    imputer: SimpleImputer
    forest: RandomForestClassifier
    to_probability: Calibration

    def __init__(
        self,
        name: str,
        *,
        limit: int | None = 20000,
        tuning: int = 3000,
        held_out: int = 2000,
        trees: int = 300,
        leaves: Sequence[int] = (1, 3, 8),
        shares: Sequence[float] = (0.1, 0.3),
    ) -> None:
        self.name = name
        self.limit = limit
        self.tuning = tuning
        self.held_out = held_out
        self.trees = trees
        self.settings = tuple(product(leaves, shares))

    def fit(self, source: Source) -> Self:
        """Choose the settings and learn.

        Raises:
            ValueError: no labelled objects, or of one class only.
        """
        fitted = copy(self)
        fitted.quantity = source.quantity(self.name)
        train = collect(source.part("train"), self.name, self.limit, _table)
        held_out = collect(source.part("validation"), self.name, self.held_out, _table)
        fitted.imputer = SimpleImputer(strategy="median", keep_empty_features=True)
        train = _filled(train, fitted.imputer.fit(train.features))
        held_out = _filled(held_out, fitted.imputer)
        few = train.first(self.tuning)
        tried = []
        for leaf, share in self.settings:
            forest = _grown(few, self.trees // 3, leaf, share)
            accuracy = forest.score(held_out.features, held_out.labels, held_out.weights)
            tried.append((accuracy, leaf, share))
        _, leaf, share = max(tried)
        fitted.forest = _grown(train, self.trees, leaf, share)
        fitted.to_probability = calibrate(
            fitted._scores(held_out.features),
            held_out.labels,
            held_out.weights,
            len(fitted.quantity.classes),
        )
        return fitted

    def predict(self, batch: Batch) -> Prediction:
        """Class probabilities; NaN for objects without pixels."""
        found = features(batch)
        scores = self._scores(self.imputer.transform(found.numpy()))
        return answer(self.quantity, self.to_probability(scores), ~found.isnan().all(1))

    def _scores(self, table: np.ndarray) -> np.ndarray:
        """Log of the trees' votes, as if every class had half a vote more."""
        votes = self.forest.predict_proba(table) * self.trees + 0.5
        return np.log(votes / votes.sum(1, keepdims=True))


def _table(batch: Batch) -> np.ndarray:
    return features(batch).numpy()


def _filled(examples: Examples, imputer: SimpleImputer) -> Examples:
    return Examples(imputer.transform(examples.features), examples.labels, examples.weights)


def _grown(examples: Examples, trees: int, leaf: int, share: float) -> RandomForestClassifier:
    forest = RandomForestClassifier(
        trees, min_samples_leaf=leaf, max_features=share, random_state=0, n_jobs=1
    )
    return forest.fit(examples.features, examples.labels, examples.weights)
