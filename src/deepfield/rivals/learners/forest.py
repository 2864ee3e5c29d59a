"""The random forest: many deep trees, each on other objects and features."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

from sklearn.ensemble import RandomForestClassifier

from deepfield.rivals.examples import Examples
from deepfield.rivals.learners.preparation import preparation, prepared
from deepfield.rivals.learners.search import Probabilistic, calibrated, search

USED = 0.15
"""share of the final trees while choosing: as good to rank settings by"""


@dataclass(frozen=True)
class Forest:
    """A random forest (Breiman 2001, Machine Learning 45, 5).

    The size of a leaf and the number of features at every split are chosen on held-out objects.
    Trees don't mind how columns are scaled.

    Args:
        leaves: fewest objects in a leaf to try.
        powers: features at every split to try, as powers of their number.
        trees: in the final forest.
        components: principal components to learn from; None = the features themselves.
        tuning: training objects for choosing the settings.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(200, 2))
        >>> examples = Examples(x, (x[:, 0] * x[:, 1] > 0).astype(int), np.ones(200))
        >>> taught = Forest(trees=30).teach(examples, examples, 2)
        >>> taught.probabilities(np.array([[1.0, 1.0], [1.0, -1.0]])).argmax(1).tolist()
        [1, 0]
    """

    leaves: Sequence[int] = (1, 4)
    powers: Sequence[float] = (0.5, 0.75)
    trees: int = 200
    components: int | None = None
    tuning: int = 3000

    def teach(self, train: Examples, held_out: Examples, classes: int) -> Probabilistic:
        """Choose the settings on held-out objects, then learn."""
        few = train.first(self.tuning)
        columns = train.features.shape[1]
        steps = partial(preparation, "standard", columns=columns, components=self.components)
        width = min(columns, self.components or columns)
        settings = [
            partial(_machine, leaf, max(1, round(width**power)))
            for leaf, power in product(self.leaves, self.powers)
        ]
        quick = [partial(make, max(10, round(USED * self.trees))) for make in settings]
        chosen = search(few, held_out, quick, steps(objects=len(few)))
        final = steps(objects=len(train))
        x = prepared(final, train, fit=True)
        machine = settings[chosen](self.trees)
        machine.fit(x.features, x.labels, x.weights)
        return calibrated(machine, final, held_out, classes)


def _machine(leaf: int, features: int, trees: int) -> RandomForestClassifier:
    return RandomForestClassifier(
        trees, min_samples_leaf=leaf, max_features=features, random_state=0, n_jobs=1
    )
