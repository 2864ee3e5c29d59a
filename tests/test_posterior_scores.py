"""Scores of posteriors: golden numbers, and what they must notice."""

import numpy as np
import pytest
import torch
from gaussian_posteriors import DEPTH, QUANTITIES, Gaussian, Sky
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from deepfield.nouns.batch import Truth
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.quantity import Quantity
from deepfield.scores.coverage import central_coverage, held
from deepfield.scores.crps import crps_samples
from deepfield.scores.errors import beyond_of, mean_of, rmse_of, scatter_of, turned
from deepfield.scores.joint_ranks import joint_ranks
from deepfield.scores.marginals import marginals
from deepfield.scores.noise_levels import noise_levels
from deepfield.scores.redshifts import bias, outlier_fraction, sigma_mad
from deepfield.scores.resampled import once
from deepfield.scores.tarp import tarp_ranks
from deepfield.scores.uniformity import ks, ks_of, rank_histogram
from deepfield.tasks.measures import general_measures, redshift_measures, structure_measures

OBJECTS = 2000


@pytest.fixture(scope="module")
def sky() -> Sky:
    return Sky(OBJECTS)


def measured(sky: Sky, method: Gaussian) -> tuple[Posterior, Truth]:
    batch = sky.take(torch.arange(len(sky)), 0)
    answer = method.predict(batch)["posterior"]
    assert isinstance(answer, Posterior)
    assert batch.truth is not None
    return answer, batch.truth


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=30), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_a_resampled_scatter_is_that_of_the_repeated_objects(values: list[float], random) -> None:
    errors = np.array(values)
    counts = np.array([[random.randint(0, 3) for _ in values] for _ in range(4)])
    for found, count in zip(scatter_of(errors)(counts.astype(float)), counts, strict=True):
        repeated = np.repeat(errors, count)
        if not len(repeated):
            assert np.isnan(found)
            continue
        expected = 1.4826 * np.median(np.abs(repeated - np.median(repeated)))
        assert found == pytest.approx(expected, abs=1e-9)


def test_errors_of_a_known_list() -> None:
    errors, each = np.array([-1.0, 0.0, 1.0, 8.0, np.nan]), np.ones((1, 5))
    assert mean_of(errors)(each) == pytest.approx(2)
    assert rmse_of(errors)(each) == pytest.approx(np.sqrt(66 / 4))
    assert beyond_of(errors, 1.0)(each) == pytest.approx(0.25)
    assert turned(np.array([1.0, 179.0]), np.array([179.0, 1.0])).tolist() == [2, -2]
    assert np.isnan(rmse_of(np.array([np.nan]))(np.ones((1, 1)))).all()


def test_weighted_crps_is_that_of_repeated_samples_and_of_the_integral() -> None:
    generator = np.random.default_rng(0)
    samples, true = generator.normal(size=(6, 5)), generator.normal(size=6)
    counts = generator.integers(1, 4, size=5)
    repeated = crps_samples(np.repeat(samples, counts, 1), true)
    weights = np.broadcast_to(counts / counts.sum(), samples.shape)
    assert crps_samples(samples, true, weights) == pytest.approx(repeated)
    line = np.linspace(-9, 9, 180_001)
    below = ((samples[0][:, None] <= line) * weights[0][:, None]).sum(0)
    integral = ((below - (line >= true[0])) ** 2).sum() * (line[1] - line[0])
    assert repeated[0] == pytest.approx(integral, abs=2e-4)


def test_crps_of_a_gaussian_is_its_closed_form() -> None:
    samples = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)[None]
    closed = 0.7 * (2 * stats.norm.cdf(0.7) - 1) + 2 * stats.norm.pdf(0.7) - 1 / np.sqrt(np.pi)
    assert crps_samples(samples, np.array([0.7])) == pytest.approx(closed, abs=1e-3)


def test_kolmogorov_and_smirnov_agree_with_scipy() -> None:
    ranks = np.random.default_rng(1).random(300) ** 1.1
    statistic, p_value = ks(np.append(ranks, np.nan))
    expected = stats.kstest(ranks, "uniform")
    assert statistic == pytest.approx(expected.statistic)
    assert p_value == pytest.approx(expected.pvalue, abs=2e-3)
    twice = np.append(ranks[:10], ranks[:10])
    assert once(ks_of(twice), 20) == pytest.approx(
        float(ks_of(ranks[:10])(np.full((1, 10), 2.0))[0])
    )


