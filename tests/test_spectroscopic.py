"""The spectroscopic sky, resampling and gaps: what laws hold for spectra."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepfield.data.gaps import Gaps
from deepfield.data.resampled import resampled
from deepfield.nouns.batch import Batch
from deepfield.nouns.flags import Flag
from deepfield.recipes.spectra import mock
from deepfield.sky.spectroscopic import KINDS, LINES, Spectroscopic, covered
from deepfield.sky.starlight import LIGHT, Starlight
from deepfield.sky.surveys import sdss
from deepfield.sky.templates import EMITTED
from deepfield.sky.wavelengths import STEP, position

SKY = Spectroscopic()


@pytest.fixture(scope="module")
def objects():
    """Wavelength, noiseless spectra and truth."""
    numbers = np.arange(300)
    wavelength, flux = SKY.spectra(numbers, sdss(), seed=2, split="test")
    _, truth = SKY.profiles(numbers, sdss(), seed=2, split="test")
    return wavelength, flux, truth


def starlight(**changes):
    """Three galaxies without dust."""
    z = torch.tensor([0.1, 0.3, 0.5])
    kind, share = torch.tensor([[0.2, 2.0]]).expand(3, 2), torch.full((3, 2), 0.5)
    return replace(Starlight(z, kind, torch.zeros(3, 2), share), **changes)


def test_each_object_is_drawn_from_its_number_alone(objects):
    wavelength, flux, truth = objects
    some = np.array([7, 250, 3])
    _, again = SKY.spectra(some, sdss(), seed=2, split="test")
    assert torch.allclose(again, flux[some], rtol=1e-4, atol=1e-3 * float(flux[some].median()))
    _, told = SKY.profiles(some, sdss(), seed=2, split="test")
    for name, values in told.items():
        assert torch.allclose(values, truth[name][some], rtol=1e-5, equal_nan=True)
    assert len(wavelength) == flux.shape[1]
    assert bool((flux.isfinite() & (flux >= 0)).all())


def test_truth_is_known_where_it_can_be(objects):
    _, _, truth = objects
    galaxy = truth["kind"] == KINDS.index("galaxy")
    assert bool((truth["redshift"][truth["kind"] == 0].abs() < 0.0024).all())
    for name, line in LINES.items():
        known = truth[f"log_flux_{name}"].isfinite()
        assert bool((known == (galaxy & covered(line, truth["redshift"]))).all())
    both = truth["log_flux_nii"] - truth["log_flux_halpha"]
    assert torch.allclose(truth["log_nii_halpha"], both, equal_nan=True)


@pytest.mark.parametrize("name", LINES)
def test_a_line_holds_the_flux_that_the_truth_says(name):
    number = list(EMITTED).index(LINES[name])
    boost = torch.ones(3, len(EMITTED))
    boost[:, number] = 4.0
    plain, strong = starlight(), starlight(boost=boost)
    nm, before = plain.spectra(300, 1100)
    _, after = strong.spectra(300, 1100)
    added = ((after - before) * (LIGHT / nm) * STEP).sum(1) * 1e-15
    told = (strong.line_fluxes() - plain.line_fluxes())[:, number]
    assert torch.allclose(added, told, rtol=2e-3)
    assert torch.allclose(strong.line_fluxes()[:, number], 4 * plain.line_fluxes()[:, number])


def test_lines_without_a_boost_are_those_of_the_types():
    nm, plain = starlight().spectra(350, 950)
    _, ones = starlight(boost=torch.ones(3, len(EMITTED))).spectra(350, 950)
    assert torch.allclose(plain, ones)
    width = starlight().halpha_width()
    number, at = list(EMITTED).index(LINES["halpha"]), LINES["halpha"] * (1 + 0.1)
    _, none = starlight(boost=torch.zeros(3, len(EMITTED))).spectra(350, 950)
    level = none[0, round(position(at) - position(float(nm[0])))]
    seen = starlight().line_fluxes()[0, number] / (level * LIGHT / at**2 * 1e-15) / 1.1
    assert float(seen) == pytest.approx(float(width[0]), rel=0.02)


def test_the_brightest_line_of_a_nucleus_is_at_its_redshift(objects):
    wavelength, flux, truth = objects
    # Mg II is the strongest line in these spectra from z = 0.5, where Hbeta leaves, to 1.2.
    rows = ((truth["kind"] == 2) & (truth["redshift"] > 1.0) & (truth["redshift"] < 1.2)).nonzero()
    assert len(rows) >= 3
    for row in rows[:, 0].tolist():
        at = 279.87 * (1 + float(truth["redshift"][row]))
        near = (wavelength / at - 1).abs() < 0.03
        peak = wavelength[near][flux[row][near].argmax()]
        assert float(peak) == pytest.approx(at, rel=5e-3)


def batch(nm, values, variance) -> Batch:
    names = np.arange(len(values)).astype(str)
    return Batch(names, values[:, None], ("flux",), ("wavelength",), variance[:, None],
                 wavelength=nm)  # fmt: skip


def test_resampling_keeps_flux_and_propagates_noise():
    start = torch.Generator().manual_seed(0)
    nm = torch.linspace(400, 800, 2001)
    curve = 2 + torch.sin(nm / 15)
    noisy = curve + 0.1 * torch.randn(400, len(nm), generator=start)
    new = 420 * torch.exp(1e-3 * torch.arange(550))
    found = resampled(batch(nm, noisy, torch.full_like(noisy, 0.01)), new)
    assert torch.allclose(found.values.mean(0)[0], 2 + torch.sin(new / 15), atol=0.02)
    measured = found.values[:, 0].var(0)
    assert float((measured / found.variance[0, 0]).mean()) == pytest.approx(1, abs=0.03)
    # All the light between two borders that both grids have.
    centres = 404.9 + 10 * torch.arange(39.0)
    coarse = resampled(batch(nm, noisy, torch.ones_like(noisy)), centres)
    inside = (nm > 499.95) & (nm < 599.85)
    light = noisy[:, inside].double().sum(1) * 0.2
    assert torch.allclose(light, coarse.values[:, 0, 10:20].double().sum(1) * 10, rtol=1e-4)


def test_resampling_leaves_gaps_where_nothing_was_measured():
    nm = torch.linspace(500, 600, 201)
    flux, variance = torch.ones(2, 201), torch.ones(2, 201)
    variance[1, 80:120] = torch.inf
    flux[1, 80:120] = torch.nan
    found = resampled(batch(nm, flux, variance), torch.linspace(450, 590, 281))
    assert bool(found.variance[:, 0, :95].isinf().all())
    assert bool(found.values.isfinite().all())
    assert bool(found.variance[1, 0, 185:215].isinf().all())
    assert bool(found.variance[0, 0, 185:215].isfinite().all())
    assert bool((found.flags & int(Flag.MISSING_PIXELS)).all())


def test_what_cannot_be_resampled_is_refused():
    nm = torch.linspace(5000, 6000, 101)
    ones = torch.ones(1, 101)
    with pytest.raises(ValueError, match="is the wavelength in nm"):
        resampled(batch(nm, ones, ones), torch.linspace(400, 600, 50))
    with pytest.raises(ValueError, match="ascending"):
        resampled(batch(nm.flip(0), ones, ones), torch.linspace(4000, 6000, 50))
    with pytest.raises(ValueError, match="expected spectra with both"):
        resampled(batch(None, ones, ones), torch.linspace(400, 600, 50))


def test_gaps_take_what_they_say():
    source = mock(objects={"train": 64}, seed=0).part("train")
    whole = source.take(torch.arange(64), 0)
    assert whole.wavelength is not None
    start = torch.Generator().manual_seed(0)
    assert bool((Gaps(0.0)(whole, start).variance == whole.variance).all())
    seen = Gaps(1.0)(whole, start)
    lost = seen.variance.isinf()[:, 0].float().mean(1)
    assert bool((lost > 0).all()) and bool((lost < 0.61).all())
    kept = seen.variance.isfinite()
    assert bool((seen.variance[kept] == whole.variance.expand_as(seen.variance)[kept]).all())
