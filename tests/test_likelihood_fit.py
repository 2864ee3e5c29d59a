"""Laws of the fit: it finds the truth with the errors that it states, whatever is missing."""

import math

import pytest
import torch
from torch import Tensor

from deepfield.likelihood.fit import Fit, Settings, fit
from deepfield.likelihood.model import Model, Profile
from deepfield.likelihood.moments import moments
from deepfield.likelihood.pixels import Pixels, pixels
from deepfield.likelihood.prior import Prior
from deepfield.likelihood.starts import Guess, starts
from deepfield.nouns.psf import Psf
from deepfield.render.psf import moffat

SIZE = 48
PSF = Psf(moffat(3.0, 3.0, side=21)[None, None])
TWO = Psf(torch.stack([moffat(f, 3.0, side=21) for f in (3.0, 4.0)])[None])
ONE, BOTH = Model(SIZE), Model(SIZE, indices=(None, 1.0))
THOROUGH = Settings(iterations=80, tolerance=1e-3)


def galaxies(model: Model, count: int, seed: int = 3) -> Tensor:
    """Parameters of galaxies well inside the stamp and the bounds, of unit flux."""
    components = len(model.indices)
    u = torch.rand(7, count, components, generator=torch.Generator().manual_seed(seed))
    share = torch.full((count, 1), 1.0)
    if components == 2:
        share = torch.stack([0.3 + 0.4 * u[6, :, 0], 0.7 - 0.4 * u[6, :, 0]], 1)
    low = torch.tensor([2.0]) if components == 1 else torch.tensor([2.0, 5.0])
    return model.parameters(
        Profile(
            sersic_index=0.9 + 3 * u[0],
            radius=low * 1.8 ** u[1],
            axis_ratio=0.35 + 0.5 * u[2],
            position_angle=180 * u[3],
            x=u[4, :, 0] - 0.5,
            y=u[5, :, 0] - 0.5,
            flux=share[..., None].expand(-1, -1, model.bands),
        )
    )


def observed(model: Model, true: Tensor, psf: Psf, ratio: float, seed: int = 8) -> Tensor:
    """Noisy images of sigma 1; scales the true fluxes in place to the signal-to-noise ratio."""
    light = model.images(true, psf)
    scale = ratio / light.square().sum((1, 2, 3)).sqrt()
    fluxes = [place for places in model.layout.flux for place in places]
    true[:, fluxes] += scale.log()[:, None]
    noise = torch.randn(light.shape, generator=torch.Generator().manual_seed(seed))
    return light * scale[:, None, None, None] + noise


def pulls(found: Fit, true: Tensor) -> Tensor:
    return (found.parameters - true) / found.covariance.diagonal(dim1=1, dim2=2).sqrt()


def test_one_profile_is_recovered_without_noise():
    true = galaxies(ONE, 20)
    seen = pixels(100 * ONE.images(true, PSF), PSF, variance=1e-4)
    found = fit(ONE, seen, starts(ONE, seen), settings=THOROUGH)
    true[:, 0] += math.log(100)
    assert bool(found.converged.all())
    assert float((found.parameters - true).abs().max()) < 5e-3


def test_bulge_and_disc_are_recovered_without_noise():
    true = galaxies(BOTH, 12)
    seen = pixels(100 * BOTH.images(true, PSF), PSF, variance=1e-4)
    found = fit(BOTH, seen, starts(BOTH, seen), settings=THOROUGH)
    true[:, [places[0] for places in BOTH.layout.flux]] += math.log(100)
    close = (found.parameters - true).abs().amax(1) < 0.05
    assert int(close.sum()) >= 10  # the others end in another minimum


def test_errors_are_as_large_as_stated():
    true = galaxies(ONE, 200)
    seen = pixels(observed(ONE, true, PSF, 100.0), PSF)
    found = fit(ONE, seen, starts(ONE, seen))
    assert float(found.converged.float().mean()) > 0.98
    reduced = found.chi_square / found.degrees_of_freedom
    assert float(reduced.mean()) == pytest.approx(1, abs=0.01)
    width = pulls(found, true).nan_to_num().abs().quantile(0.683, dim=0)
    assert bool(((width > 0.82) & (width < 1.2)).all()), width


def test_masked_pixels_do_not_count():
    true = galaxies(ONE, 20)
    images = observed(ONE, true, PSF, 100.0)
    mask = torch.zeros(20, 1, SIZE, SIZE, dtype=torch.bool)
    mask[:, :, 30:, 30:] = True
    clean = fit(ONE, seen := pixels(images, PSF, mask=mask), begin := starts(ONE, seen))
    spoilt = images.masked_fill(mask, 1e4)
    again = fit(ONE, pixels(spoilt, PSF, mask=mask), begin)
    assert torch.equal(clean.parameters, again.parameters)
    nothing = torch.where(mask, torch.nan, images)
    assert torch.equal(fit(ONE, pixels(nothing, PSF), begin).parameters, clean.parameters)
    assert int(clean.degrees_of_freedom[0]) == SIZE**2 - 18**2 - 7
    assert float(pulls(clean, true).abs().median()) < 1.2


