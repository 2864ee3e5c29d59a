"""Laws of a fit's model: exact derivatives, a parametrisation that cannot leave its bounds."""

import pytest
import torch
from torch import Tensor

from deepfield.likelihood.evidence import log_likelihood
from deepfield.likelihood.model import Model, Profile
from deepfield.likelihood.pixels import pixels
from deepfield.nouns.psf import Psf
from deepfield.render.components import components
from deepfield.render.derivatives import derivatives
from deepfield.render.psf import moffat

SIZE = 48
TWO_BANDS = Psf(torch.stack([moffat(f, 3.0, side=21) for f in (3.0, 4.0)])[None].double())
ONE_BAND = Psf(TWO_BANDS.kernel[:, :1])
STEP = 1e-4


def some(model: Model, count: int) -> Tensor:
    """Parameters of galaxies of all shapes, double precision."""
    made = torch.Generator().manual_seed(4)
    free = 0.5 * torch.randn(count, model.count, generator=made, dtype=torch.float64)
    free[:, list(model.layout.radius)] += 1.2
    return free


def slope(model: Model, free: Tensor, psf: Psf, place: int) -> Tensor:
    step = torch.zeros(model.count, dtype=torch.float64)
    step[place] = STEP
    return (model.images(free + step, psf) - model.images(free - step, psf)) / (2 * STEP)


@pytest.mark.parametrize(
    "model",
    [
        Model(SIZE),
        Model(SIZE, largest=SIZE / 2),
        Model(SIZE, indices=(None, 1.0), bands=2, sky=True),
        Model(SIZE, indices=(4.0, None, 0.5)),
    ],
    ids=["one", "one not too large", "bulge and disc in two bands", "three"],
)
def test_the_jacobian_is_that_of_the_images(model):
    free, psf = some(model, 5), TWO_BANDS if model.bands == 2 else ONE_BAND
    # A compact, a wide and flat, and a nearly round galaxy among them.
    free[0, model.layout.radius[0]], free[1, model.layout.radius[0]] = 0.0, 3.0
    free[1, model.layout.shear[0][0]], free[2, list(model.layout.shear[0])] = 2.0, 1e-4
    jacobian = model.jacobian(free, psf)
    for place, name in enumerate(model.names):
        wanted = slope(model, free, psf, place)
        error = (jacobian[:, place] - wanted).flatten(1).norm(dim=1)
        assert bool((error < 1e-4 * wanted.flatten(1).norm(dim=1)).all()), name


def test_oversampled_psfs_of_each_object_have_the_same_derivatives():
    kernels = torch.stack([moffat(f, 3.0, side=31, oversampling=2) for f in (1.6, 2.0, 2.4)])
    psf = Psf(kernels[:, None].double(), oversampling=2)
    model = Model(SIZE)
    free = some(model, 3)
    for place in range(model.count):
        wanted = slope(model, free, psf, place)
        assert torch.allclose(model.jacobian(free, psf)[:, place], wanted, rtol=1e-4, atol=1e-7)


def test_every_component_alone_adds_up_to_the_galaxy():
    model = Model(SIZE, indices=(None, 1.0))
    galaxy = vars(model.profile(some(model, 4)))
    changes = torch.zeros(4, 2, 0, 3, dtype=torch.float64)
    whole = components(**galaxy, psf=ONE_BAND, size=SIZE)
    for rows, planes in derivatives(
        **galaxy, psf=ONE_BAND, size=SIZE, changes=changes, free=(False, False)
    ):
        summed = (galaxy["flux"][rows, :, :, None, None] * planes[:, :2]).sum(1)
        assert torch.allclose(summed, whole[rows], rtol=1e-9, atol=1e-12)


