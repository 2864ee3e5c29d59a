"""Comparison, claims, trends and verdict on a toy whose answers are known."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from deepfield.evaluate.by_method import confusions, reliabilities
from deepfield.evaluate.claims import check
from deepfield.evaluate.compare import Comparison, compare, errors_visible_ratio
from deepfield.evaluate.scores_json import scores_json
from deepfield.evaluate.trends import trend, trends
from deepfield.evaluate.verdict import sentence, verdict
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.prediction import Classes, Prediction, Score
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.recipe import Claim
from deepfield.scores.bootstrap import Interval
from deepfield.scores.calibration import calibration_error
from deepfield.scores.classification import accuracy, auroc

KIND = Quantity("kind", classes=("smooth", "spiral", "edge-on"))
MAGNITUDE = Quantity("magnitude", "mag")
VISIBLE = Quantity("visible")


class ToySource:
    """Objects numbered in their single pixel."""

    channels = ("r",)
    grid = ("y", "x")

    def __init__(self, objects: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.ids = np.array([f"object {i}" for i in range(objects)])
        self.kinds = torch.randint(3, (objects,), generator=generator)
        self.magnitudes = 18 + 6 * torch.rand(objects, generator=generator)

    def __len__(self) -> int:
        return len(self.ids)

    def quantity(self, name: str) -> Quantity:
        return {"kind": KIND, "magnitude": MAGNITUDE, "visible": VISIBLE}[name]

    def part(self, split: str) -> "ToySource":
        return self

    def take(self, indices: Tensor, epoch: int) -> Batch:
        magnitudes = self.magnitudes[indices]
        truth = {
            KIND: self.kinds[indices],
            MAGNITUDE: magnitudes,
            VISIBLE: (magnitudes < 21).float(),
        }
        pixels = indices.float().reshape(-1, 1, 1, 1)
        return Batch(
            self.ids[indices.numpy()], pixels, ("r",), variance=torch.ones(1), truth=Truth(truth)
        )


@dataclass
class Says:
    """Gives the true class its ``confidence`` unless the object's number is in ``wrong``."""

    source: ToySource
    wrong: Tensor
    confidence: float = 0.9
    blind: tuple[int, ...] = ()

    def fit(self, source: ToySource) -> "Says":
        return self

    def predict(self, batch: Batch) -> Prediction:
        assert not torch.is_grad_enabled()
        numbers = batch.values[:, 0, 0, 0].long()
        said = (self.source.kinds[numbers] + self.wrong[numbers].long()) % 3
        rest = (1 - self.confidence) / 2
        probabilities = torch.full((len(batch), 3), rest)
        probabilities[torch.arange(len(batch)), said] = self.confidence
        probabilities[torch.isin(numbers, torch.tensor(self.blind))] = torch.nan
        return Prediction({"kind": Classes(KIND, probabilities)})


class ToyTask:
    players: tuple[str, ...] = ()

    def losses(self, net: nn.Module, batch: Batch) -> dict[str, Tensor]:
        return {}

    def predict(self, net: nn.Module, batch: Batch) -> Prediction:
        return net(batch)

    def score(self, prediction: Prediction, truth: Truth) -> dict[str, float]:
        answer, labels = prediction["kind"], truth["kind"]
        assert isinstance(answer, Classes)
        seen = labels.masked_fill(truth["visible"] < 0.5, -1)
        return {
            "accuracy": accuracy(answer.probabilities, labels),
            "accuracy_visible": accuracy(answer.probabilities, seen),
            "auroc": auroc(answer.probabilities, labels),
            "calibration_error": calibration_error(answer.probabilities, labels),
        }


def compared(objects: int = 600, batch_size: int = 256, **blind: tuple[int, ...]) -> Comparison:
    """A network wrong for the faintest sixth, a rival wrong for the faintest third and others."""
    source = ToySource(objects)
    faint = source.magnitudes
    numbers = torch.arange(objects)
    methods = {
        "net": Says(source, (faint > 23) | (numbers % 100 == 0), blind=blind.get("net", ())),
        "svm": Says(source, (faint > 22) | (numbers % 10 == 0), blind=blind.get("svm", ())),
        "forest": Says(source, faint > 20.5, confidence=0.99),
    }
    return compare(
        methods, ToyTask(), source, name="toy", batch_size=batch_size, seed=1, progress=False
    )


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compared()


def test_scores_are_the_tasks_and_lie_inside_their_intervals(comparison: Comparison) -> None:
    kinds = comparison.truth["kind"]
    for method, prediction in comparison.predictions.items():
        answer = prediction["kind"]
        assert isinstance(answer, Classes)
        right = float((answer.probabilities.argmax(1) == kinds).float().mean())
        assert comparison.scores[method]["accuracy"] == pytest.approx(right)
        for metric, (value, low, high) in comparison.intervals[method].items():
            assert value == pytest.approx(comparison.scores[method][metric])
            assert 0 <= low <= value <= high <= 1


