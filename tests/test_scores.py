"""Scores: golden values, agreement with scikit-learn, honest intervals."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, confusion_matrix, roc_auc_score

from deepfield.scores.binomial import binomial_interval
from deepfield.scores.bootstrap import interval, paired_gap, resample
from deepfield.scores.calibration import brier, calibration_error, reliability
from deepfield.scores.classification import accuracy, auroc, confusion, true_positive_rate_at
from deepfield.scores.known import hard_labels
from deepfield.scores.resampled import accuracy_of, auroc_of, calibration_error_of


def drawn(objects: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and labels drawn from them: calibrated by construction."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(classes), objects)
    cut = probabilities.cumsum(1)
    return probabilities, (generator.random((objects, 1)) > cut[:, :-1]).sum(1)


def test_tpr_counts_positives_before_the_first_and_before_the_tenth_false_positive() -> None:
    # Ranked: 3 positives, a negative, 2 positives, 8 negatives, 1 positive, 5 negatives, the rest.
    labels = np.array([1] * 3 + [0] + [1] * 2 + [0] * 8 + [1] + [0] * 5 + [1] * 4)
    scores = np.linspace(1, 0, len(labels))
    assert true_positive_rate_at(scores, labels, 0)[0] == 3 / 10
    assert true_positive_rate_at(scores, labels, 10)[0] == 6 / 10
    assert true_positive_rate_at(scores, labels, 100) == (1.0, -np.inf)


def test_tpr_counts_ties_with_a_negative_as_false_positives() -> None:
    scores, labels = np.array([1.0, 1.0, 1.0, 0.5]), np.array([1, 1, 0, 1])
    assert true_positive_rate_at(scores, labels, 0)[0] == 0
    rate, threshold = true_positive_rate_at(
        np.array([0.9, 0.8, 0.8, 0.1]), labels[[0, 1, 2, 3]], 1
    )
    assert rate == 1 / 3
    assert threshold == 0.8


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(-1, 1)), min_size=2, max_size=60),
    st.integers(0, 12),
)
def test_tpr_is_the_best_over_all_thresholds(
    objects: list[tuple[int, int]], false_positives: int
) -> None:
    scores, labels = (np.array(column, float) for column in zip(*objects, strict=True))
    if not (labels == 1).any():
        return
    allowed = max(false_positives - 1, 0)
    rates = [
        (scores[labels == 1] > t).mean()
        for t in [-np.inf, *scores]
        if (scores[labels == 0] > t).sum() <= allowed
    ]
    assert true_positive_rate_at(scores, labels, false_positives)[0] == max(rates)


@pytest.mark.parametrize("decimals", [1, 6])
def test_auroc_is_that_of_sklearn_with_and_without_ties(decimals: int) -> None:
    for classes in (2, 5):
        probabilities, labels = drawn(400, classes)
        probabilities = probabilities.round(decimals)
        if classes == 2:
            expected = roc_auc_score(labels, probabilities[:, 1])
        else:
            each = [roc_auc_score(labels == k, probabilities[:, k]) for k in range(classes)]
            expected = np.mean(each)
        assert auroc(probabilities, labels) == pytest.approx(expected, abs=1e-12)


def test_auroc_averages_over_the_classes_that_are_present() -> None:
    probabilities, labels = drawn(300, 4)
    some = labels != 2
    each = [roc_auc_score(labels[some] == k, probabilities[some, k]) for k in (0, 1, 3)]
    assert auroc(probabilities[some], labels[some]) == pytest.approx(np.mean(each), abs=1e-12)
    assert np.isnan(auroc(probabilities, np.zeros(300, int)))


def test_resampling_weights_are_repeated_objects() -> None:
    probabilities, labels = drawn(80, 3)
    probabilities, labels = probabilities.round(1), np.where(np.arange(80) % 7 == 0, -1, labels)
    counts = np.random.default_rng(1).integers(0, 4, 80)
    repeated = np.repeat(np.arange(80), counts)
    for of, plain in ((accuracy_of, accuracy), (auroc_of, auroc)):
        weighted = of(probabilities, labels)(counts[None])[0]
        assert weighted == pytest.approx(plain(probabilities[repeated], labels[repeated]))


def test_confusion_and_brier_are_those_of_sklearn() -> None:
    probabilities, labels = drawn(500, 4)
    expected = confusion_matrix(labels, probabilities.argmax(1))
    assert (confusion(probabilities, labels) == expected).all()
    loss = brier_score_loss(labels, probabilities, scale_by_half=False)
    assert brier(probabilities, labels) == pytest.approx(loss)


def test_unknown_labels_and_unmeasured_objects_are_left_out() -> None:
    probabilities, labels = drawn(200, 3)
    holes, unknown = probabilities.copy(), labels.copy()
    holes[:20], unknown[20:50] = np.nan, -1
    for score in (accuracy, auroc, brier, calibration_error):
        assert score(holes, unknown) == pytest.approx(score(probabilities[50:], labels[50:]))
    assert confusion(holes, unknown).sum() == 150
    assert np.isnan(accuracy(probabilities, np.full(200, -1)))
    assert np.isnan(calibration_error(probabilities, np.full(200, -1)))


def test_tensors_on_the_graph_and_soft_labels_score_like_hard_arrays() -> None:
    probabilities, labels = drawn(50, 3)
    tensor = torch.tensor(probabilities, requires_grad=True)
    soft = torch.full((50, 3), 0.2)
    soft[torch.arange(50), torch.tensor(labels)] = 0.6
    assert accuracy(tensor, soft) == accuracy(probabilities, labels)
    assert auroc(tensor, soft) == auroc(probabilities, labels)
    soft[0] = torch.nan
    soft[1] = 0
    assert hard_labels(soft)[:2].tolist() == [-1, -1]


def test_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="3 labels"):
        accuracy(np.eye(2), np.array([0, 1, 1]))
    with pytest.raises(ValueError, match="label 2 for 2 classes"):
        accuracy(np.eye(2), np.array([0, 2]))


def test_calibrated_probabilities_have_a_small_error_and_overconfident_ones_a_known_one() -> None:
    probabilities, labels = drawn(30_000, 4)
    assert calibration_error(probabilities, labels) < 0.012
    generator = np.random.default_rng(2)
    right = generator.random(30_000) < 0.7
    claimed = np.tile([0.9, 0.1], (30_000, 1))
    overconfident = calibration_error(claimed, np.where(right, 0, 1))
    assert overconfident == pytest.approx(0.9 - right.mean(), abs=1e-9)


def test_calibration_error_weighs_bins_by_hand() -> None:
    probabilities = np.array([[0.6, 0.4], [0.6, 0.4], [0.9, 0.1], [1.0, 0.0]])
    # Lower half: confidence 0.6, accuracy 0.5; upper half: 0.95 against 0.5.
    labels = np.array([0, 1, 0, 1])
    assert calibration_error(probabilities, labels, bins=2) == pytest.approx((0.1 + 0.45) / 2)


def test_reliability_bins_hold_equally_many_and_their_intervals_cover_the_confidence() -> None:
    probabilities, labels = drawn(20_000, 3)
    found = reliability(probabilities, labels)
    assert found.count.max() - found.count.min() <= 1
    assert found.count.sum() == 20_000
    assert (np.diff(found.confidence) > 0).all()
    covered = (found.low <= found.confidence) & (found.confidence <= found.high)
    assert covered.sum() >= 12
    gap = np.average(np.abs(found.confidence - found.accuracy), weights=found.count)
    assert calibration_error(probabilities, labels) == pytest.approx(gap)
    assert len(reliability(probabilities, np.full(20_000, -1)).count) == 0


def test_binomial_interval_covers_at_its_level() -> None:
    counted = np.random.default_rng(0).binomial(40, 0.93, 20_000)
    low, high = binomial_interval(counted, 40)
    assert 0.93 < ((low <= 0.93) & (high >= 0.93)).mean() < 0.98
    assert np.allclose(binomial_interval(0, 0), [0, 1])
    assert float(binomial_interval(50, 50)[0]) < 1


def coin(p: float, objects: int, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(objects) < p).astype(float)


def test_bootstrap_intervals_cover_the_truth_at_their_level() -> None:
    covered = 0
    for seed in range(300):
        labels = 1 - coin(0.8, 150, seed).astype(int)
        statistic = accuracy_of(np.tile([0.9, 0.1], (150, 1)), labels)
        _, low, high = interval(statistic, 150, seed=seed, draws=300)
        covered += low <= 0.8 <= high
    assert 0.90 <= covered / 300 <= 0.985


def test_paired_gap_has_the_sign_of_the_better_and_is_narrower_than_unpaired() -> None:
    generator = np.random.default_rng(0)
    easy = generator.random(1000)
    answers = {"good": easy < 0.9, "bad": easy < 0.85}
    labels = np.zeros(1000, int)
    of = {
        name: accuracy_of(np.stack([right, ~right], 1).astype(float), labels)
        for name, right in answers.items()
    }
    gap, back = paired_gap(of["good"], of["bad"], 1000), paired_gap(of["bad"], of["good"], 1000)
    assert gap.value == pytest.approx(answers["good"].mean() - answers["bad"].mean())
    assert 0 < gap.low < gap.value < gap.high
    assert back == pytest.approx((-gap.value, -gap.high, -gap.low))
    alone = [interval(statistic, 1000) for statistic in of.values()]
    unpaired = np.hypot(*[limits.high - limits.low for limits in alone])
    assert gap.high - gap.low < 0.8 * unpaired


def test_equal_seeds_give_equal_intervals_and_a_method_has_no_gap_to_itself() -> None:
    probabilities, labels = drawn(300, 3)
    statistic = auroc_of(probabilities, labels)
    assert interval(statistic, 300, seed=3) == interval(statistic, 300, seed=3)
    assert interval(statistic, 300, seed=3) != interval(statistic, 300, seed=4)
    assert tuple(paired_gap(statistic, statistic, 300)) == (0, 0, 0)


def test_calibration_error_lies_inside_its_interval_although_noise_only_raises_it() -> None:
    probabilities, labels = drawn(600, 3)
    statistic = calibration_error_of(probabilities, labels)
    value, low, high = interval(statistic, 600)
    draws = resample({"error": statistic}, 600)["error"].draws
    assert np.quantile(draws, 0.3) > value
    assert low < value < high


def test_scores_that_nothing_supports_have_no_interval() -> None:
    probabilities, labels = drawn(20, 2)
    value, low, high = interval(auroc_of(probabilities, np.ones_like(labels)), 20)
    assert np.isnan([value, low, high]).all()
    with pytest.raises(ValueError, match="0 objects"):
        interval(accuracy_of(probabilities[:0], labels[:0]), 0)
