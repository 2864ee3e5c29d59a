"""What every classical learner answers to."""

from typing import Protocol

import numpy as np

from deepfield.rivals.examples import Examples


class Taught(Protocol):
    """A learner that has learnt."""

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """[object, class] of [object, feature]; numbers may be missing (NaN)."""
        ...


class Learner(Protocol):
    """A way to learn classes from a table."""

    def teach(self, train: Examples, held_out: Examples, classes: int) -> Taught:
        """Choose the settings on held-out objects, then learn.

        Args:
            train: [object, feature] to learn from; numbers may be missing (NaN).
            held_out: validation objects, which choose the settings and calibrate.
            classes: of the question, also those that never occur.
        """
        ...