def test_gaps_are_network_minus_rival(comparison: Comparison) -> None:
    assert set(comparison.gaps) == {"svm", "forest"}
    for rival, found in comparison.gaps.items():
        for metric in ("accuracy", "accuracy_visible", "auroc", "calibration_error"):
            expected = comparison.scores["net"][metric] - comparison.scores[rival][metric]
            assert found[metric].value == pytest.approx(expected)
    assert comparison.gaps["svm"]["accuracy"].low > 0
    assert comparison.gaps["forest"]["calibration_error"].high < 0


def test_answers_do_not_depend_on_the_batch_size(comparison: Comparison) -> None:
    small = compared(batch_size=7)
    assert small.scores == comparison.scores
    assert small.intervals == comparison.intervals
    assert (small.batch.ids == comparison.batch.ids).all()
    assert torch.equal(small.batch.values, comparison.batch.values)


def test_what_one_method_cannot_measure_is_left_out_for_all_and_counted() -> None:
    found = compared(net=(3,), svm=(3, 300, 599))
    assert len(found.batch) == 597
    assert [found.scores[m]["unmeasured"] for m in ("net", "svm", "forest")] == [1, 3, 0]
    assert "object 300" not in found.batch.ids
    assert all(len(p["kind"]) == 597 for p in found.predictions.values())
    assert scores_json(found)["scores"]["forest"]["objects"] == 597


def test_a_noise_level_that_all_share_is_spread_over_the_objects(comparison: Comparison) -> None:
    variance = comparison.batch.variance
    assert variance is not None
    assert len(variance) == 600
    assert variance.expand_as(comparison.batch.values).shape == (600, 1, 1, 1)


def test_other_questions_are_compared_without_intervals() -> None:
    source = ToySource(20)
    depth = Quantity("magnitude", "mag")

    class Measures:
        def fit(self, source: ToySource) -> "Measures":
            return self

        def predict(self, batch: Batch) -> Prediction:
            assert batch.truth is not None
            return Prediction({"magnitude": Score(depth, batch.truth["magnitude"] + 0.5)})

    class Bias:
        players: tuple[str, ...] = ()

        def score(self, prediction: Prediction, truth: Truth) -> dict[str, float]:
            error = prediction["magnitude"].scalar("magnitude") - truth["magnitude"]
            return {"bias": float(error.mean())}

    methods = {"net": Measures(), "fit": Measures()}
    found = compare(methods, Bias(), source, name="toy", batch_size=6, progress=False)
    assert found.scores["fit"]["bias"] == pytest.approx(0.5)
    assert found.gaps == {"fit": {}}
    assert "does not say" in verdict(found)


def test_bad_comparisons_are_refused() -> None:
    source = ToySource(5)
    method = Says(source, torch.zeros(5), blind=tuple(range(5)))
    with pytest.raises(ValueError, match="expected the network under 'net'"):
        compare({"svm": method}, ToyTask(), source, name="toy", progress=False)
    with pytest.raises(ValueError, match="net measured none of 5"):
        compare({"net": method}, ToyTask(), source, name="toy", progress=False)
    with pytest.raises(ValueError, match="no objects"):
        compare({"net": method}, ToyTask(), ToySource(0), name="toy", progress=False)


def test_errors_visible_ratio_counts_against_the_best_rival(comparison: Comparison) -> None:
    seen = comparison.truth["visible"] > 0.5
    errors = {}
    for method, prediction in comparison.predictions.items():
        answer = prediction["kind"]
        assert isinstance(answer, Classes)
        wrong = answer.probabilities.argmax(1) != comparison.truth["kind"]
        errors[method] = int((wrong & seen).sum())
    expected = errors["net"] / min(errors["svm"], errors["forest"])
    assert comparison.scores["net"]["errors_visible_ratio"] == pytest.approx(expected)
    flawless = {"net": {"accuracy_visible": 0.9}, "svm": {"accuracy_visible": 1.0}}
    assert errors_visible_ratio(flawless) == float("inf")
    assert errors_visible_ratio({"net": {"accuracy_visible": 0.9}}) is None


def test_scores_json_has_the_designs_structure_and_is_json(comparison: Comparison) -> None:
    claim = Claim("accuracy", "the toy", at_least=0.7, paper=0.9, rival_paper=0.8)
    content = scores_json(comparison, claims=[claim], weights="0a")
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert set(content) == {
        "recipe",
        "objects",
        "seed",
        "weights",
        "scores",
        "seconds_per_object",
        "claims",
        "intervals",
        "gaps",
    }
    assert (content["recipe"], content["objects"], content["seed"]) == ("toy", 600, 1)
    assert content["weights"] == "0a"
    for method in ("net", "svm", "forest"):
        assert content["scores"][method]["auroc"] > 0.5
        assert content["seconds_per_object"][method] > 0
    assert content["scores"]["svm"]["objects"] == 600
    low, high = content["intervals"]["net"]["accuracy"]
    assert low < content["scores"]["net"]["accuracy"] < high
    gap = content["gaps"]["svm"]["accuracy"]
    assert gap["low"] < gap["value"] < gap["high"]
    row = content["claims"][0]
    assert (row["metric"], row["paper"], row["rival_paper"]) == ("accuracy", 0.9, 0.8)
    assert row["rival"] == max(content["scores"][m]["accuracy"] for m in ("svm", "forest"))
    assert row["holds"] is True


