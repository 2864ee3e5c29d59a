"""Fits with pyimfit: they recover what was drawn, and say how well."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deepfield.nouns.batch import Batch
from deepfield.nouns.psf import Psf
from deepfield.nouns.survey import Band, Survey
from deepfield.render.components import components
from deepfield.render.psf import moffat
from deepfield.rivals.imfit_stamp import KERNEL, fit_stamp, kernels
from deepfield.rivals.profile_guess import guess
from deepfield.rivals.profile_models import BULGE_DISC, SERSIC, Limits, sersic_light
from deepfield.rivals.pyimfit_fit import PyimfitBulgeDisc, PyimfitSersic, _stamps, best

pyimfit = pytest.importorskip("pyimfit")
SCALE, SIGMA = 0.06, 3.0
SURVEY = Survey("made up", (Band("r", 600.0, 26.0, 1.0, 22.0, 0.18, 1.0, "made up"),), SCALE)
PAIR = {
    "magnitude": 20.0,
    "bulge_to_total": 0.4,
    "radius_bulge": 3 * SCALE,
    "radius_disc": 9 * SCALE,
    "sersic_index_bulge": 2.5,
    "axis_ratio_bulge": 0.8,
    "axis_ratio_disc": 0.5,
    "position_angle_bulge": 20.0,
    "position_angle_disc": 70.0,
    "x": 31.8,
    "y": 31.2,
}
ONE = {
    "magnitude": 21.0,
    "radius": 5 * SCALE,
    "sersic_index": 2.0,
    "axis_ratio": 0.6,
    "position_angle": 150.0,
    "x": 31.3,
    "y": 31.9,
}


def stamp(true: dict[str, float], *, seed: int = 0) -> Batch:
    """One galaxy under white noise."""
    parts = ("_bulge", "_disc") if "radius_disc" in true else ("",)
    share = true.get("bulge_to_total", 1.0)
    flux = 10 ** (0.4 * (31.4 - true["magnitude"]))

    def each(name: str) -> torch.Tensor:
        return torch.tensor([[true.get(f"{name}{part}", 1.0) for part in parts]])

    psf = Psf(moffat(3.0, 3.0, side=41)[None, None])
    light = components(
        sersic_index=each("sersic_index"),
        radius=each("radius") / SCALE,
        axis_ratio=each("axis_ratio"),
        position_angle=each("position_angle"),
        x=torch.tensor([true["x"] - 31.5]),
        y=torch.tensor([true["y"] - 31.5]),
        flux=flux * torch.tensor([share, 1 - share][: len(parts)])[None, :, None],
        psf=psf,
        size=64,
    )
    noise = torch.randn(light.shape, generator=torch.Generator().manual_seed(seed))
    variance = torch.full_like(light, SIGMA**2)
    return Batch(
        np.array(["a"]), light + SIGMA * noise, ("r",), variance=variance, psf=psf, survey=SURVEY
    )


def numbers(true: dict[str, float]) -> np.ndarray:
    """In the model's order: the dictionaries above are."""
    return np.array(list(true.values()))


@pytest.mark.parametrize(
    ("rival", "true"), [(PyimfitSersic(), ONE), (PyimfitBulgeDisc(), PAIR)], ids=["one", "pair"]
)
def test_a_bright_galaxy_is_recovered_within_its_errors(rival, true):
    fits = best(rival.fits(stamp(true)))
    error = np.sqrt(np.diagonal(fits.covariance[0]))
    assert (np.abs(fits.numbers[0] - numbers(true)) < 4 * error).all()
    assert (error < [0.2 * abs(t) + 0.05 for t in numbers(true)]).all()
    assert abs(fits.chi_square[0] - 64**2) < 5 * np.sqrt(2 * 64**2)
    assert fits.seconds[0] > 0


def test_the_errors_are_those_of_imfit():
    batch, rival = stamp(ONE), PyimfitSersic()
    found = guess(batch)
    start = rival.begins[0](found, scale=SCALE)[0].double().numpy()
    fitted = fit_stamp(pyimfit, _stamps(batch, found)[0], SERSIC, start, Limits())
    x, y, angle, ellipticity, index, _, radius = fitted.imfit.getParameterErrors()
    theirs = np.array([radius * SCALE, index, ellipticity, angle, x, y])
    ours = np.sqrt(np.diagonal(rival.fits(batch)[0].covariance[0]))[1:]
    assert np.abs(ours / theirs - 1).max() < 0.1


def test_the_median_of_the_posterior_is_the_best_fit_and_samples_keep_the_limits():
    limits = Limits(sersic_index=(0.5, 2.1))
    rival, batch = PyimfitSersic(limits=limits), stamp({**ONE, "magnitude": 24.0})
    found = rival.fits(batch)[0].numbers[0]
    state = torch.random.get_rng_state()
    posterior = rival.predict(batch)["posterior"]
    assert torch.equal(state, torch.random.get_rng_state())
    median = posterior.quantiles([0.5])[0, :, 0].numpy()
    turn = 4
    assert np.delete(median, turn) == pytest.approx(np.delete(found, turn), rel=1e-4)
    assert np.sin(np.deg2rad(median - found))[turn] == pytest.approx(0, abs=1e-3)
    index = posterior.of("sersic_index")
    assert index.min() >= 0.5
    assert index.max() <= 2.1
    assert torch.equal(posterior.samples, rival.predict(batch)["posterior"].samples)


