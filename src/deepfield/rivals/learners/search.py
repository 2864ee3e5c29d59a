"""Search: which settings of a learner are right for the most held-out objects."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from deepfield.rivals.calibration import Calibration, calibrate
from deepfield.rivals.examples import Examples
from deepfield.rivals.learners.preparation import SCALINGS, Scaling, preparation, prepared

LEAST = 1e-4
"""probability below which a learner is not believed, before calibration"""


@dataclass(frozen=True)
class Probabilistic:
    """A fitted preparation, a fitted classifier with ``predict_proba``, and its calibration.

    Args:
        prepare: of the features.
        machine: fitted.
        to_probability: of the logarithms of the machine's probabilities.
    """

    prepare: Pipeline
    machine: Any
    to_probability: Calibration

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """[object, class] of [object, feature]."""
        return self.to_probability(_scores(self.machine, self.prepare.transform(features)))


def prepare_by(
    train: Examples,
    held_out: Examples,
    components: int | None,
    machine: Callable[[], Any],
    *,
    scalings: Iterable[Scaling] = SCALINGS,
) -> Scaling:
    """The scaling under which a machine of usual settings is right for more held-out objects.

    Args:
        train: to try it with.
        held_out: to judge it on.
        components: principal components, or None.
        machine: makes an unfitted classifier.
        scalings: to try; the first of equals.
    """
    right: dict[Scaling, float] = {}
    for scaling in scalings:
        steps = _steps(scaling, train, components)
        x, y = prepared(steps, train, fit=True), prepared(steps, held_out)
        right[scaling] = accuracy(machine().fit(x.features, x.labels, x.weights), y)
    return max(right, key=lambda scaling: right[scaling])


def search(
    train: Examples,
    held_out: Examples,
    machines: Iterable[Callable[[], Any]],
    prepare: Pipeline,
) -> int:
    """Position of the machine that is right for the most held-out objects; the first of equals.

    Args:
        train: to try them with; a subset will do.
        held_out: to judge them on.
        machines: each makes an unfitted classifier; from the simplest on.
        prepare: fitted here on ``train``.
    """
    x, y = prepared(prepare, train, fit=True), prepared(prepare, held_out)
    right = [accuracy(make().fit(x.features, x.labels, x.weights), y) for make in machines]
    return int(np.argmax(right))


def calibrated(machine: Any, prepare: Pipeline, held_out: Examples, classes: int) -> Probabilistic:
    """A fitted machine whose probabilities mean what they say on held-out objects.

    Args:
        machine, prepare: fitted.
        held_out: as measured.
        classes: of the question.
    """
    scores = _scores(machine, prepare.transform(held_out.features))
    to_probability = calibrate(scores, held_out.labels, held_out.weights, classes)
    return Probabilistic(prepare, machine, to_probability)


def accuracy(machine: Any, examples: Examples) -> float:
    """Share of prepared examples, by weight, whose class a fitted machine says."""
    return float(machine.score(examples.features, examples.labels, examples.weights))


def _steps(scaling: Scaling, train: Examples, components: int | None) -> Pipeline:
    objects, columns = train.features.shape
    return preparation(scaling, objects=objects, columns=columns, components=components)


def _scores(machine: Any, table: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(machine.predict_proba(table), LEAST))
