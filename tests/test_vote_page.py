"""The page of vote fractions: its tables, its reliability and its answers."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from deepfield.evaluate.compare import Comparison, compare
from deepfield.evaluate.polls import polls
from deepfield.evaluate.scores_json import scores_json
from deepfield.mocks.galaxy_zoo import galaxy_zoo
from deepfield.nouns.batch import Batch
from deepfield.nouns.galaxy_zoo import GALAXY_ZOO_2
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.recipe import Claim
from deepfield.nouns.votes import Votes
from deepfield.report.page import page
from deepfield.scores.votes import calibration_error
from deepfield.tasks.votes import VoteFractions
from deepfield.verbs._classified import classified
from deepfield.verbs._measured import measured
from deepfield.verbs._voted import voted

OBJECTS = 200
TASK = VoteFractions(GALAXY_ZOO_2)


@dataclass
class Peeks:
    """Moves the volunteers' own fractions towards indifference by a share."""

    away: float

    def predict(self, batch: Batch) -> Prediction:
        tree = TASK.tree
        seen = tree.normalised(tree.stacked(dict(batch.truth)) + 0.5)
        even = tree.normalised(torch.ones_like(seen))
        fractions = seen + self.away * (even - seen)
        sure = torch.full((len(batch), len(tree.questions)), 30.0)
        return Prediction({"votes": Votes(tree, fractions, sure)})


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    source = galaxy_zoo(objects={"test": OBJECTS}, seed=1, size=16).part("test")
    methods = {"net": Peeks(0.05), "shy_ridge": Peeks(0.6)}
    return compare(methods, TASK, source, name="toy", progress=False)


def test_the_page_names_its_scores_and_shows_every_answer(comparison: Comparison) -> None:
    claims = [Claim("rmse_over_irreducible", "of perfect probabilities", at_most=1.2)]
    scores = scores_json(comparison, claims=claims)
    found = voted(comparison, scores, said="200 painted galaxies", training_objects=10)
    assert found is not None
    assert found.sentence.startswith("Use the network: its RMSE is 0.")
    html = page("toy", found.parts)
    for words in ("RMSE of the shares", "over the least possible", "features or disk"):
        assert words in html
    assert "200 painted galaxies" in html
    assert "rmse_" not in html
    assert html.count("<img") == 2
    for other in (classified, measured):
        assert other(comparison, scores, said="", training_objects=0) is None
    for method in comparison.predictions:
        assert f"{method}_{TASK.tree.columns[0]}_sigma" in found.answers.colnames
    assert len(found.answers) == OBJECTS


def test_the_reliability_curve_adds_up_to_the_calibration_error(comparison: Comparison) -> None:
    tree, truth = TASK.tree, comparison.truth
    votes = tree.stacked(dict(truth))
    for method, poll in polls(comparison).items():
        curve, answer = poll.reliability, comparison.predictions[method]["votes"]
        assert isinstance(answer, Votes)
        asked = tree.spread(tree.total(votes))
        gap = np.average(np.abs(curve.confidence - curve.accuracy), weights=curve.count)
        assert gap == pytest.approx(calibration_error(answer.fractions, votes, asked))
        assert curve.count.sum() == pytest.approx(float(asked.sum()))
        assert (curve.low <= curve.accuracy + 1e-9).all()
        assert (curve.accuracy <= curve.high + 1e-9).all()
    shy = polls(comparison)["shy_ridge"].reliability
    # Too shy a prediction is crossed: rare answers are rarer still.
    assert shy.accuracy[0] < shy.confidence[0]
    assert shy.accuracy[-1] > shy.confidence[-1]


def test_given_shares_are_those_of_the_counts(comparison: Comparison) -> None:
    poll = polls(comparison)["net"]
    assert poll.question == TASK.tree.questions[0].name
    total = sum(share.true for share in poll.quantities.values())
    assert total == pytest.approx(np.ones(OBJECTS))