def test_bands_share_a_shape_and_have_a_flux_each():
    model = Model(SIZE, bands=2, sky=True)
    true = galaxies(model, 30)
    true[:, model.layout.flux[0][1]] += 0.7
    images = observed(model, true, TWO, 80.0) + torch.tensor([3.0, -2.0])[:, None, None]
    true[:, list(model.layout.sky)] = torch.tensor([3.0, -2.0])
    seen = pixels(images, TWO)
    found = fit(model, seen, starts(model, seen))
    assert float(pulls(found, true).abs().quantile(0.683)) == pytest.approx(1, abs=0.25)
    alone = Model(SIZE, sky=True)
    first = pixels(images[:, :1], Psf(TWO.kernel[:, :1]))
    other = fit(alone, first, starts(alone, first))
    at, there = model.layout.radius[0], alone.layout.radius[0]
    tighter = found.covariance[:, at, at] < other.covariance[:, there, there]
    assert float(tighter.float().mean()) > 0.9


def test_a_missing_band_leaves_the_others():
    model, true = Model(SIZE, bands=2), galaxies(ONE, 10)
    images = observed(ONE, true, PSF, 100.0)
    both = torch.cat([images, torch.full_like(images, 77.0)], 1)
    variance = torch.ones(1, 2, 1, 1)
    variance[:, 1] = torch.inf
    seen = pixels(both, TWO, variance=variance)
    found = fit(model, seen, starts(model, seen))
    lost = model.layout.flux[0][1]
    kept = [place for place in range(model.count) if place != lost]
    single = fit(ONE, pixels(images, PSF), starts(ONE, pixels(images, PSF)))
    assert bool(found.converged.all()) and bool(found.parameters[:, lost].isnan().all())
    assert torch.allclose(found.parameters[:, kept], single.parameters, atol=2e-3)
    assert torch.equal(found.degrees_of_freedom, single.degrees_of_freedom)


def test_an_object_does_not_know_its_batch():
    true = galaxies(BOTH, 8)
    seen = pixels(observed(BOTH, true, PSF, 60.0), PSF)
    together = fit(BOTH, seen, starts(BOTH, seen))
    for i in (0, 5):
        one = seen.take(torch.tensor([i]))
        alone = fit(BOTH, one, starts(BOTH, one))
        assert float((alone.chi_square - together.chi_square[i]).abs()) < 0.1


def test_objects_that_cannot_be_fitted_are_nan_rows():
    true = galaxies(ONE, 4)
    images = observed(ONE, true, PSF, 50.0)
    images[1] = torch.nan
    seen = pixels(images, PSF)
    begin = starts(ONE, seen)
    begin[2] = torch.nan
    found = fit(ONE, seen, begin)
    assert found.converged.tolist() == [True, False, False, True]
    assert bool(found.parameters[1:3].isnan().all() & found.covariance[1:3].isnan().all())
    assert bool(found.parameters[[0, 3]].isfinite().all())


def test_an_empty_stamp_gives_no_crash():
    noise = torch.randn(20, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(5))
    seen = pixels(torch.cat([noise, 0 * noise]), PSF)
    found = fit(BOTH, seen, starts(BOTH, seen))
    assert bool(found.chi_square.isfinite().all())
    assert bool((found.chi_square[20:] < 1).all())


def test_a_prior_pulls_as_its_precision_says():
    true = galaxies(ONE, 30)
    seen = pixels(observed(ONE, true, PSF, 15.0), PSF)
    begin, free = starts(ONE, seen), fit(ONE, seen, starts(ONE, seen), settings=THOROUGH)
    tight = Prior(true, 1e6 * torch.eye(ONE.count)[None])
    held = fit(ONE, seen, begin, prior=tight, settings=THOROUGH)
    assert float((held.parameters - true).abs().max()) < 0.02
    weak = Prior(true, torch.eye(ONE.count)[None])
    between = fit(ONE, seen, begin, prior=weak, settings=THOROUGH)
    variance = between.covariance.diagonal(dim1=1, dim2=2)
    assert bool((variance < 1).all())
    far = (free.parameters - true).square().sum()
    assert float((between.parameters - true).square().sum()) < float(far)


def test_several_starts_are_never_worse():
    true = galaxies(BOTH, 6)
    seen = pixels(observed(BOTH, true, PSF, 60.0), PSF)
    begin = starts(BOTH, seen)
    all_of_them = Settings(trials=40, first=40)
    best = fit(BOTH, seen, begin, settings=all_of_them).chi_square
    for number in range(begin.shape[1]):
        one = fit(BOTH, seen, begin[:, number : number + 1], settings=all_of_them)
        assert float((best - one.chi_square).max()) < 1e-2


def test_moments_know_centre_and_angle():
    true = galaxies(ONE, 100)
    found = moments(pixels(observed(ONE, true, PSF, 200.0), PSF))
    wanted = ONE.profile(true)
    assert float((found.x - wanted.x).abs().median()) < 0.05
    turned = torch.deg2rad(2 * (found.position_angle - wanted.position_angle[:, 0]))
    assert float(turned.cos().median()) > 0.98
    size = (found.radius / wanted.radius[:, 0]).log()
    assert float(size.abs().median()) < 0.3


def test_bad_input_is_refused():
    images = torch.zeros(2, 1, SIZE, SIZE)
    with pytest.raises(ValueError, match="variance"):
        pixels(images, PSF, variance=0.0)
    with pytest.raises(ValueError, match="bands"):
        pixels(images, TWO)
    seen: Pixels = pixels(images, PSF)
    with pytest.raises(ValueError, match="starts"):
        fit(ONE, seen, torch.zeros(2, 7))
    with pytest.raises(ValueError, match="components"):
        starts(ONE, seen, [[Guess(0.5, 1, 1), Guess(0.5, 1, 1)]])
    with pytest.raises(ValueError, match="default"):
        starts(Model(SIZE, indices=(None, 1.0, 1.0)), seen)
    with pytest.raises(ValueError, match="positive"):
        Settings(iterations=0)
