"""Every method's vote fractions beside the volunteers': what figures are made from."""

from dataclasses import dataclass

import numpy as np

from deepfield.evaluate.compare import Comparison
from deepfield.evaluate.statistics import vote
from deepfield.scores.calibration import Reliability
from deepfield.scores.known import as_array
from deepfield.scores.votes import vote_reliability


@dataclass(frozen=True)
class Share:
    """The share of the volunteers who give one answer; arrays are [object], between 0 and 1.

    Args:
        predicted: expected.
        true: that was given; NaN = nobody was asked.
    """

    predicted: np.ndarray
    true: np.ndarray
    unit: str = ""


@dataclass(frozen=True)
class Poll:
    """What one method expects of the volunteers, of the objects that it answered.

    Args:
        question: name of the first question, which everybody is asked.
        quantities: by its answers.
        reliability: given against predicted fractions, of all questions.
        levels: signal-to-noise, which is not told apart.
    """

    question: str
    quantities: dict[str, Share]
    reliability: Reliability
    levels: None = None


def polls(comparison: Comparison) -> dict[str, Poll]:
    """The vote fractions of every method that gives some.

    Args:
        comparison: of a network and its rivals.

    Returns:
        by method; empty where no method gives votes that the truth knows.
    """
    every = {}
    for method in comparison.predictions:
        prediction, truth = comparison.answered(method)
        answer = vote(prediction, truth)
        if answer is None:
            continue
        tree, votes = answer.tree, answer.tree.stacked(dict(truth))
        asked = tree.spread(tree.total(votes))
        given = as_array(votes / asked.masked_fill(asked == 0, np.nan))
        fractions, first = as_array(answer.fractions), tree.questions[0]
        every[method] = Poll(
            first.name,
            {name: Share(fractions[:, i], given[:, i]) for i, name in enumerate(first.answers)},
            vote_reliability(fractions, votes, asked),
        )
    return every
