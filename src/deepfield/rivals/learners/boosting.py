"""Boosting: many small trees, each mending what is left."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from deepfield.rivals.examples import Examples
from deepfield.rivals.learners.preparation import preparation, prepared
from deepfield.rivals.learners.search import Probabilistic, calibrated

BINS = 64
"""of every feature; more are slower and no better on thousands of objects"""


@dataclass(frozen=True)
class Boosting:
    """Gradient boosting of trees on histograms (Friedman 2001, Ann. Statist. 29, 1189).

    The size of the trees and their number are chosen on held-out objects: the number by adding
    trees until the held-out accuracy has been at its best.

    Args:
        leaves: most leaves of a tree to try.
        trees: at most, for each class.
        rate: share of what is left that a tree mends.
        power: a split may choose from this power of the number of features.
        components: principal components to learn from; None = the features themselves.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(300, 2))
        >>> examples = Examples(x, (x[:, 0] * x[:, 1] > 0).astype(int), np.ones(300))
        >>> taught = Boosting(leaves=(8,), trees=30).teach(examples, examples, 2)
        >>> taught.probabilities(np.array([[1.0, 1.0], [1.0, -1.0]])).argmax(1).tolist()
        [1, 0]
    """

    leaves: Sequence[int] = (8,)
    trees: int = 100
    rate: float = 0.1
    power: float = 0.75
    components: int | None = None

    def teach(self, train: Examples, held_out: Examples, classes: int) -> Probabilistic:
        """Choose the settings on held-out objects; the machine that was best is the one kept."""
        objects, columns = train.features.shape
        steps = preparation(
            "standard", objects=objects, columns=columns, components=self.components
        )
        x, y = prepared(steps, train, fit=True), prepared(steps, held_out)
        tried = [
            (*_best(machine, y), -i, machine)
            for i, leaf in enumerate(self.leaves)
            for machine in [self._machine(leaf, self.trees, x)]
        ]
        _, fewer, place, machine = max(tried, key=lambda t: t[:3])
        if -fewer < self.trees:  # the same trees again, without those that came too late
            machine = self._machine(self.leaves[-place], -fewer, x)
        return calibrated(machine, steps, held_out, classes)

    def _machine(self, leaves: int, trees: int, x: Examples) -> HistGradientBoostingClassifier:
        machine = HistGradientBoostingClassifier(
            learning_rate=self.rate,
            max_iter=trees,
            max_leaf_nodes=leaves,
            min_samples_leaf=10,
            max_bins=BINS,
            l2_regularization=1.0,
            max_features=x.features.shape[1] ** (self.power - 1),
            early_stopping=False,
            random_state=0,
        )
        # Weights make the search for bins many times slower, even where all are alike.
        alike = bool((x.weights == x.weights[0]).all())
        return machine.fit(x.features, x.labels, None if alike else x.weights)


def _best(machine: HistGradientBoostingClassifier, held_out: Examples) -> tuple[float, int]:
    """The best held-out accuracy with any number of trees, and minus the fewest that reach it."""
    right = [
        float(np.average(said == held_out.labels, weights=held_out.weights))
        for said in machine.staged_predict(held_out.features)
    ]
    number = int(np.argmax(right))
    return right[number], -(number + 1)
