"""Comparing posteriors: scores, gaps, subsets, verdict, figures, and the page."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from gaussian_posteriors import Affordable, Gaussian, Sky
from torch import nn

from deepfield.evaluate.claims import best_rival
from deepfield.evaluate.compare import Comparison, compare
from deepfield.evaluate.degeneracy import degenerate
from deepfield.evaluate.error_trends import error_trends
from deepfield.evaluate.measured_verdict import measured_verdict
from deepfield.evaluate.measurements import coverages, joint_coverages, measurements
from deepfield.evaluate.metrics import loss
from deepfield.evaluate.scores_json import scores_json
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction
from deepfield.report.page import page
from deepfield.tasks.measures import structure_measures
from deepfield.verbs._classified import classified
from deepfield.verbs._measured import measured

OBJECTS = 400


class Measure:
    """A task that asks for what `structure` is scored by."""

    players: tuple[str, ...] = ()

    def losses(self, net: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        return {}

    def predict(self, net: nn.Module, batch: Batch) -> Prediction:
        return net(batch)

    def score(self, prediction: Prediction, truth: Truth) -> dict[str, float]:
        answer = prediction["posterior"]
        assert isinstance(answer, Posterior)
        return structure_measures(answer, truth)


class Coarse(Gaussian):
    """Calibrated, with errors that are twice as large."""

    def predict(self, batch: Batch) -> Prediction:
        generator = torch.Generator().manual_seed(int(batch.ids[0].split()[1]))
        more = torch.randn(batch.values.shape, generator=generator) * math.sqrt(3)
        noisy = replace(batch, values=batch.values + more * torch.tensor([0.1, 0.05, 8.0]))
        return replace(self, width=2.0)._plainly(noisy)

    def _plainly(self, batch: Batch) -> Prediction:
        return Gaussian.predict(self, batch)


def compared(**methods: Gaussian) -> Comparison:
    return compare(
        methods, Measure(), Sky(OBJECTS), name="toy", batch_size=100, seed=1, progress=False
    )


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compared(
        net=Gaussian(), sure=Gaussian(width=0.5), fit=Affordable(shift=1.0), coarse=Coarse()
    )


def test_every_score_that_can_be_resampled_has_its_interval(comparison: Comparison) -> None:
    for method, found in comparison.intervals.items():
        assert {"rmse_magnitude", "scatter_log_radius_disc", "coverage_68"} <= set(found)
        assert "rmse_magnitude_sn50" in found
        for metric, (value, low, high) in found.items():
            assert value == pytest.approx(comparison.scores[method][metric])
            assert low <= high
            if metric.startswith("coverage"):
                assert 0 <= low <= high <= 1


def test_calibration_is_checked_without_being_asked_for(comparison: Comparison) -> None:
    net, sure = comparison.scores["net"], comparison.scores["sure"]
    assert net["pit_p_magnitude"] > 1e-3 > sure["pit_p_magnitude"]
    assert net["joint_p"] > 1e-3 > sure["joint_p"]
    assert sure["pull_width_magnitude"] == pytest.approx(2, rel=0.15)


def test_gaps_are_paired(comparison: Comparison) -> None:
    gap = comparison.gaps["coarse"]["rmse_magnitude"]
    assert gap.high < 0
    assert gap.value == pytest.approx(-0.1, abs=0.02)
    # Of the same medians there is no gap, and no noise.
    same = comparison.gaps["sure"]["scatter_magnitude"]
    assert same.low == pytest.approx(0, abs=2e-3) and same.high == pytest.approx(0, abs=2e-3)
    assert comparison.gaps["sure"]["coverage_68_magnitude"].low > 0.2


def test_a_method_that_affords_fewer_is_compared_on_those(comparison: Comparison) -> None:
    rows = comparison.rows["fit"]
    assert len(rows) == 50
    # Of all signal-to-noise ratios, and not the first ones.
    assert len(set(comparison.truth["signal_to_noise"][rows].tolist())) == 5
    assert rows.diff().min() > 0 and rows.max() > OBJECTS / 2
    content = scores_json(comparison)
    assert content["objects"] == OBJECTS
    assert content["scores"]["fit"]["objects"] == 50
    assert content["scores"]["sure"]["objects"] == OBJECTS
    answer, truth = comparison.predictions["net"]["posterior"][rows], comparison.truth.take(rows)
    assert isinstance(answer, Posterior)
    ours = structure_measures(answer, truth)["rmse_magnitude"]
    gap = content["gaps"]["fit"]["rmse_magnitude"]
    assert gap["net"] == pytest.approx(ours)
    assert gap["value"] == pytest.approx(ours - content["scores"]["fit"]["rmse_magnitude"])
    assert ours != content["scores"]["net"]["rmse_magnitude"]
    lost = comparison.predictions["fit"]["posterior"].samples.isnan().flatten(1).all(1)
    assert int((~lost).sum()) == 50
    json.dumps(content, allow_nan=False)


def test_a_failed_fit_is_left_out_of_its_own_subset_only(comparison: Comparison) -> None:
    first, second, *_ = comparison.rows["fit"].tolist()
    lost = (f"galaxy {first}", f"galaxy {second}")
    found = compared(net=Gaussian(), fit=Affordable(blind=lost))
    assert len(found.batch) == OBJECTS
    assert len(found.rows["fit"]) == 48
    assert found.scores["fit"]["unmeasured"] == 2
    # What the network cannot measure is left out for all.
    found = compared(net=Gaussian(blind=lost[:1]), fit=Affordable())
    assert len(found.batch) == OBJECTS - 1
    assert len(found.rows["fit"]) == 49
    assert lost[0] not in found.batch.ids[found.rows["fit"].numpy()]


def test_comparisons_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="the network affords 50 of 400"):
        compared(net=Affordable())
    with pytest.raises(ValueError, match="affords 0 objects"):
        compared(net=Gaussian(), fit=Affordable(affordable=0))


def test_the_best_rival_is_nearest_to_what_a_metric_wants() -> None:
    scores = {"net": {}, "a": {"coverage_68": 0.9, "rmse_x": 2}, "b": {"coverage_68": 0.6}}
    assert best_rival(scores, "coverage_68") == 0.6
    assert best_rival(scores, "rmse_x") == 2
    assert loss("pull_width_x", 0.5) == pytest.approx(loss("pull_width_x", 2.0))
    assert loss("bias", -0.2) > loss("bias", 0.1)


def test_the_verdict_says_how_much_better_and_for_how_much() -> None:
    said = measured_verdict(compared(net=Gaussian(), coarse=Coarse()), training_objects=7000)
    ratio = re.search(r"Use the network: its RMSE is (\S+) times that of coarse", said)
    assert ratio is not None and float(ratio[1]) == pytest.approx(0.5, abs=0.03)
    assert "smaller for 3 of 3 quantities and larger for 0" in said
    assert "7,000" in said
    said = measured_verdict(compared(net=Coarse(), fine=Gaussian()))
    assert said.startswith("Use fine: the network's RMSE is")
    assert "does not say" in measured_verdict(compared(net=Gaussian()))


def test_coverage_curves_fall_below_the_diagonal_where_a_method_is_too_sure(
    comparison: Comparison,
) -> None:
    every = measurements(comparison)
    assert list(every) == ["net", "sure", "fit", "coarse"]
    curves = coverages(every)["magnitude"]
    assert (np.abs(curves["net"].actual - curves["net"].nominal) < 0.07).all()
    middle = np.abs(curves["sure"].nominal - 0.68).argmin()
    assert curves["sure"].high[middle] < 0.5
    joint = joint_coverages(every)
    assert (joint["around the mean"]["sure"].actual[10:40] < 0.5).all()


def test_error_trends_see_the_bias_of_the_method_that_has_one(comparison: Comparison) -> None:
    every = measurements(comparison)
    (found,) = error_trends(
        comparison, every, ["magnitude", "unknown"], ["magnitude", "x"], bins=5
    )
    # Bins with fewer than eight of its fifty objects say nothing.
    assert np.nanmedian(found.bias["fit"]) == pytest.approx(0.1, abs=0.06)
    assert (np.abs(found.bias["net"]) < 3 * found.bias_error["net"]).all()
    assert found.scatter["net"] == pytest.approx(np.full(5, 0.1), rel=0.3)
    assert np.nanmean(found.bias_error["fit"]) > 1.5 * np.mean(found.bias_error["net"])


def test_the_object_that_is_shown_is_degenerate(comparison: Comparison) -> None:
    together = measurements(comparison)["net"].together()
    row, names = degenerate(together, most=2)
    assert names == ["magnitude", "log_radius_disc"]
    assert 0 <= row < OBJECTS
    with pytest.raises(ValueError, match="1 quantities"):
        degenerate(together[:1])


def test_a_page_and_a_table_come_of_it() -> None:
    comparison = compared(net=Gaussian(), fit=Affordable())
    scores = scores_json(comparison)
    found = measured(comparison, scores, said="400 numbers", training_objects=10)
    assert found is not None
    assert classified(comparison, scores, said="", training_objects=0) is None
    titles = {part.title for part in found.parts}
    assert {"Predicted against true", "Calibration", "By signal-to-noise"} <= titles
    assert {"What hangs together", "Are the joint posteriors calibrated?"} <= titles
    assert "400 numbers" in page("toy", found.parts)
    table = found.answers
    assert len(table) == OBJECTS
    for name in ("magnitude", "net_magnitude", "fit_magnitude_lower68", "fit_radius_disc"):
        assert name in table.colnames
    inside = (table["net_magnitude_lower68"] < table["magnitude"]) & (
        table["magnitude"] < table["net_magnitude_upper68"]
    )
    assert np.mean(inside) == pytest.approx(comparison.scores["net"]["coverage_68_magnitude"])
    assert np.isfinite(table["fit_magnitude"]).sum() == 50