def test_more_starts_are_never_worse():
    batch = stamp({**PAIR, "magnitude": 23.5}, seed=3)
    every = PyimfitSersic(starts=3).fits(batch)
    many = best(every)
    assert many.chi_square[0] == min(fits.chi_square[0] for fits in every)
    assert many.seconds[0] > every[0].seconds[0]
    assert best([every[0], many]).numbers[0] == pytest.approx(many.numbers[0])


def test_masked_pixels_do_not_count():
    batch, rival = stamp(ONE), PyimfitSersic()
    values, variance = batch.values.clone(), batch.variance.clone()
    values[0, 0, 28, 34], values[0, 0, 40, 20] = 1e5, torch.nan
    variance[0, 0, 28, 34] = torch.inf
    (masked,) = rival.fits(replace(batch, values=values, variance=variance))
    error = np.sqrt(np.diagonal(masked.covariance[0]))
    assert (np.abs(masked.numbers[0] - rival.fits(batch)[0].numbers[0]) < 0.5 * error).all()


def test_an_object_without_pixels_is_nan_and_its_neighbour_is_not():
    batch = stamp(ONE)
    values = torch.cat([torch.full_like(batch.values, torch.nan), batch.values])
    both = replace(
        batch, ids=np.array(["a", "b"]), values=values, variance=batch.variance.repeat(2, 1, 1, 1)
    )
    samples = PyimfitSersic().predict(both)["posterior"].samples
    assert samples[0].isnan().all()
    assert samples[1].isfinite().all()


def test_what_is_missing_is_said(monkeypatch):
    batch = stamp(ONE)
    with pytest.raises(ValueError, match="no PSF"):
        PyimfitSersic().predict(replace(batch, psf=None))
    with pytest.raises(ValueError, match="no survey"):
        PyimfitSersic().predict(replace(batch, survey=None))
    with pytest.raises(ValueError, match="1 to 3 fits"):
        PyimfitBulgeDisc(starts=4)
    monkeypatch.setitem(sys.modules, "pyimfit", None)
    with pytest.raises(ValueError, match="not installed"):
        PyimfitSersic().predict(batch)


@given(st.floats(0.5, 8), st.floats(0.3, 30), st.floats(0.1, 1), st.floats(0.01, 0.99))
def test_numbers_and_parameters_of_imfit_are_inverse(index, radius, ratio, share):
    one = [22.0, radius, index, ratio, 30.0, 31.0, 32.0]
    pair = [22.0, share, radius, 2 * radius, index, ratio, 0.5, 10.0, 170.0, 31.0, 32.0]
    for model, values in ((SERSIC, one), (BULGE_DISC, pair)):
        again = model.from_imfit(model.to_imfit(np.array(values), SCALE), SCALE)
        assert again == pytest.approx(values, rel=1e-9)


@pytest.mark.parametrize("index", [0.7, 1.0, 4.0])
def test_the_light_of_a_profile_is_its_integral(index):
    radius = np.geomspace(1e-7, 1e6, 400001)
    b = 2 * index - 1 / 3 + 4 / (405 * index) + 46 / (25515 * index**2)
    light = np.exp(-b * (radius ** (1 / index) - 1)) * 2 * np.pi * radius
    assert sersic_light(index, 1.0, 1.0) == pytest.approx(np.trapezoid(light, radius), rel=1e-3)


@pytest.mark.parametrize("finer", [1, 3])
def test_kernels_hold_the_psf_without_the_pixel(finer):
    psf = Psf(moffat(3.0, 3.0, side=49 * finer, oversampling=finer)[None, None], finer)
    sharp = kernels(psf)[0]
    assert sharp.shape == (KERNEL, KERNEL)
    assert sharp.sum() == pytest.approx(1)
    along = np.arange(KERNEL) - KERNEL // 2
    distance = np.hypot(*np.meshgrid(along, along))
    scale = 3 / (2 * np.sqrt(2 ** (1 / 3) - 1))
    bare = (1 + (distance / scale) ** 2) ** -3.0
    assert np.abs(sharp / sharp.max() - bare).max() < 0.01


def test_a_guess_turns_with_the_image():
    batch = stamp({**ONE, "magnitude": 19.0})
    turned = replace(batch, values=batch.values.rot90(1, (-2, -1)))
    one, other = guess(batch), guess(turned)
    away = (one.position_angle - other.position_angle).remainder(180)
    assert float(away) == pytest.approx(90, abs=1)
    assert float(one.position_angle) == pytest.approx(150, abs=5)
    assert float(one.radius / other.radius) == pytest.approx(1, abs=0.01)
