"""Quantile forest: the redshifts of training objects that trees cannot tell from an object."""

from collections.abc import Sequence
from copy import copy
from math import sqrt
from typing import Self

import numpy as np
import torch
from sklearn.ensemble import RandomForestRegressor

from deepfield.nouns.batch import Batch
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source
from deepfield.rivals.band_fluxes import collect_redshifts, fluxes

TREES = 128
"""each says one redshift: that many samples"""
GOLDEN = (sqrt(5) - 1) / 2
LEVELS = (0.16, 0.5, 0.84)
"""quantiles whose pinball loss chooses the leaves"""


class ForestRedshift:
    """A random forest whose leaves keep all of their objects (Meinshausen 2006, JMLR 7, 983).

    As TPZ (Carrasco Kind & Brunner 2013, MNRAS 432, 1483). Sees asinh magnitudes, colours of
    neighbouring bands and the logarithms of the errors; trees take missing bands as they are.
    Every tree gives a sample, one of the redshifts in the object's leaf. How many objects a leaf
    holds at least is chosen on the validation objects.

    Args:
        name: of the redshift.
        limit: most training objects; None = all.
        held_out: most validation objects.
        leaves: least objects in a leaf, to try.

    Example:
        >>> ForestRedshift().leaves
        (2, 5, 12)
    """

    quantity: Quantity
    softening: np.ndarray
    forest: RandomForestRegressor
    redshift: np.ndarray
    order: list[np.ndarray]
    """of each tree: training objects by leaf, and by redshift within a leaf"""
    first: list[np.ndarray]
    """of each tree: where every leaf begins in that order"""

    def __init__(
        self,
        name: str = "redshift",
        *,
        limit: int | None = 50000,
        held_out: int = 2000,
        leaves: Sequence[int] = (2, 5, 12),
    ) -> None:
        self.name = name
        self.limit = limit
        self.held_out = held_out
        self.leaves = tuple(leaves)

    def fit(self, source: Source) -> Self:
        """Grow forests, and keep that with the best quantiles.

        Raises:
            ValueError: no objects with light and redshift.
        """
        fitted = copy(self)
        fitted.quantity = source.quantity(self.name)
        train, fitted.redshift = collect_redshifts(source.part("train"), self.name, self.limit)
        held_out, truth = collect_redshifts(source.part("validation"), self.name, self.held_out)
        fitted.softening = train.softening()
        table, other = (f.features(fitted.softening) for f in (train, held_out))
        grown = [copy(fitted)._grow(table, least) for least in self.leaves]
        return min(grown, key=lambda each: _pinball(each._samples(other), truth))

    def predict(self, batch: Batch) -> Prediction:
        """A redshift of every tree; NaN where no band has light."""
        found = fluxes(batch)
        samples = torch.from_numpy(self._samples(found.features(self.softening))).float()
        posterior = Posterior((self.quantity,), samples[:, :, None])
        seen = torch.from_numpy(np.isfinite(found.sigma).any(1))
        return Prediction({"posterior": posterior.blank(~seen)})

    def _grow(self, table: np.ndarray, least: int) -> Self:
        self.forest = RandomForestRegressor(
            TREES, min_samples_leaf=least, max_features=0.5, random_state=0
        ).fit(table, self.redshift)
        self.order, self.first = [], []
        for nodes, tree in zip(self.forest.apply(table).T, self.forest.estimators_, strict=True):
            self.order.append(np.lexsort((self.redshift, nodes)))
            counts = np.bincount(nodes, minlength=tree.tree_.node_count)
            self.first.append(np.concatenate([[0], counts.cumsum()]))
        return self

    def _samples(self, table: np.ndarray) -> np.ndarray:
        """[object, tree] redshifts."""
        samples = []
        for k, nodes in enumerate(self.forest.apply(table).T):
            low, high = self.first[k][nodes], self.first[k][nodes + 1]
            # Multiples of the golden ratio fill the leaves evenly from tree to tree.
            place = low + (GOLDEN * (k + 1) % 1 * (high - low)).astype(int)
            samples.append(self.redshift[self.order[k][place]])
        return np.stack(samples, 1)


def _pinball(samples: np.ndarray, truth: np.ndarray) -> float:
    above = truth - np.quantile(samples, LEVELS, axis=1)
    levels = np.array(LEVELS)[:, None]
    return float(np.maximum(levels * above, (levels - 1) * above).mean())