def test_rank_histograms_of_uniform_ranks_stay_within_their_band() -> None:
    found = rank_histogram(np.random.default_rng(0).random(10_000), bins=50)
    outside = (found.count < found.low) | (found.count > found.high)
    assert found.count.sum() == 10_000
    assert outside.mean() < 0.15
    assert found.p_value > 0.01
    assert rank_histogram(np.random.default_rng(0).beta(0.8, 0.8, 10_000)).p_value < 1e-6


def test_intervals_hold_what_they_hold() -> None:
    assert held(np.zeros(2), np.ones(2), np.array([1.0, 1.01])).tolist() == [1, 0]
    curve = central_coverage(np.linspace(0, 1, 10_001), np.array([0.2, 0.68, 0.95]))
    assert curve.actual == pytest.approx([0.2, 0.68, 0.95], abs=2e-4)
    assert (curve.low < curve.actual).all()
    assert (curve.actual < curve.high).all()


def test_noise_levels_are_the_nearest_in_the_logarithm() -> None:
    edges = np.sqrt(np.array([50, 200, 1000, 5000, 20000, 80000]))
    assert noise_levels(edges * 1.001).tolist() == [10, 20, 50, 100, 200, 0]
    assert noise_levels(edges / 1.001).tolist() == [0, 10, 20, 50, 100, 200]


def test_joint_ranks_see_a_correlation_that_the_quantities_alone_hide() -> None:
    generator = np.random.default_rng(0)
    root = np.linalg.cholesky(np.array([[1, 0.95], [0.95, 1]]))
    true = generator.normal(size=(OBJECTS, 2)) @ root.T
    independent = generator.normal(size=(OBJECTS, 200, 2))
    right = independent @ root.T
    for i in range(2):
        pit = (independent[:, :, i] < true[:, None, i]).mean(1)
        assert ks(pit)[1] > 1e-3
    assert ks(joint_ranks(right, true))[1] > 1e-3
    assert ks(joint_ranks(independent, true))[1] < 1e-6
    assert ks(tarp_ranks(right, true))[1] > 1e-3


def test_ranks_do_not_care_how_samples_are_weighted() -> None:
    generator = np.random.default_rng(3)
    samples, true = generator.normal(size=(40, 30, 3)), generator.normal(size=(40, 3))
    counts = generator.integers(1, 4, size=30)
    weights = np.broadcast_to(counts / counts.sum(), (40, 30))
    for ranks in (tarp_ranks, joint_ranks):
        repeated = ranks(np.repeat(samples, counts, 1), true)
        assert ranks(samples, true, weights) == pytest.approx(repeated)
        true_lost = np.where(np.arange(40)[:, None] == 7, np.nan, true)
        assert np.isnan(ranks(samples, true_lost)).tolist() == [i == 7 for i in range(40)]


def test_a_calibrated_posterior_passes_every_check(sky: Sky) -> None:
    scores = general_measures(*measured(sky, Gaussian()))
    for name in ("magnitude", "log_radius_disc", "position_angle_disc"):
        assert scores[f"coverage_68_{name}"] == pytest.approx(0.68, abs=0.035)
        assert scores[f"coverage_95_{name}"] == pytest.approx(0.95, abs=0.02)
        assert scores[f"pull_mean_{name}"] == pytest.approx(0, abs=0.08)
        assert scores[f"pull_width_{name}"] == pytest.approx(1, abs=0.06)
        assert scores[f"pit_p_{name}"] > 1e-3
        assert scores[f"outliers_{name}"] < 0.01
    assert scores["tarp_p"] > 1e-3
    assert scores["joint_p"] > 1e-3
    assert scores["rmse_position_angle_disc"] == pytest.approx(8, rel=0.06)
    assert scores["scatter_log_radius_disc"] == pytest.approx(0.05, rel=0.08)
    # Of a Gaussian the mean CRPS is its width over the root of pi.
    assert scores["crps_magnitude"] == pytest.approx(0.1 / np.sqrt(np.pi), rel=0.05)


