"""Challenges: the same objects seen otherwise, on a toy whose losses are known."""

import json

import numpy as np
import pytest
import torch

from deepfield.evaluate.challenge import challenge, challenged
from deepfield.evaluate.compare import compare
from deepfield.evaluate.metrics import bounds, loss
from deepfield.evaluate.scores_json import scores_json
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.prediction import Classes, Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.recipe import Claim
from deepfield.report.challenges import challenge_parts, challenge_table
from deepfield.tasks.classification import Classification

KIND = Quantity("kind", classes=("smooth", "spiral"))
OBJECTS = 400


class Numbers:
    """Objects whose only pixel is their number; ``turned`` ones have its negative."""

    channels = ("r",)
    grid = ("y", "x")

    def __init__(self, sign=1, order=None, name="object"):
        self.sign = sign
        self.order = torch.arange(OBJECTS) if order is None else order
        self.ids = np.array([f"{name} {i}" for i in self.order.tolist()])

    def __len__(self):
        return len(self.order)

    def quantity(self, name):
        return KIND

    def part(self, split):
        return self

    def take(self, indices, epoch):
        numbers = self.order[indices]
        pixels = self.sign * (numbers.float() + 1).reshape(-1, 1, 1, 1)
        truth = Truth({KIND: numbers % 2})
        return Batch(
            self.ids[indices.numpy()], pixels, ("r",), variance=torch.ones(1), truth=truth
        )


class Errs:
    """Wrong for every n-th object, and for every m-th of the turned ones; blind for some."""

    def __init__(self, usual, turned, blind=(), affordable=OBJECTS):
        self.every = {1: usual, -1: turned}
        self.blind = torch.tensor(blind)
        self.affordable = affordable

    def fit(self, source):
        return self

    def predict(self, batch):
        pixel = batch.values[:, 0, 0, 0]
        number = pixel.abs().long() - 1
        every = torch.where(pixel > 0, self.every[1], self.every[-1])
        said = (number + (number % every == 0).long()) % 2
        answer = torch.nn.functional.one_hot(said, 2) * 0.8 + 0.1
        answer[torch.isin(pixel.long(), self.blind)] = torch.nan
        return Prediction({"kind": Classes(KIND, answer)})


def both(view, **rivals):
    methods = {"net": Errs(20, 10), "steady": Errs(8, 8), "shaken": Errs(10, 2), **rivals}
    task = Classification(KIND)
    first = compare(methods, task, Numbers(), name="toy", progress=False)
    others = challenge(first, methods, task, {"turned": view}, progress=False)
    return first, others, challenged(first, others)


@pytest.fixture(scope="module")
def found():
    return both(Numbers(-1))


def test_every_score_of_the_view_has_its_name(found):
    first, _, whole = found
    expected = {"net": (0.95, 0.9), "steady": (0.875, 0.875), "shaken": (0.9, 0.5)}
    for method, (before, after) in expected.items():
        scores = whole.scores[method]
        assert scores["accuracy"] == pytest.approx(before)
        assert scores["accuracy_turned"] == pytest.approx(after)
        assert scores["lost_accuracy_turned"] == pytest.approx(before - after)
        low, high = whole.intervals[method]["accuracy_turned"][1:]
        assert low < after < high
        assert whole.intervals[method]["accuracy"] == first.intervals[method]["accuracy"]
    assert "accuracy_turned" not in first.scores["net"]


def test_what_is_lost_is_paired_and_may_be_nothing(found):
    whole = found[2]
    # The same objects are wrong in both views: no draw of objects changes that.
    assert tuple(whole.intervals["steady"]["lost_accuracy_turned"]) == (0, 0, 0)
    _, low, high = whole.intervals["net"]["lost_accuracy_turned"]
    # 5 % of the objects change: a binomial share, not the wider sum of two accuracies.
    assert high - low == pytest.approx(2 * 1.96 * (0.05 * 0.95 / OBJECTS) ** 0.5, rel=0.15)
    gap = whole.gaps["shaken"]["lost_accuracy_turned"]
    assert gap.value == pytest.approx(0.05 - 0.4)
    assert gap.high < 0
    # Of the calibration error more is worse.
    first, other = (whole.scores["shaken"][f"calibration_error{n}"] for n in ("", "_turned"))
    assert whole.scores["shaken"]["lost_calibration_error_turned"] == pytest.approx(other - first)
    assert other > first


def test_a_loss_can_be_negative_and_less_is_better():
    assert bounds("lost_accuracy_shifted") == (-np.inf, np.inf)
    assert loss("lost_accuracy_shifted", 0.01) < loss("lost_accuracy_shifted", 0.2)


def test_objects_are_paired_by_id_whatever_the_order_and_whoever_is_blind():
    order = torch.randperm(OBJECTS, generator=torch.Generator().manual_seed(0))
    rivals = {"blind": Errs(4, 2, blind=(-7, 30)), "dear": Errs(4, 2, affordable=100)}
    whole = both(Numbers(-1, order), **rivals)[2]
    assert whole.scores["blind"]["unmeasured_turned"] == 1
    assert whole.scores["steady"]["lost_accuracy_turned"] == 0
    assert 0 < whole.scores["dear"]["lost_accuracy_turned"] < 0.6


def test_another_sky_is_no_challenge():
    with pytest.raises(ValueError, match="the challenge turned shares no object"):
        both(Numbers(-1, name="stranger"))


def test_claims_and_the_page_know_the_challenges(found):
    _, others, whole = found
    claims = [Claim("lost_accuracy_turned", "toy", at_most=0.02)]
    content = scores_json(whole, claims=claims)
    json.dumps(content, allow_nan=False)
    assert not content["claims"][0]["holds"]
    assert content["claims"][0]["rival"] == 0
    table = challenge_table(content, list(others))
    rows = {tuple(row[:2]): row for row in table.text}
    assert rows["accuracy", "shaken"][2].startswith("0.900")
    assert rows["accuracy", "shaken"][3].startswith("0.500")
    assert rows["accuracy", "shaken"][4].startswith("0.400")
    matrices = {"turned": {"net": np.eye(2, dtype=int)}}
    parts = challenge_parts(content, ["turned"], confusions=matrices, classes=KIND.classes)
    assert [part.kind for part in parts] == ["table", "figure"]
    assert challenge_parts(content, [], confusions={}, classes=()) == []