def test_numbers_that_are_not_finite_become_null() -> None:
    source = ToySource(40)
    source.kinds[:] = 1
    method = Says(source, torch.zeros(40))
    found = compare({"net": method, "svm": method}, ToyTask(), source, name="t", progress=False)
    content = scores_json(found, claims=[Claim("errors_visible_ratio", "toy", at_most=0.5)])
    assert content["scores"]["net"]["auroc"] is None
    assert content["intervals"]["net"]["auroc"] == [None, None]
    assert (content["claims"][0]["net"], content["claims"][0]["holds"]) == (None, False)
    json.dumps(content, allow_nan=False)


def test_claims_hold_within_their_bounds_only() -> None:
    scores = {
        "net": {"accuracy": 0.95, "calibration_error": 0.03},
        "svm": {"accuracy": 0.8, "calibration_error": 0.05},
        "forest": {"accuracy": 0.9, "calibration_error": 0.10},
    }
    rows = check(
        [
            Claim("accuracy", "a", at_least=0.95),
            Claim("accuracy", "a", at_least=0.96),
            Claim("calibration_error", "a", at_most=0.02),
            Claim("tpr10", "a", at_least=0.1),
        ],
        scores,
    )
    assert [row["holds"] for row in rows] == [True, False, False, False]
    assert [row["rival"] for row in rows] == [0.9, 0.9, 0.05, None]


def test_trends_hold_equally_many_objects_and_average_to_the_accuracy(
    comparison: Comparison,
) -> None:
    (found,) = trends(comparison, ["magnitude", "radius"], bins=6)
    assert found.quantity.unit == "mag"
    assert found.count.tolist() == [100] * 6
    assert (np.diff(found.centre) > 0).all()
    for method in comparison.predictions:
        mean = np.average(found.accuracy[method], weights=found.count)
        assert mean == pytest.approx(comparison.scores[method]["accuracy"])
        assert (found.low[method] <= found.accuracy[method]).all()
        assert (found.high[method] >= found.accuracy[method]).all()
    assert found.accuracy["net"][0] > 0.9
    assert found.accuracy["net"][-1] < 0.2


def test_a_trend_leaves_out_what_is_not_known() -> None:
    values = np.array([1.0, np.nan, 2.0, 3.0])
    found = trend(MAGNITUDE, values, {"net": np.array([True, False, True, True])}, bins=9)
    assert found.centre.tolist() == [1, 2, 3]
    assert found.accuracy["net"].tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="0 known values"):
        trend(MAGNITUDE, np.full(2, np.nan), {"net": np.ones(2, bool)})


def test_confusions_and_reliabilities_cover_every_method(comparison: Comparison) -> None:
    for method, matrix in confusions(comparison).items():
        assert matrix.sum() == 600
        right = comparison.scores[method]["accuracy"]
        assert np.trace(matrix) / 600 == pytest.approx(right)
    assert reliabilities(comparison)["forest"].confidence.mean() == pytest.approx(0.99)


def test_the_verdict_names_the_best_rival(comparison: Comparison) -> None:
    said = verdict(comparison, training_objects=5000)
    assert said.startswith("Use the network")
    assert "svm" in said
    assert "forest" not in said
    assert "5,000" in said


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        (Interval(0.1, 0.05, 0.15), "Use the network:"),
        (Interval(-0.1, -0.15, -0.05), "Use svm:"),
        (Interval(0.01, -0.01, 0.03), "Use svm, which is the faster:"),
    ],
)
def test_the_verdict_follows_the_interval_of_the_gap(gap: Interval, expected: str) -> None:
    seconds = {"net": 0.002, "svm": 0.001}
    said = sentence(rival="svm", ours=0.9, gap=gap, objects=1000, seconds=seconds)
    assert said.startswith(expected)
    # The gap leaves the noise where its half-width, which falls as 1 / sqrt(N), equals it.
    half = (gap.high - gap.low) / 2
    assert f"more than about {np.ceil(1000 * (half / gap.value) ** 2):,.0f} objects" in said


def test_the_verdict_says_from_how_many_objects_on_a_slow_training_pays() -> None:
    said = sentence(
        rival="svm",
        ours=0.9,
        gap=Interval(0.1, 0.05, 0.15),
        objects=1000,
        seconds={"net": 0.001, "svm": 0.011},
        training_seconds={"net": 1100.0, "svm": 100.0},
    )
    assert "the network is the faster from about 100,000 objects on" in said
