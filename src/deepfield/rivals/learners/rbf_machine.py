"""The support vector machine with a Gaussian kernel."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sklearn.svm import SVC

from deepfield.rivals.examples import Examples
from deepfield.rivals.learners.preparation import preparation
from deepfield.rivals.learners.search import prepare_by
from deepfield.rivals.support_vectors import SupportVectors, learn, tune

USUAL = 10.0


@dataclass(frozen=True)
class RbfMachine:
    """Support vectors with a Gaussian kernel (Cortes & Vapnik 1995, Machine Learning 20, 273).

    The scaling, the penalty and the kernel's width are chosen on held-out objects.

    Args:
        penalties: to try.
        widths: to try, in units of 1 / (features x variance).
        components: principal components to learn from; None = the features themselves.
        tuning: training objects for choosing the settings.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(200, 2))
        >>> examples = Examples(x, (np.hypot(*x.T) > 1.2).astype(int), np.ones(200))
        >>> taught = RbfMachine((10.0,), (1.0,)).teach(examples, examples, 2)
        >>> taught.probabilities(np.array([[0.0, 0.0], [2.0, 0.0]])).argmax(1).tolist()
        [0, 1]
    """

    penalties: Sequence[float] = (1.0, 3.0, 10.0, 30.0)
    widths: Sequence[float] = (0.25, 0.5, 1.0)
    components: int | None = None
    tuning: int = 1500

    def teach(self, train: Examples, held_out: Examples, classes: int) -> SupportVectors:
        """Choose the settings on held-out objects, then learn."""
        few = train.first(self.tuning)
        scaling = prepare_by(few, held_out, self.components, partial(SVC, C=USUAL))
        steps = partial(
            preparation, scaling, columns=train.features.shape[1], components=self.components
        )
        penalty, width, _ = tune(
            few, held_out, steps(objects=len(few)), self.penalties, self.widths
        )
        return learn(train, held_out, steps(objects=len(train)), classes, penalty, width)
