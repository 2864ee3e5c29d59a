"""Logistic regression: one weight a feature and class."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sklearn.linear_model import LogisticRegression

from deepfield.rivals.examples import Examples
from deepfield.rivals.learners.preparation import preparation, prepared
from deepfield.rivals.learners.search import Probabilistic, calibrated, prepare_by, search

USUAL = 0.1
STEPS = 300


@dataclass(frozen=True)
class Logistic:
    """Multinomial logistic regression with a quadratic penalty (Cox 1958, JRSS B 20, 215).

    The scaling and the inverse penalty are chosen on held-out objects.

    Args:
        strengths: inverse penalties to try.
        components: principal components to learn from; None = the features themselves.
        tuning: training objects for choosing the scaling.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(200, 2))
        >>> examples = Examples(x, (x[:, 0] > 0).astype(int), np.ones(200))
        >>> taught = Logistic().teach(examples.first(100), examples, 2)
        >>> bool(taught.probabilities(np.array([[2.0, 0.0]]))[0, 1] > 0.9)
        True
    """

    strengths: Sequence[float] = (0.001, 0.01, 0.1, 1.0)
    components: int | None = None
    tuning: int = 2000

    def teach(self, train: Examples, held_out: Examples, classes: int) -> Probabilistic:
        """Choose the settings on held-out objects, then learn."""
        usual = partial(_machine, USUAL)
        scaling = prepare_by(train.first(self.tuning), held_out, self.components, usual)
        objects, columns = train.features.shape
        steps = preparation(scaling, objects=objects, columns=columns, components=self.components)
        machines = [partial(_machine, strength) for strength in self.strengths]
        chosen = search(train, held_out, machines, steps)
        x = prepared(steps, train)
        machine = machines[chosen]().fit(x.features, x.labels, x.weights)
        return calibrated(machine, steps, held_out, classes)


def _machine(strength: float) -> LogisticRegression:
    # A penalised fit is good enough long before it has converged to all digits.
    return LogisticRegression(C=strength, max_iter=STEPS, tol=1e-3)
