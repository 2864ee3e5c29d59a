"""Vote ridge: linear regression of vote fractions on any features."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import gammaln
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from deepfield.nouns.batch import Batch
from deepfield.nouns.decision_tree import DecisionTree
from deepfield.nouns.source import Source
from deepfield.nouns.votes import Votes
from deepfield.rivals.examples import batches

PENALTIES = tuple(10.0**power for power in range(7))
CONCENTRATIONS = np.logspace(-0.5, 3.5, 33)
LEAST = 1e-3
"""share of all volunteers that a regression gives an answer at least"""


@dataclass(frozen=True)
class VoteExamples:
    """Features of objects with the votes of volunteers.

    Args:
        features: [object, ...] numbers, or images to take them from.
        votes: [object, answer] counts.
    """

    features: np.ndarray
    votes: np.ndarray

    def __len__(self) -> int:
        return len(self.votes)

    def first(self, count: int) -> "VoteExamples":
        """The first few."""
        return VoteExamples(self.features[:count], self.votes[:count])


@dataclass(frozen=True)
class VoteRidge:
    """A fitted regression.

    Args:
        tree: the questions.
        model: from features to shares of all volunteers.
        concentration: [question] how sure it is, from held-out objects.
    """

    tree: DecisionTree
    model: Pipeline
    concentration: np.ndarray

    def votes(self, features: np.ndarray, measured: Tensor) -> Votes:
        """The answer for [object, feature]; NaN where ``measured`` ([object] bool) is not set."""
        fractions = torch.from_numpy(fractions_of(self.tree, self.model.predict(features))).float()
        sure = torch.from_numpy(self.concentration).float().expand(len(fractions), -1)
        return Votes(self.tree, fractions, sure.clone()).blank(~measured)


def collect(
    source: Source, tree: DecisionTree, limit: int | None, measure: Callable[[Batch], np.ndarray]
) -> VoteExamples:
    """Features and votes of the first objects of a source, without those that nobody looked at.

    Args:
        source: one split.
        tree: whose answers the truth counts.
        limit: most objects; None = all.
        measure: features [object, ...] of a batch; rows of NaN where nothing can be measured.

    Raises:
        ValueError: no votes for an answer, or no object is left.
    """
    features, votes = [], []
    for batch in batches(source, limit):
        counts = tree.stacked(dict(batch.truth or {}))
        row = measure(batch)
        seen = (counts >= 0).all(1) & (counts[:, tree.slices[0]].sum(1) > 0)
        known = seen.numpy() & ~np.isnan(row).reshape(len(row), -1).all(1)
        features.append(row[known])
        votes.append(counts.numpy()[known])
    if not sum(map(len, votes)):
        raise ValueError(
            f"no object of {len(source)} has both pixels and votes; expected some in this split"
        )
    return VoteExamples(np.concatenate(features), np.concatenate(votes))


def learn(
    tree: DecisionTree, train: VoteExamples, held_out: VoteExamples
) -> tuple[VoteRidge, float]:
    """The regression with the best penalty on held-out objects, and its error there.

    Args:
        tree: the questions.
        train: objects to learn from.
        held_out: objects that choose the penalty and say how sure it is.
    """
    shares, seen = (_shares(tree, examples.votes) for examples in (train, held_out))
    tried = []
    for penalty in PENALTIES:
        model = make_pipeline(StandardScaler(), Ridge(penalty)).fit(train.features, shares)
        found = fractions_of(tree, model.predict(held_out.features))
        joint = tree.joint(torch.from_numpy(found)).numpy()
        tried.append((float(np.sqrt(np.mean((joint - seen) ** 2))), penalty, model, found))
    error, _, model, found = min(tried, key=lambda t: t[:2])
    return VoteRidge(tree, model, concentrations(tree, found, held_out.votes)), error


def fractions_of(tree: DecisionTree, shares: np.ndarray) -> np.ndarray:
    """Shares of all volunteers, as a regression gives them, to fractions of those asked.

    Example:
        >>> from deepfield.nouns.galaxy_zoo import CANDELS
        >>> fractions_of(CANDELS, np.array([[-0.1, 0.499, 0.499, 0.0, 0.0]])).round(2).tolist()
        [[0.0, 0.5, 0.5, 0.0, 0.0]]
    """
    return tree.normalised(torch.from_numpy(shares).double().clamp(min=LEAST)).numpy()


def concentrations(tree: DecisionTree, fractions: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """[question] Dirichlet concentration under which the votes are likeliest.

    Args:
        tree: the questions.
        fractions: [object, answer] predicted, of those asked.
        votes: [object, answer] counts.

    Example:
        >>> from deepfield.nouns.galaxy_zoo import CANDELS
        >>> even = np.full((1, 5), 0.2)
        >>> float(concentrations(CANDELS, even, np.full((1, 5), 10.0))[0]) > 1000
        True
    """
    best = []
    for at in tree.slices:
        p, n = fractions[:, at].clip(1e-6), votes[:, at]
        likely = [
            np.sum(gammaln(a) - gammaln(a + n.sum(1)))
            + np.sum(gammaln(a * p + n) - gammaln(a * p))
            for a in CONCENTRATIONS
        ]
        best.append(CONCENTRATIONS[int(np.argmax(likely))])
    return np.array(best)


def _shares(tree: DecisionTree, votes: np.ndarray) -> np.ndarray:
    return votes / votes[:, tree.slices[0]].sum(1, keepdims=True)
