"""Stellar parameters: first layer, rivals, the bound as a score, and the recipe's chain."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepfield.data.simulated_stars import SimulatedStars
from deepfield.nets.eigenspectra import Eigenspectra
from deepfield.nouns.contracts import Rival
from deepfield.nouns.posterior import Posterior
from deepfield.recipes.stellar_parameters import (
    mock,
    mock_bands,
    stellar_parameters,
    templates,
)
from deepfield.rivals.grid_chi_square import GridChiSquare
from deepfield.rivals.partial_least_squares import PartialLeastSquares
from deepfield.rivals.templates import Templates
from deepfield.scores.bounds import bound_scores
from deepfield.sky.instruments import medium_bands, spectrograph
from deepfield.sky.stars import PARAMETERS
from deepfield.train.loop import fit

COUNTS = {"train": 1500, "validation": 200, "test": 300}


@pytest.fixture(scope="module")
def source() -> SimulatedStars:
    return mock(objects=COUNTS, seed=4)


@pytest.fixture(scope="module")
def layer() -> Eigenspectra:
    population = torch.from_numpy(templates(spectrograph()).flat)[::7]
    return Eigenspectra(population, components=24, wavelength=spectrograph().wavelength)


def test_the_layer_does_not_see_brightness(source, layer):
    batch = source.take(torch.arange(20), 0)
    brighter = replace(batch, values=7 * batch.values, variance=49 * batch.variance)
    assert torch.allclose(layer(batch)[0], layer(brighter)[0], atol=1e-3)


def test_the_layers_coefficients_are_as_uncertain_as_it_says(source, layer):
    """Over many noises, errors of the coefficients follow the fit's own covariance."""
    epochs = torch.stack([layer(source.take(torch.arange(30), e))[0] for e in range(200)])
    size = len(layer.basis)
    scatter = epochs[:, :, 1:size].std(0)
    known = (epochs[0, :, size + 1 : 2 * size] + 2 * epochs[0, :, -1:]).exp()
    # Shrunk towards the population's mean, they scatter by s sqrt(1 - s^2) of their error s.
    expected = known.sqrt() / (1 + known)
    ratio = (scatter / expected)[:, :8]
    assert 0.95 < float(ratio.median()) < 1.05


def test_a_gap_tells_less_but_moves_nothing_far(source, layer):
    batch = source.take(torch.arange(200), 0)
    variance = batch.variance.clone()
    variance[:, :, 60:90] = torch.inf
    values = batch.values.clone()
    values[:, :, 60:90] = torch.nan
    whole, gap = layer(batch)[0], layer(replace(batch, values=values, variance=variance))[0]
    size = len(layer.basis)
    told = [(seen[:, size : 2 * size] + 2 * seen[:, -1:]).mean(1) for seen in (whole, gap)]
    assert float((told[1] < told[0]).float().mean()) > 0.9
    known = (gap[:, size + 1 : 2 * size] + 2 * gap[:, -1:]).exp()
    moved = (gap - whole)[:, 1:size].abs() * (1 + known).sqrt()
    assert float(moved.square().mean().sqrt()) < 1.5
    assert bool(gap.isfinite().all())


def test_an_empty_spectrum_stays_finite(source, layer):
    batch = source.take(torch.arange(2), 0)
    empty = replace(batch, variance=torch.full_like(batch.variance, torch.inf))
    assert bool(layer(empty)[0].isfinite().all())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"wavelength": None}, "no wavelengths"),
        ({"variance": None}, "no variance"),
        ({"wavelength": spectrograph().wavelength + 1.0}, "resample"),
        ({"values": torch.ones(2, 1, 90), "variance": torch.ones(2, 1, 90)}, "resample"),
    ],
)
def test_other_spectra_are_refused(source, layer, change, said):
    batch = replace(source.take(torch.arange(2), 0), **change)
    with pytest.raises(ValueError, match=said):
        layer(batch)


def test_few_components_keep_what_the_noise_lets_through(layer):
    """Of noiseless spectra the layer leaves far less than the noise of the best, 1 %."""
    seen = torch.from_numpy(templates(spectrograph()).flat)[3::101].float()
    seen = seen / seen.mean(1, keepdim=True)
    basis = torch.cat([layer.mean[None], layer.basis])
    found = torch.linalg.lstsq(basis.T, seen.T).solution
    left = seen - found.T @ basis
    assert float(left.square().mean().sqrt()) < 5e-4 and float(left.abs().max()) < 1e-2


