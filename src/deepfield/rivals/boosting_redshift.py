"""Gradient boosting: quantiles of the redshift from magnitudes, colours and errors."""

from collections.abc import Sequence
from copy import copy
from typing import Self

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingRegressor

from deepfield.nouns.batch import Batch
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source
from deepfield.rivals.band_fluxes import collect_redshifts, fluxes

LEVELS = (0.01, 0.05, 0.16, 0.3, 0.5, 0.7, 0.84, 0.95, 0.99)
"""quantiles that are learnt, each by trees of its own"""
SAMPLES = 128


class BoostingRedshift:
    """Histogram gradient boosting of the pinball loss (Friedman 2001; Koenker & Bassett 1978).

    Sees asinh magnitudes, all colours of neighbouring bands and the logarithms of the errors;
    trees take missing bands as they are. Leaves and the number of trees are chosen on the
    validation objects by the median's absolute error.

    Args:
        name: of the redshift.
        limit: most training objects; None = all.
        held_out: most validation objects.
        leaves: most leaves of a tree to try.
        trees: numbers of trees to try.
        rate: of learning.

    Example:
        >>> BoostingRedshift().limit
        50000
    """

    quantity: Quantity
    softening: np.ndarray
    models: list[HistGradientBoostingRegressor]

    def __init__(
        self,
        name: str = "redshift",
        *,
        limit: int | None = 50000,
        held_out: int = 2000,
        leaves: Sequence[int] = (8, 16, 31),
        trees: Sequence[int] = (100, 200, 400),
        rate: float = 0.05,
    ) -> None:
        self.name = name
        self.limit = limit
        self.held_out = held_out
        self.leaves = tuple(leaves)
        self.trees = tuple(trees)
        self.rate = rate

    def fit(self, source: Source) -> Self:
        """Choose the trees and learn every quantile.

        Raises:
            ValueError: no objects with light and redshift.
        """
        fitted = copy(self)
        fitted.quantity = source.quantity(self.name)
        train, redshift = collect_redshifts(source.part("train"), self.name, self.limit)
        held_out, truth = collect_redshifts(source.part("validation"), self.name, self.held_out)
        fitted.softening = train.softening()
        table, other = (f.features(fitted.softening) for f in (train, held_out))
        tried = []
        for leaves in self.leaves:
            model = self._model(0.5, max(self.trees), leaves).fit(table, redshift)
            stages = dict(enumerate(model.staged_predict(other), 1))
            tried += [(float(np.abs(stages[n] - truth).mean()), n, leaves) for n in self.trees]
        _, trees, leaves = min(tried)
        fitted.models = [self._model(q, trees, leaves).fit(table, redshift) for q in LEVELS]
        return fitted

    def predict(self, batch: Batch) -> Prediction:
        """Redshifts linear between the quantiles; NaN where no band has light."""
        found = fluxes(batch)
        table = found.features(self.softening)
        # Each quantile has its own trees: sorting keeps them from crossing.
        learnt = np.sort(np.stack([model.predict(table) for model in self.models], 1), 1)
        levels = (np.arange(SAMPLES) + 0.5) / SAMPLES
        samples = np.stack([np.interp(levels, LEVELS, row) for row in learnt])
        seen = torch.from_numpy(np.isfinite(found.sigma).any(1))
        posterior = Posterior((self.quantity,), torch.from_numpy(samples).float()[:, :, None])
        return Prediction({"posterior": posterior.blank(~seen)})

    def _model(self, level: float, trees: int, leaves: int) -> HistGradientBoostingRegressor:
        return HistGradientBoostingRegressor(
            loss="quantile",
            quantile=level,
            max_iter=trees,
            max_leaf_nodes=leaves,
            learning_rate=self.rate,
            early_stopping=False,
            random_state=0,
        )
