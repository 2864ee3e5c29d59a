"""Dominant class by morphometry + SVM: a classifier's answer to a question of votes."""

from copy import copy
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.around import Around
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.decision_tree import DecisionTree
from deepfield.nouns.prediction import Classes, Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source, Split
from deepfield.nouns.votes import Votes
from deepfield.rivals.morphometry_svm import MorphometrySvm
from deepfield.rivals.vote_ridge import collect, concentrations

DOMINANT = "dominant"
GALSVM = (
    *("concentration", "asymmetry", "smoothness", "gini", "m20"),
    *("axis_ratio", "radius_half", "flux", "surface_brightness"),
)
"""five morphological parameters, and how bright, large and flat it is: as galSVM's features are
described by Huertas-Company et al. 2008, A&A 478, 971"""


class DominantSvm:
    """The most frequent answer to one question, from morphometry and an RBF machine.

    As Huertas-Company et al. 2014, ApJ 793, 19 train it: on the dominant class of the votes. Its
    class probabilities stand for vote fractions.

    Args:
        tree: of one question.
        limit: most training objects.
        kept: names of the features to learn from, such as ``GALSVM``; None = all of them.

    Raises:
        ValueError: a tree of several questions.

    Example:
        >>> from deepfield.nouns.galaxy_zoo import CANDELS
        >>> DominantSvm(CANDELS).limit
        8000
    """

    svm: MorphometrySvm
    sure: np.ndarray

    def __init__(
        self,
        tree: DecisionTree,
        *,
        limit: int | None = 8000,
        kept: tuple[str, ...] | None = None,
    ) -> None:
        if len(tree.questions) != 1:
            raise ValueError(
                f"a tree of {len(tree.questions)} questions; the dominant class is of one"
            )
        self.tree = tree
        self.limit = limit
        self.kept = kept

    def fit(self, source: Source) -> Self:
        """Learn the dominant class; held-out objects say how sure its probabilities are.

        Raises:
            ValueError: no objects with votes.
        """
        fitted = copy(self)
        svm = MorphometrySvm(DOMINANT, limit=self.limit, kept=self.kept)
        fitted.svm = svm.fit(Labelled(source, self.tree))
        held_out = source.part("validation")
        found = collect(held_out, self.tree, fitted.svm.held_out, fitted._probabilities)
        fitted.sure = concentrations(self.tree, found.features, found.votes)
        return fitted

    def predict(self, batch: Batch) -> Prediction:
        """Vote fractions; NaN for objects without pixels."""
        fractions = torch.from_numpy(self._probabilities(batch))
        sure = torch.from_numpy(self.sure).float().expand(len(batch), 1)
        blank = fractions.isnan().any(1)
        return Prediction({"votes": Votes(self.tree, fractions, sure.clone()).blank(blank)})

    def _probabilities(self, batch: Batch) -> np.ndarray:
        answer = self.svm.predict(batch)[DOMINANT]
        assert isinstance(answer, Classes)
        return answer.probabilities.numpy()


@dataclass(frozen=True)
class Labelled(Around):
    """A source whose votes on one question also count as a class.

    Args:
        source: with votes.
        tree: of one question.
    """

    source: Source
    tree: DecisionTree

    def quantity(self, name: str) -> Quantity:
        """The dominant class, or what the source knows."""
        if name == DOMINANT:
            return Quantity(DOMINANT, classes=self.tree.questions[0].answers)
        return self.source.quantity(name)

    def part(self, split: Split) -> "Labelled":
        """The objects of one split."""
        return Labelled(self.source.part(split), self.tree)

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """The objects at these positions; class -1 where nobody voted."""
        batch = self.source.take(indices, epoch)
        votes = self.tree.stacked(dict(batch.truth or {}))
        label = torch.where(votes.sum(1) > 0, votes.nan_to_num().argmax(1), -1)
        return replace(batch, truth=Truth({self.quantity(DOMINANT): label}))