def test_parabolas_between_nodes_are_exact_for_parabolas():
    x, y = np.arange(5.0), np.arange(4.0)
    surface = (x[:, None] ** 2 - 3 * y + x[:, None] * y)[..., None]
    grid = Templates((x, y), surface)
    places = np.array([[0.3, 2.7], [3.9, 1.5], [0.0, 3.0]])
    values, slopes = grid.between(places)
    u, v = places.T
    assert np.allclose(values[:, 0], u**2 - 3 * v + u * v)
    assert np.allclose(slopes[:, 0], np.stack([2 * u + v, u - 3], 1))


@pytest.fixture(scope="module")
def rivals(source) -> dict[str, Rival]:
    return {
        "chi-square": GridChiSquare(PARAMETERS, templates(spectrograph())).fit(source),
        "regression": PartialLeastSquares(PARAMETERS, components=(5, 15)).fit(source),
    }


def test_chi_square_reaches_the_bound(source, rivals):
    batch = source.part("test").take(torch.arange(300), 0)
    found = bound_scores(rivals["chi-square"].predict(batch)["posterior"], batch.truth)
    for name in PARAMETERS:
        assert 0.7 < found[f"cramer_rao_ratio_{name}"] < 1.35


def test_regression_is_better_than_the_mean_and_worse_than_the_bound(source, rivals):
    batch = source.part("test").take(torch.arange(300), 0)
    posterior = rivals["regression"].predict(batch)["posterior"]
    median = posterior.quantiles([0.5])[:, 0, 0]
    error = (median - batch.truth["log_teff"]).square().mean().sqrt()
    assert float(error) < 0.3 * float(batch.truth["log_teff"].std())
    assert bound_scores(posterior, batch.truth)["cramer_rao_ratio_log_teff"] > 1.5


@pytest.mark.parametrize("rival", ["chi-square", "regression"])
def test_rivals_answer_nan_for_nothing_and_take_gaps(source, rivals, rival):
    batch = source.take(torch.arange(3), 0)
    variance = batch.variance.clone()
    variance[0] = torch.inf
    variance[1, :, 50:80] = torch.inf
    samples = rivals[rival].predict(replace(batch, variance=variance))["posterior"].samples
    assert bool(samples[0].isnan().all()) and bool(samples[1:].isfinite().all())


def test_errors_as_large_as_the_bound_score_one():
    torch.manual_seed(0)
    truth = {"log_g": 5 * torch.rand(4000)}
    truth["cramer_rao_log_g"] = 0.05 + 0.2 * torch.rand(4000)
    quantity = mock(objects={"test": 1}, seed=0).quantity("log_g")
    off = truth["log_g"] + 1.1 * truth["cramer_rao_log_g"] * torch.randn(4000)
    found = bound_scores(Posterior((quantity,), off[:, None, None]), truth)
    assert found["cramer_rao_ratio_log_g"] == pytest.approx(1.1, abs=0.05)
    assert found["cramer_rao_share_log_g"] == 1.0


def test_the_chain_learns_more_than_the_prior(source):
    recipe = stellar_parameters(source, epochs=8, batch_size=64, width=64)
    fit(recipe.net, recipe.task, source, recipe.training, progress=False)
    batch = source.part("test").take(torch.arange(300), 0)
    with torch.no_grad():
        prediction = recipe.task.predict(recipe.net, batch)
        again = recipe.task.predict(recipe.net, batch.take(torch.arange(5, 9)))
    scores = recipe.task.score(prediction, batch.truth)
    assert scores["rmse_log_teff"] < 0.06
    assert scores["rmse_log_g"] < 0.8 * float(batch.truth["log_g"].std())
    assert torch.allclose(
        prediction["posterior"].samples[5:9], again["posterior"].samples, atol=1e-2
    )


def test_bands_have_a_network_of_their_own():
    bands = mock_bands(objects=COUNTS, seed=4)
    recipe = stellar_parameters(bands)
    batch = bands.take(torch.arange(4), 0)
    lost = batch.variance.clone()
    lost[:, 3] = torch.inf
    posterior = recipe.task.predict(recipe.net.eval(), replace(batch, variance=lost))["posterior"]
    assert batch.channels == medium_bands().channels and bool(posterior.samples.isfinite().all())
