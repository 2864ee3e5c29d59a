"""Logistic regression and a random forest on a table, and how they rank its columns."""

from collections.abc import Sequence
from copy import copy
from typing import Self

import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression

from deepfield.nouns.batch import Batch, missing
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source
from deepfield.rivals.examples import Examples, answer, collect


class TableLogistic:
    """Logistic regression; its strength of regularisation is chosen on validation objects.

    ``importances`` are the sizes of the coefficients of standardised columns.

    Args:
        name: of the classes.
        limit: most training objects.
        strengths: inverse regularisations to try.

    Example:
        >>> TableLogistic("state").limit
        20000
    """

    quantity: Quantity
    columns: "Columns"
    model: LogisticRegression

    def __init__(
        self,
        name: str,
        *,
        limit: int | None = 20000,
        strengths: Sequence[float] = (0.01, 0.1, 1.0, 10.0, 100.0),
    ) -> None:
        self.name = name
        self.limit = limit
        self.strengths = tuple(strengths)

    def fit(self, source: Source) -> Self:
        """Choose the strength and learn."""
        fitted = copy(self)
        fitted.quantity = source.quantity(self.name)
        train, held_out = _examples(source, self.name, self.limit)
        fitted.columns = Columns(train.features)
        table, other = fitted.columns(train.features), fitted.columns(held_out.features)
        models = [
            LogisticRegression(C=strength, max_iter=1000).fit(table, train.labels)
            for strength in self.strengths
        ]
        fitted.model = max(models, key=lambda model: model.score(other, held_out.labels))
        return fitted

    def predict(self, batch: Batch) -> Prediction:
        """Probabilities; NaN for rows without a number."""
        table = _table(batch)
        found = self.model.predict_proba(self.columns(table))
        return answer(self.quantity, found, torch.from_numpy(~np.isnan(table).all(1)))

    def importances(self) -> np.ndarray:
        """[column] sizes of the coefficients, the mean over the classes."""
        return np.abs(self.model.coef_).mean(0)


class TableForest:
    """A random forest (Breiman 2001); the size of a leaf is chosen on validation objects.

    Args:
        name: of the classes.
        limit: most training objects.
        trees: in the forest.
        leaves: fewest objects in a leaf to try.

    Example:
        >>> TableForest("state").limit
        20000
    """

    quantity: Quantity
    columns: "Columns"
    model: RandomForestClassifier
    seen: Examples

    def __init__(
        self,
        name: str,
        *,
        limit: int | None = 20000,
        trees: int = 200,
        leaves: Sequence[int] = (5, 20, 80),
    ) -> None:
        self.name = name
        self.limit = limit
        self.trees = trees
        self.leaves = tuple(leaves)

    def fit(self, source: Source) -> Self:
        """Choose the leaves and learn."""
        fitted = copy(self)
        fitted.quantity = source.quantity(self.name)
        train, fitted.seen = _examples(source, self.name, self.limit)
        fitted.columns = Columns(train.features)
        table, other = fitted.columns(train.features), fitted.columns(fitted.seen.features)
        models = [
            RandomForestClassifier(
                self.trees, min_samples_leaf=leaf, random_state=0, n_jobs=1
            ).fit(table, train.labels)
            for leaf in self.leaves
        ]
        fitted.model = max(models, key=lambda model: model.score(other, fitted.seen.labels))
        return fitted

    def predict(self, batch: Batch) -> Prediction:
        """Probabilities; NaN for rows without a number."""
        table = _table(batch)
        found = self.model.predict_proba(self.columns(table))
        return answer(self.quantity, found, torch.from_numpy(~np.isnan(table).all(1)))

    def importances(self) -> np.ndarray:
        """[column] loss of AUC on the validation objects when the column is shuffled."""
        table = self.columns(self.seen.features)
        scoring = "roc_auc" if len(self.quantity.classes) == 2 else "roc_auc_ovr"
        found = permutation_importance(
            self.model, table, self.seen.labels, scoring=scoring, n_repeats=3, random_state=0
        )
        return found.importances_mean


class Columns:
    """Standardises columns, and fills gaps with their mean.

    Args:
        table: [object, column] to learn from, NaN where missing.
    """

    def __init__(self, table: np.ndarray) -> None:
        rows = np.ma.masked_invalid(table)
        self.mean = np.ma.filled(rows.mean(0), 0.0)
        self.deviation = np.ma.filled(rows.std(0), 1.0).clip(min=1e-9)

    def __call__(self, table: np.ndarray) -> np.ndarray:
        """[object, column] without gaps."""
        return np.nan_to_num((table - self.mean) / self.deviation)


def _table(batch: Batch) -> np.ndarray:
    return batch.values.masked_fill(missing(batch), torch.nan).flatten(1).double().numpy()


def _examples(source: Source, name: str, limit: int | None) -> tuple[Examples, Examples]:
    train = collect(source.part("train"), name, limit, _table)
    return train, collect(source.part("validation"), name, limit, _table)