@pytest.mark.parametrize("wrong", [Gaussian(width=0.6), Gaussian(width=1.6), Gaussian(shift=0.5)])
def test_every_check_notices_a_posterior_that_is_not_calibrated(sky: Sky, wrong: Gaussian) -> None:
    scores = general_measures(*measured(sky, wrong))
    for name in ("magnitude", "log_radius_disc", "position_angle_disc"):
        assert scores[f"pit_p_{name}"] < 1e-6
        if wrong.width != 1:
            assert scores[f"pull_width_{name}"] == pytest.approx(1 / wrong.width, rel=0.06)
            assert abs(scores[f"coverage_68_{name}"] - 0.68) > 0.1
        else:
            assert scores[f"pull_mean_{name}"] == pytest.approx(0.5, abs=0.08)
    assert scores["joint_p"] < 1e-6
    if wrong.shift == 0:
        assert scores["tarp_p"] < 1e-3


def test_structure_scores_have_the_names_that_others_read(sky: Sky) -> None:
    posterior, truth = measured(sky, Gaussian())
    scores = structure_measures(posterior, truth)
    for quantity in ("magnitude", "log_radius_disc", "position_angle_disc"):
        assert {f"rmse_{quantity}", f"scatter_{quantity}", f"coverage_68_{quantity}"} <= set(
            scores
        )
        squares = []
        for level in (10, 20, 50, 100, 200):
            assert f"scatter_{quantity}_sn{level}" in scores
            squares.append(scores[f"rmse_{quantity}_sn{level}"] ** 2)
        # Equally many objects at every level.
        assert np.mean(squares) == pytest.approx(scores[f"rmse_{quantity}"] ** 2)
    both = (scores["coverage_68_magnitude"] + scores["coverage_68_log_radius_disc"]) / 2
    assert scores["coverage_68"] == pytest.approx(both)


def test_angles_are_scored_the_short_way_round() -> None:
    angle = QUANTITIES[2]
    samples = torch.tensor([178.0, 179, 0, 1, 2]).repeat(2, 1)[..., None]
    truth = Truth({angle: torch.tensor([1.0, 179.5])})
    (found,) = marginals(Posterior((angle,), samples), truth)
    assert found.error == pytest.approx([-1, 0.5], abs=1e-4)
    assert found.pit == pytest.approx([0.7, 0.4])
    assert found.held("95").tolist() == [1, 1]


def test_redshift_scores_are_those_of_the_medians() -> None:
    redshift, generator = Quantity("redshift"), torch.Generator().manual_seed(0)
    true = 0.3 + torch.rand(500, generator=generator)
    middle = true + 0.02 * torch.randn(500, generator=generator)
    middle[:20] += 0.4
    spread = 0.02 * torch.linspace(-2, 2, 101)
    posterior = Posterior((redshift,), (middle[:, None] + spread)[..., None])
    scores = redshift_measures(posterior, Truth({redshift: true}))
    assert scores["sigma_mad"] == pytest.approx(sigma_mad(middle, true))
    assert scores["bias"] == pytest.approx(bias(middle, true), abs=1e-6)
    assert scores["outlier_fraction"] == outlier_fraction(middle, true)
    assert scores["outlier_fraction_15"] == outlier_fraction(middle, true, beyond=0.15)
    assert 0 < scores["pit_ks"] < 1
    assert scores["crps"] > 0
    with pytest.raises(ValueError, match="expected redshift in both"):
        redshift_measures(posterior, Truth({DEPTH: true}))


def test_what_is_not_measured_or_not_known_is_left_out(sky: Sky) -> None:
    posterior, truth = measured(sky, Gaussian())
    lost = torch.arange(OBJECTS) < 3
    unknown = Truth(
        {q: v.masked_fill(torch.arange(OBJECTS) > 1990, torch.nan) if q == DEPTH else v
         for q, v in truth.items_by_quantity()}
    )  # fmt: skip
    found = general_measures(posterior.blank(lost), unknown)
    rows = torch.arange(3, 1991)
    alone = general_measures(posterior[rows], truth.take(rows))
    for name in ("rmse_magnitude", "crps_magnitude", "pit_ks_magnitude", "pull_width_magnitude"):
        assert found[name] == pytest.approx(alone[name])
    with pytest.raises(ValueError, match=r"expected \[object\]"):
        general_measures(posterior[rows], truth)
