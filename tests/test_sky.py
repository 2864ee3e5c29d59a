"""The mock sky: surveys, the population against its own prior, and what features are."""

import numpy as np
import pytest
import torch
from scipy import stats

from deepfield.data.simulated import Simulated
from deepfield.render.noise import sky_variance
from deepfield.sky import surveys
from deepfield.sky.galaxies import shine
from deepfield.sky.population import KIND, SMOOTH, Population

PRESETS = {
    "sdss": ("g", "r", "i"),
    "hsc": ("g", "r", "i", "z", "y"),
    "lsst": ("u", "g", "r", "i", "z", "y"),
    "hst": ("f814w",),
}


@pytest.mark.parametrize("name", PRESETS)
def test_every_survey_draws_galaxies(name):
    survey = getattr(surveys, name)()
    assert survey.channels == PRESETS[name]
    assert all("http" in band.source for band in survey.bands)
    assert list(b.wavelength for b in survey.bands) == sorted(b.wavelength for b in survey.bands)
    batch = Simulated(survey, {"train": 8}, size=48).take(torch.arange(8), 0).check()
    assert batch.values.shape == (8, len(survey.bands), 48, 48)
    assert batch.values.isfinite().all()


def test_the_population_follows_its_prior():
    population, survey = Population(), surveys.sdss()
    galaxies = population.draw(np.arange(3000), survey, seed=3, split="test", size=64)
    counts = torch.bincount(galaxies.kind, minlength=5).numpy()
    assert stats.chisquare(counts).pvalue > 1e-3
    low, high = np.log(population.signal_to_noise)
    u = (np.log(galaxies.signal_to_noise.numpy()) - low) / (high - low)
    assert stats.kstest(u, "uniform").pvalue > 1e-3
    assert stats.kstest(galaxies.position_angle.numpy() / 180, "uniform").pvalue > 1e-3
    assert galaxies.axis_ratio[galaxies.kind == SMOOTH].min() > 0.45


def test_a_galaxy_depends_on_seed_split_and_index_alone():
    survey = surveys.sdss()
    many = Simulated(survey, {"train": 300}, seed=4)
    few = Simulated(survey, {"train": 135}, seed=4)
    rows = torch.tensor([131, 2, 77])
    first, again = many.take(rows, 3), few.take(rows, 3)
    assert torch.equal(first.truth["kind"], again.truth["kind"])
    assert torch.allclose(first.values, again.values, rtol=1e-3, atol=1e-3 * first.values.std())
    one = many.take(rows[1:2], 3)
    assert torch.equal(one.values[0], first.values[1])
    assert not torch.equal(many.take(rows, 4).values, first.values), "fresh noise every epoch"
    other = Simulated(survey, {"validation": 300}, seed=4, split="validation").take(rows, 3)
    assert not torch.equal(other.truth["magnitude"], first.truth["magnitude"])


def test_noise_is_as_the_survey_says():
    source = Simulated(surveys.sdss(), {"train": 40})
    first, second = (source.take(torch.arange(40), epoch) for epoch in (0, 1))
    difference = (first.values - second.values) / (first.variance + second.variance).sqrt()
    assert difference.std() == pytest.approx(1.0, abs=0.01)
    assert first.variance.amin((0, 2, 3)) == pytest.approx(
        sky_variance(surveys.sdss()).numpy(), rel=0.02
    )


def test_flux_magnitude_and_signal_to_noise_agree():
    survey, population = surveys.sdss(), Population(radius=(0.9, 1.2))
    galaxies = population.draw(np.arange(60), survey, seed=1, split="train", size=64)
    galaxies.companions[..., 4] = 0  # alone
    image = shine(galaxies, survey, size=64).image[:, 1]
    ratio = image.sum((1, 2)) / galaxies.flux
    # Features have their own colour and wings leave the stamp, but the middle band sets the flux.
    assert ratio.median() == pytest.approx(1.0, abs=0.03)
    assert ratio.min() > 0.85 and ratio.max() < 1.1


def test_half_of_the_features_can_be_seen():
    batch = Simulated(surveys.sdss(), {"test": 600}, split="test").take(torch.arange(600), 0)
    truth = batch.truth
    assert 0.4 < truth["visible"].mean() < 0.7
    seen = truth["visible"] > 0.5
    assert (truth["feature_signal_to_noise"][seen] >= 8).all()
    assert (truth["feature_size"][seen] >= 1.3).all()  # arcsec: the PSF of SDSS r
    for kind in range(5):
        assert 0.2 < truth["visible"][truth["kind"] == kind].mean() < 0.95


def test_features_grow_with_light_and_hide_behind_the_psf():
    survey = surveys.sdss()
    galaxies = Population().draw(np.arange(64), survey, seed=9, split="train", size=64)
    once = shine(galaxies, survey, size=64)
    galaxies.flux.mul_(2)
    twice = shine(galaxies, survey, size=64)
    assert torch.allclose(
        twice.feature_signal_to_noise, 2 * once.feature_signal_to_noise, rtol=1e-3
    )
    assert torch.allclose(twice.image, 2 * once.image, rtol=1e-3, atol=1e-2)
    assert torch.equal(twice.feature_size, once.feature_size)


def test_unknown_truth_and_indices_are_refused():
    source = Simulated(surveys.sdss(), {"train": 3})
    assert source.quantity("kind") == KIND
    with pytest.raises(ValueError, match="no truth 'redshift'"):
        source.quantity("redshift")
    with pytest.raises(ValueError, match="index 3 of 3"):
        source.take(torch.tensor([3]), 0)
