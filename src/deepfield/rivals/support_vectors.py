"""Support vectors: an RBF machine on any features, tuned and calibrated."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from deepfield.rivals.calibration import Calibration, calibrate
from deepfield.rivals.examples import Examples

PENALTIES = (1.0, 3.0, 10.0, 30.0)
WIDTHS = (0.25, 0.5, 1.0, 2.0)
"""gamma in units of 1 / (features x variance)"""


@dataclass(frozen=True)
class SupportVectors:
    """A fitted machine.

    Args:
        prepare: fitted scaling of the features.
        machine: fitted classifier.
        to_probability: of its decision values.
    """

    prepare: Pipeline
    machine: SVC
    to_probability: Calibration

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """[object, class] of [object, feature]."""
        scores = self.machine.decision_function(self.prepare.transform(features))
        return self.to_probability(scores)


def tune(
    train: Examples,
    held_out: Examples,
    prepare: Pipeline,
    penalties: Sequence[float] = PENALTIES,
    widths: Sequence[float] = WIDTHS,
) -> tuple[float, float, float]:
    """The penalty C and width gamma with the best accuracy on held-out objects, and that accuracy.

    Args:
        train: a subset will do.
        held_out: validation objects.
        prepare: scaling, fitted here on ``train``.
        penalties: C to try.
        widths: gamma to try, in units of 1 / (features x variance).
    """
    x = prepare.fit_transform(train.features)
    y = prepare.transform(held_out.features)
    unit = 1 / (x.shape[1] * max(x.var(), 1e-12))
    tried = []
    for penalty, width in product(penalties, widths):
        machine = SVC(C=penalty, gamma=width * unit).fit(x, train.labels, train.weights)
        tried.append((machine.score(y, held_out.labels, held_out.weights), penalty, width))
    # The softest of the best: ties between neighbours are common on few objects.
    accuracy, penalty, width = max(tried, key=lambda t: (t[0], -t[1], -t[2]))
    return penalty, width, accuracy


def learn(
    train: Examples,
    held_out: Examples,
    prepare: Pipeline,
    classes: int,
    penalty: float,
    width: float,
) -> SupportVectors:
    """A machine with these settings on all training objects, calibrated on the held-out ones.

    Args:
        train: all training objects.
        held_out: validation objects, which set the probabilities only.
        prepare: scaling, fitted here.
        classes: number of classes of the question.
        penalty: C.
        width: gamma in units of 1 / (features x variance).
    """
    x = prepare.fit_transform(train.features)
    unit = 1 / (x.shape[1] * max(x.var(), 1e-12))
    machine = SVC(C=penalty, gamma=width * unit).fit(x, train.labels, train.weights)
    scores = machine.decision_function(prepare.transform(held_out.features))
    to_probability = calibrate(scores, held_out.labels, held_out.weights, classes)
    return SupportVectors(prepare, machine, to_probability)
