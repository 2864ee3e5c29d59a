"""The network with one hidden layer, as it was used before convolutions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier

from deepfield.rivals.examples import Examples
from deepfield.rivals.learners.preparation import preparation, prepared
from deepfield.rivals.learners.search import Probabilistic, accuracy, calibrated, prepare_by

USUAL = (32, 1.0)
BATCH = 128


@dataclass(frozen=True)
class OneHidden:
    """One hidden layer of ReLUs, learnt with Adam (Rumelhart, Hinton & Williams 1986).

    The scaling, the number of neurons, the weight penalty and the number of epochs are chosen on
    held-out objects; the machine that was best is the one kept.

    Args:
        neurons: to try.
        penalties: of the squared weights, to try.
        epochs: at most.
        components: principal components to learn from; None = the features themselves.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(300, 2))
        >>> examples = Examples(x, (np.hypot(*x.T) > 1.2).astype(int), np.ones(300))
        >>> taught = OneHidden((32,), (0.01,), epochs=40).teach(examples, examples, 2)
        >>> taught.probabilities(np.array([[0.0, 0.0], [2.0, 0.0]])).argmax(1).tolist()
        [0, 1]
    """

    neurons: Sequence[int] = (64,)
    penalties: Sequence[float] = (0.1, 1.0, 10.0)
    epochs: int = 30
    components: int | None = None

    def teach(self, train: Examples, held_out: Examples, classes: int) -> Probabilistic:
        """Choose the settings on held-out objects, then learn."""
        usual = partial(_Stopped, *USUAL, epochs=self.epochs // 2)
        scaling = prepare_by(train, held_out, self.components, usual)
        objects, columns = train.features.shape
        steps = preparation(scaling, objects=objects, columns=columns, components=self.components)
        x, y = prepared(steps, train, fit=True), prepared(steps, held_out)
        tried = []
        for i, (neurons, penalty) in enumerate(product(self.neurons, self.penalties)):
            machine = _Stopped(neurons, penalty, epochs=self.epochs)
            machine.fit(x.features, x.labels, x.weights, held_out=y)
            tried.append((machine.best, -i, machine.machine))
        return calibrated(max(tried, key=lambda t: t[:2])[2], steps, held_out, classes)


class _Stopped:
    """A network that goes back to the epoch in which held-out objects were best."""

    def __init__(self, neurons: int, penalty: float, *, epochs: int) -> None:
        self.machine: Any = MLPClassifier(
            (neurons,), alpha=penalty, batch_size=BATCH, learning_rate_init=2e-3, random_state=0
        )
        self.epochs = epochs
        self.best = 0.0

    def fit(
        self,
        table: np.ndarray,
        labels: np.ndarray,
        weights: np.ndarray,
        held_out: Examples | None = None,
    ) -> "_Stopped":
        classes, kept = np.unique(labels), None
        for _ in range(self.epochs):
            self.machine.partial_fit(table, labels, sample_weight=weights, classes=classes)
            if held_out is not None and (right := accuracy(self.machine, held_out)) > self.best:
                self.best = right
                kept = [[each.copy() for each in part] for part in self._weights()]
        if kept is not None:
            self.machine.coefs_, self.machine.intercepts_ = kept
        return self

    def score(self, table: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
        return float(self.machine.score(table, labels, weights))

    def _weights(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        return self.machine.coefs_, self.machine.intercepts_
