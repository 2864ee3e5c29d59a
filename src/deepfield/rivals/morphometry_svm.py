"""Morphometry + SVM: classical structure and a support vector machine, as galSVM."""

from copy import copy
from typing import Self

import numpy as np
import torch
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer

from deepfield.nouns.batch import Batch
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source
from deepfield.rivals.examples import answer, collect
from deepfield.rivals.morphometry import NAMES, features
from deepfield.rivals.support_vectors import SupportVectors, learn, tune


class MorphometrySvm:
    """Classes from morphometry and an RBF machine (Huertas-Company et al. 2008).

    Every feature takes the median where it is missing and is spread to a normal distribution by
    its rank, so skewed ones need no logarithm. Penalty and width are chosen on ``tuning``
    training and ``held_out`` validation objects, which also calibrate the probabilities. Soft
    labels count as their largest class, weighted by its fraction.

    Args:
        name: of the quantity to learn.
        limit: most training objects.
        tuning: training objects for choosing settings.
        held_out: most validation objects.
        kept: names of the features to learn from; None = all of them.

    Raises:
        ValueError: a feature that there is not.

    Example:
        >>> MorphometrySvm("kind").limit
        10000
    """

    quantity: Quantity
    machine: SupportVectors

    def __init__(
        self,
        name: str,
        *,
        limit: int | None = 10000,
        tuning: int = 2500,
        held_out: int = 2000,
        kept: tuple[str, ...] | None = None,
    ) -> None:
        if unknown := set(kept or ()) - set(NAMES):
            raise ValueError(
                f"no feature {', '.join(sorted(unknown))}; expected some of {', '.join(NAMES)}"
            )
        self.name = name
        self.limit = limit
        self.tuning = tuning
        self.held_out = held_out
        self.kept = kept

    def fit(self, source: Source) -> Self:
        """Choose the settings and learn.

        Raises:
            ValueError: no labelled objects, or of one class only.
        """
        fitted = copy(self)
        fitted.quantity = source.quantity(self.name)
        train = collect(source.part("train"), self.name, self.limit, self._table)
        held_out = collect(source.part("validation"), self.name, self.held_out, self._table)
        few = train.first(self.tuning)
        penalty, width, _ = tune(few, held_out, _scaling(len(few)))
        classes = len(fitted.quantity.classes)
        scaling = _scaling(len(train))
        fitted.machine = learn(train, held_out, scaling, classes, penalty, width)
        return fitted

    def predict(self, batch: Batch) -> Prediction:
        """Class probabilities; NaN for objects without pixels."""
        found = self._table(batch)
        probabilities = self.machine.probabilities(found)
        return answer(self.quantity, probabilities, torch.from_numpy(~np.isnan(found).all(1)))

    def _table(self, batch: Batch) -> np.ndarray:
        found = features(batch).numpy()
        return found if self.kept is None else found[:, [NAMES.index(name) for name in self.kept]]


def _scaling(count: int) -> Pipeline:
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        QuantileTransformer(
            n_quantiles=min(count, 200), output_distribution="normal", random_state=0
        ),
        # The two ends of the distribution would lie 5 sigma out.
        FunctionTransformer(np.clip, kw_args={"a_min": -2.5, "a_max": 2.5}),
    )
