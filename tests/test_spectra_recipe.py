"""Spectra: the network's parts obey their laws, and the rival finds redshifts and lines."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from deepfield.data.gaps import Gaps
from deepfield.data.resampled import resampled
from deepfield.nets.correlation import Correlation
from deepfield.nets.line_heads import LineHead, Window
from deepfield.nets.spectrum_layer import SpectrumLayer
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Classes
from deepfield.nouns.quantity import Quantity
from deepfield.recipes.spectra import FITTED, RATIO_NAMES, mock, spectra
from deepfield.rivals.cross_correlation import CrossCorrelation, Setting
from deepfield.rivals.line_fluxes import LIGHT, LineFluxes, log_fluxes
from deepfield.rivals.rest_frame import moved, principal_components
from deepfield.rivals.shifts import even_samples, peak
from deepfield.scores.spectral_scores import spectral_scores
from deepfield.sky.wavelengths import STEP

COUNTS = {"train": 500, "validation": 80, "test": 60}


@pytest.fixture(scope="module")
def source():
    return mock(objects=COUNTS, seed=0)


@pytest.fixture(scope="module")
def recipe(source):
    return spectra(source, epochs=1)


@pytest.fixture(scope="module")
def test_batch(source):
    part = source.part("test")
    return part.take(torch.arange(len(part)), 0)


def test_correlation_is_the_sum_of_products():
    layer = Correlation(2, 30, templates=3, first=-2, shifts=9)
    spectra_seen = torch.randn(2, 2, 30, generator=torch.Generator().manual_seed(0))
    found = layer(spectra_seen) * 30**0.5
    for s in range(-2, 7):
        shown = layer.templates[:, :, torch.arange(30) - s + layer.origin]
        direct = torch.einsum("ncp,kcp->nk", spectra_seen, shown)
        assert torch.allclose(found[:, :, s + 2], direct, atol=1e-5)


def test_a_redshift_is_a_shift_of_the_correlation():
    layer = Correlation(1, 200, templates=2, first=0, shifts=60)
    inner = torch.zeros(1, 1, 200)
    inner[0, 0, 60:110] = torch.randn(50, generator=torch.Generator().manual_seed(1))
    before, after = layer(inner), layer(inner.roll(7, 2))
    assert torch.allclose(before[..., :53], after[..., 7:], atol=1e-5)


def test_gaps_tell_the_network_nothing_of_what_they_hide(recipe, test_batch):
    seen = Gaps(1.0)(test_batch, torch.Generator().manual_seed(0))
    hidden = seen.variance.isinf().expand_as(seen.values)
    spoilt = replace(seen, values=torch.where(hidden, torch.nan, seen.values))
    loud = replace(seen, values=torch.where(hidden, 1e9, seen.values))
    with torch.no_grad():
        first, second = (recipe.net.eval()(b) for b in (spoilt, loud))
    assert torch.equal(first["kind"], second["kind"])
    assert bool(first["redshift"][0].log_weights.isfinite().all())
    assert torch.equal(first["redshift"][0].log_weights, second["redshift"][0].log_weights)


def test_the_answer_does_not_depend_on_the_flux_scale(recipe, test_batch):
    louder = replace(
        test_batch, values=test_batch.values * 1e3, variance=test_batch.variance * 1e6
    )
    with torch.no_grad():
        first, second = (recipe.net.eval()(b) for b in (test_batch, louder))
        drawn = [recipe.task.predict(recipe.net, b)["posterior"] for b in (test_batch, louder)]
    assert torch.allclose(first["kind"], second["kind"], atol=1e-3)
    line = drawn[1].of("log_flux_hbeta") - drawn[0].of("log_flux_hbeta")
    measured = line.isfinite().all(1)
    assert torch.allclose(line[measured], torch.tensor(3.0), atol=2e-2)


def test_another_grid_is_refused_and_resampling_mends_it(recipe, test_batch):
    nm = test_batch.wavelength
    other = resampled(test_batch, torch.linspace(float(nm[0]), float(nm[-1]), len(nm)))
    with pytest.raises(ValueError, match=r"another grid.*resampled"):
        recipe.net(other)
    with pytest.raises(ValueError, match=r"wavelength missing.*resampled"):
        recipe.net(replace(test_batch, wavelength=None))
    back = resampled(other, nm)
    with torch.no_grad():
        assert bool(recipe.net.eval()(back)["kind"].isfinite().all())


def test_predictions_hold_every_quantity_and_ratios_are_differences(recipe, test_batch):
    with torch.no_grad():
        prediction = recipe.task.predict(recipe.net.eval(), test_batch)
    posterior, kind = prediction["posterior"], prediction["kind"]
    assert isinstance(posterior, Posterior) and isinstance(kind, Classes)
    assert torch.allclose(kind.probabilities.sum(1), torch.ones(len(test_batch)), atol=1e-4)
    for name, (top, bottom) in RATIO_NAMES.items():
        assert torch.equal(
            posterior.of(name).nan_to_num(),
            (posterior.of(top) - posterior.of(bottom)).nan_to_num(),
        )
    # Redshifts and fluxes come from different heads: their samples are not in step.
    redshift, line = posterior.of("redshift"), posterior.of("log_flux_hbeta")
    row = int(line.isfinite().all(1).nonzero()[0]) if bool(line.isfinite().all(1).any()) else None
    if row is not None:
        both = torch.stack([redshift[row].argsort().argsort(), line[row].argsort().argsort()])
        assert abs(float(torch.corrcoef(both.double())[0, 1])) < 0.25


def test_learning_lowers_every_loss(recipe, source):
    net, task = spectra(source, epochs=1, seed=1).net, recipe.task
    batch = source.part("train").take(torch.arange(24), 0)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    history = []
    for _ in range(8):
        losses = task.losses(net.train(), batch)
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
        history.append({name: float(value.detach()) for name, value in losses.items()})
    for name in ("kind_cross_entropy", "redshift_surprise"):
        assert history[-1][name] < history[0][name]
    assert {"halpha_surprise", "hbeta_surprise", "oii_surprise"} <= set(history[0])


def test_a_line_head_says_which_lines_it_can_see():
    start = math.log(400.0)
    head = LineHead(Window((500.0,), 490.0, 510.0), start, 4e-4, features=4)
    seen = torch.ones(4, 1000)
    seen[2, 550:566] = 0  # 500 nm is point 558
    noise = head.noise(torch.ones(4), seen, torch.tensor([0.0, 0.3, 0.0, -0.4]))
    assert noise.isfinite().tolist() == [True, False, False, False]


def test_the_first_layer_is_centred_on_the_continuum():
    nm = 350 * torch.exp(STEP * torch.arange(2000.0))
    flux = torch.full((1, 1, 2000), 7.0)
    batch = Batch(np.array(["a"]), flux, ("flux",), ("wavelength",), flux * 0 + 1, wavelength=nm)
    channels = SpectrumLayer(nm)(batch)
    assert float(channels[0, :5].abs().max()) < 0.02 and bool((channels[0, 5] == 1).all())


def test_components_find_what_spectra_are_made_of():
    start = torch.Generator().manual_seed(0)
    rest = torch.stack([torch.ones(260), torch.sin(torch.arange(260.0) / 9)])
    amount = torch.rand(200, 2, generator=start) + torch.tensor([1.0, 0.0])
    shift = (torch.rand(200, generator=start) * 55).round()
    origin = 55
    seen = torch.stack(
        [a @ rest[:, o : o + 200] for a, o in zip(amount, (origin - shift).long(), strict=True)]
    )
    noisy = seen + 0.02 * torch.randn(seen.shape, generator=start)
    found = principal_components(
        noisy, torch.full_like(noisy, 4e-4), shift, count=2, origin=origin
    )
    shown = found.spectra[:, 60:200]
    left = rest[:, 60:200].T - shown.T @ torch.linalg.lstsq(shown.T, rest[:, 60:200].T).solution
    assert float(left.abs().max()) < 0.05


def test_a_shift_by_a_fraction_moves_a_line():
    x = torch.arange(200.0)
    line = 3 + 0.01 * x + torch.exp(-0.5 * ((x - 90.3) / 1.2) ** 2)
    there = moved(line[None], torch.tensor([0.3]))[0]
    expected = 3 + 0.01 * (x + 0.3) + torch.exp(-0.5 * ((x - 90.0) / 1.2) ** 2)
    assert torch.allclose(there[8:-8], expected[8:-8], atol=0.01)


def test_samples_follow_a_peak_narrower_than_the_grid():
    shifts = torch.arange(0.0, 100.0, 0.5)
    true = torch.tensor([40.1, 63.37])
    log = (-0.5 * ((shifts - true[:, None]) / 0.08) ** 2).log_softmax(1)
    assert torch.allclose(peak(log, shifts).float(), true, atol=0.01)
    samples = even_samples(log, shifts, 2, 256)
    assert torch.allclose(samples.median(1).values, true, atol=0.02)
    assert torch.allclose(samples.std(1), torch.tensor(0.08), rtol=0.15)
    # A wide one keeps its width too.
    log = (-0.5 * ((shifts - 50.0) / 6.0) ** 2)[None].log_softmax(1)
    wide = even_samples(log, shifts, 2, 256)
    assert float(wide.std()) == pytest.approx(6.0, rel=0.05)


def test_line_fluxes_have_the_errors_that_they_say():
    nm = 400 * torch.exp(STEP * torch.arange(900))
    generator = torch.Generator().manual_seed(0)
    fit = LineFluxes((486.27, 500.82, 496.03), 2)
    shift = torch.full((600,), math.log(1.05))
    centre = 500.82 * 1.05
    line = 4 * torch.exp(-0.5 * ((nm / centre).log() / fit.width) ** 2)
    flux = 5 + 0.01 * nm + line + torch.randn(600, 900, generator=generator)
    found, covariance = fit(flux, torch.ones_like(flux), nm, shift)
    true = 4 * fit.width * math.sqrt(2 * math.pi) * LIGHT / centre * 1e-15
    pull = (found[:, 1] - true) / covariance[:, 1, 1].sqrt()
    assert abs(float(pull.mean())) < 0.12 and float(pull.std()) == pytest.approx(1, abs=0.08)
    # Lines that are cut off are not measured.
    assert bool(fit(flux, torch.ones_like(flux), nm, shift * 8)[0].isnan().all())


def test_faint_lines_have_wide_logs():
    points = (torch.arange(256) + 0.5)[:, None] / 256
    flux = torch.tensor([[100.0], [-0.5]])
    samples = log_fluxes(flux, torch.ones(2, 1, 1), points)
    width = samples[..., 0].quantile(0.84, 1) - samples[..., 0].quantile(0.16, 1)
    assert float(width[0]) == pytest.approx(2 * 0.4343 / 100, rel=0.1)
    assert float(width[1]) > 0.4 and bool(samples.isfinite().all())


def test_the_rival_finds_redshifts_classes_and_lines(source, test_batch):
    rival = CrossCorrelation(
        "kind", FITTED, 1, RATIO_NAMES, settings=(Setting(6, 0, 0.03),), tuning=80
    )
    fitted = rival.fit(source)
    prediction = fitted.predict(test_batch)
    scores = spectral_scores(prediction["posterior"], test_batch.truth)
    assert scores["redshift_success"] > 0.85
    assert scores["sigma_mad"] < 2e-4
    assert scores["scatter_log_flux_oiii"] < 0.1
    kinds = prediction["kind"].probabilities.argmax(1)
    assert float((kinds == test_batch.truth["kind"]).float().mean()) > 0.75
    with pytest.raises(ValueError, match="resampled"):
        fitted.predict(replace(test_batch, wavelength=test_batch.wavelength * 1.1))
    empty = replace(test_batch, variance=torch.full_like(test_batch.variance, torch.inf))
    assert bool(fitted.predict(empty)["posterior"].samples.isnan().all())


def test_stars_do_not_count_as_redshifts():
    posterior = Posterior((Quantity("redshift"),), torch.zeros(3, 8, 1))
    kind = Quantity("kind", classes=("star", "galaxy", "agn"))
    truth = Truth(
        {Quantity("redshift"): torch.tensor([0.5, 0.001, 0.9]), kind: torch.tensor([0, 1, 2])}
    )
    assert spectral_scores(posterior, truth)["redshift_success"] == 0.5