def test_no_parameters_leave_the_bounds():
    model = Model(SIZE, indices=(None, 1.0))
    wild = 50 * torch.randn(200, model.count, generator=torch.Generator().manual_seed(1))
    galaxy = model.profile(wild)
    index, ratio = galaxy.sersic_index, galaxy.axis_ratio
    assert float(index.min()) >= 0.5 * (1 - 1e-5) and float(index.max()) <= 6.2 * (1 + 1e-5)
    assert float(ratio.min()) >= 0.0199 and float(ratio.max()) <= 1
    assert bool((galaxy.x.abs() <= 0.61 * SIZE).all())
    assert bool(model.images(wild, Psf(ONE_BAND.kernel.float())).isfinite().all())


def test_parameters_and_profiles_are_inverse():
    model = Model(SIZE, indices=(None, 1.0), bands=2)
    free = some(model, 50)
    there = model.profile(free)
    assert torch.allclose(model.parameters(there), free, atol=1e-6)
    again = model.profile(model.parameters(there))
    for name, value in vars(there).items():
        assert torch.allclose(getattr(again, name), value, atol=1e-6), name


def test_angles_are_those_of_the_renderer():
    model, one = Model(SIZE), torch.ones(1, 1)
    galaxy = Profile(
        sersic_index=2 * one,
        radius=5 * one,
        axis_ratio=0.4 * one,
        position_angle=65 * one,
        x=one[0],
        y=-one[0],
        flux=7 * one[..., None],
    )
    psf = Psf(ONE_BAND.kernel.float())
    ours = model.images(model.parameters(galaxy), psf)
    wanted = components(**vars(galaxy), psf=psf, size=SIZE)
    assert torch.allclose(ours, wanted, rtol=1e-3, atol=1e-5)


def test_the_likelihood_counts_only_measured_pixels():
    model = Model(SIZE, indices=(None, 1.0), bands=2)
    free = some(model, 2).float()
    psf = Psf(TWO_BANDS.kernel.float())
    made = torch.Generator().manual_seed(2)
    images = model.images(free, psf) + torch.randn(2, 2, SIZE, SIZE, generator=made)
    variance = torch.full_like(images, 2.0)
    variance[0, 1], variance[1, :, 5:9] = torch.inf, torch.inf
    tried = free[:, None] + 0.1 * torch.randn(2, 3, model.count, generator=made)
    found = log_likelihood(model, pixels(images, psf, variance=variance), tried)
    for i in range(2):
        rest = (images[i] - model.images(tried[i], psf)) ** 2 / variance[i]
        assert torch.allclose(found[i], -0.5 * rest.sum((1, 2, 3)), rtol=1e-5)


def test_the_likelihood_of_bad_rows():
    model, psf = Model(SIZE), Psf(ONE_BAND.kernel.float())
    free = some(model, 2).float()
    images = model.images(free, psf)
    images[1] = torch.nan
    tried = free[:, None].expand(-1, 2, -1).clone()
    tried[0, 1, 3] = torch.nan
    found = log_likelihood(model, pixels(images, psf), tried)
    assert float(found[0, 0]) == pytest.approx(0, abs=1e-6)
    assert float(found[0, 1]) == -torch.inf
    assert bool(found[1].isnan().all())


@pytest.mark.parametrize("arguments", [{"indices": ()}, {"indices": (9.0,)}, {"bands": 0}])
def test_models_that_cannot_be(arguments):
    with pytest.raises(ValueError, match="expected"):
        Model(SIZE, **arguments)


def test_galaxies_without_wide_terms_have_derivatives_too():
    tiny = Model(64, indices=(None, 1.0))
    at = torch.zeros(1, tiny.count, dtype=torch.float64)
    at[:, [1, 6]] = -2.0  # log radius
    psf = Psf(moffat(3.0, 3.0, side=31)[None, None].double())
    jacobian = tiny.jacobian(at, psf)[0, :, 0]
    step = 1e-5
    for place in range(tiny.count):
        shift = torch.zeros_like(at)
        shift[:, place] = step
        slope = (tiny.images(at + shift, psf) - tiny.images(at - shift, psf))[0, 0] / (2 * step)
        assert torch.allclose(jacobian[place], slope, atol=1e-5 * float(slope.abs().max() + 1e-3))
