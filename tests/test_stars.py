"""Stars: the toy grid's physics, its Jacobian, and the smallest errors that it allows."""

import math

import numpy as np
import pytest
import torch

from deepfield.data.simulated_stars import SimulatedStars
from deepfield.sky.cramer_rao import cramer_rao, jacobian
from deepfield.sky.instruments import Instrument, medium_bands, spectrograph
from deepfield.sky.stars import PARAMETERS, Stars, starlight


def parameters(count: int = 40) -> list[torch.Tensor]:
    drawn = Stars().draw(np.arange(count), seed=3, split="test")
    return [drawn[name].double() for name in PARAMETERS]


def width(line: float, teff: float, log_g: float, metallicity: float = -4.0) -> float:
    """Equivalent width within 8 nm of a line, nm, its continuum a straight line; no metals."""
    wave = torch.arange(line - 8, line + 8.01, 0.1, dtype=torch.float64)
    star = [torch.tensor([x], dtype=torch.float64) for x in (math.log10(teff), log_g, metallicity)]
    flux = starlight(*star, wave)[0]
    continuum = torch.lerp(flux[0], flux[-1], (wave - wave[0]) / 16)
    return float((1 - flux / continuum).sum() * 0.1)


def test_balmer_lines_are_strongest_in_a_stars():
    teff = np.geomspace(4000, 30000, 60)
    strengths = [width(486.13, t, 4.0) for t in teff]
    assert 8500 < teff[int(np.argmax(strengths))] < 10500
    assert max(strengths) > 4 * strengths[0] > 0


def test_balmer_wings_widen_with_gravity_in_hot_stars_alone():
    assert width(486.13, 12000, 4.5) > 1.5 * width(486.13, 12000, 2.5)
    assert width(656.28, 5000, 4.5) < 1.3 * width(656.28, 5000, 2.5)


def test_metals_absorb_in_cool_stars_and_vanish_in_hot_ones():
    rich, poor = (width(517.5, 5000, 4.0, m) for m in (0.0, -2.0))
    assert rich > 3 * poor > 0
    assert abs(width(517.5, 25000, 4.0, 0.0) - width(517.5, 25000, 4.0, -2.0)) < 0.002


def test_metals_dim_the_blue_more_than_the_red():
    wave = torch.tensor([420.0, 800.0], dtype=torch.float64)
    star = torch.tensor([3.75], dtype=torch.float64)
    rich, poor = (starlight(star, star * 0 + 4, star * 0 + m, wave)[0] for m in (0.3, -2.0))
    lost = 1 - rich / poor
    assert lost[0] > 4 * lost[1] > 0


def test_without_lines_the_spectrum_is_plancks():
    wave = torch.tensor([550.0, 700.0], dtype=torch.float64)
    star = torch.tensor([math.log10(20000.0)], dtype=torch.float64)
    ratio = starlight(star, star * 0, star * 0 - 4, wave)[0]
    exponent = 1.438777e7 / (wave * 20000)
    planck = wave**-3 / torch.expm1(exponent)
    assert float(ratio[1] / ratio[0]) == pytest.approx(float(planck[1] / planck[0]), rel=0.02)


@pytest.mark.parametrize("instrument", [spectrograph(), medium_bands()], ids=["spectra", "bands"])
def test_the_jacobian_is_that_of_finite_differences(instrument: Instrument):
    stars, step = parameters(), 1e-5
    _, exact = jacobian(instrument, *stars)
    for i in range(3):
        up, down = (
            instrument.see(*(p + sign * step * (i == j) for j, p in enumerate(stars)))
            for sign in (1, -1)
        )
        assert torch.allclose(exact[..., i], (up - down) / (2 * step), atol=1e-6)


def test_the_bound_is_that_of_a_straight_line_fit():
    x = torch.linspace(-1, 1, 21, dtype=torch.float64)[None]
    sigma = torch.linspace(0.5, 2, 21, dtype=torch.float64)[None]
    found = cramer_rao(torch.ones_like(x), x[..., None], sigma)
    weight = 1 / sigma**2
    middle = (weight * x).sum() / weight.sum()
    expected = (weight * (x - middle) ** 2).sum() ** -0.5
    assert float(found) == pytest.approx(float(expected), rel=1e-6)


def test_bounds_grow_with_noise_and_with_gaps():
    stars = parameters()
    seen, slopes = jacobian(spectrograph(), *stars)
    noise = torch.full_like(seen, 0.05)
    once = cramer_rao(seen, slopes, noise)
    assert torch.allclose(cramer_rao(seen, slopes, 2 * noise), 2 * once, rtol=1e-6)
    gap = noise.clone()
    gap[:, 40:60] = torch.inf
    assert bool((cramer_rao(seen, slopes, gap) >= once * (1 - 1e-9)).all())


def test_a_spectrum_without_pixels_bounds_nothing():
    seen, slopes = jacobian(medium_bands(), *parameters(2))
    assert bool(cramer_rao(seen, slopes, torch.full_like(seen, torch.inf)).isinf().all())


def test_bands_tell_less_than_spectra_at_the_same_noise():
    """The paper's finding: filters need several times the signal-to-noise ratio of spectra."""
    bounds = []
    for instrument in (spectrograph(), medium_bands()):
        source = SimulatedStars({"test": 300}, instrument=instrument, split="test")
        bounds.append(source.take(torch.arange(300), 0).truth["cramer_rao_log_teff"])
    ratio = (bounds[1] / bounds[0]).median()
    assert 2 < float(ratio) < 6


def test_a_star_is_the_same_in_any_batch_and_its_noise_fresh_every_epoch():
    source = SimulatedStars({"train": 300})
    together = source.take(torch.tensor([5, 290]), 2).check()
    alone = SimulatedStars({"train": 300}).take(torch.tensor([290]), 2)
    assert torch.equal(together.values[1:], alone.values)
    later = source.take(torch.tensor([290]), 3)
    assert not torch.equal(later.values, alone.values)
    assert float(later.truth["log_g"]) == float(alone.truth["log_g"])
    assert not set(source.ids) & set(source.part("test").ids)


def test_the_signal_to_noise_is_that_of_a_resolution_element():
    source = SimulatedStars({"test": 200}, signal_to_noise=(20.0, 20.0), split="test")
    batch = source.take(torch.arange(200), 0)
    per_pixel = (batch.values / batch.variance.sqrt())[:, 0].median(1).values
    assert float(per_pixel.mean()) * 2**0.5 == pytest.approx(20, rel=0.03)


def test_a_variance_gives_nothing_away():
    """White noise: its shape is the instrument's, the same for a hot and for a cool star."""
    batch = SimulatedStars({"test": 50}, split="test").take(torch.arange(50), 0)
    shape = batch.variance[:, 0] / batch.variance[:, 0].mean(1, keepdim=True)
    assert torch.allclose(shape, shape[:1].expand_as(shape), rtol=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Stars(log_g=(5.0, 0.0)),
        lambda: spectrograph(pixel=9.0),
        lambda: medium_bands((500.0, 400.0)),
        lambda: SimulatedStars({"train": 1}, signal_to_noise=(0.0, 5.0)),
        lambda: SimulatedStars({"train": 1}).take(torch.tensor([1]), 0),
        lambda: SimulatedStars({"train": 1}).quantity("redshift"),
    ],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError):
        wrong()
