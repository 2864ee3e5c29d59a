"""Laws of light: flux, symmetry, the PSF, noise, and agreement with GalSim."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.nouns.survey import Band, Survey
from deepfield.render import draws, fit_ladder, ladder, noise, pixels
from deepfield.render.components import components
from deepfield.render.psf import gaussian, moffat, survey_psf
from deepfield.render.sersic import sersic

SIZE = 64
PSF = Psf(moffat(3.0, 3.0, side=31)[None, None])


def galaxies(count: int, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Galaxies of all shapes, the same in every test."""
    u = torch.rand(6, count, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    columns = {
        "sersic_index": 0.5 + 5.5 * u[0],
        "radius": 10 ** (0.2 + u[1]),
        "axis_ratio": 0.1 + 0.9 * u[2],
        "position_angle": 180 * u[3],
        "x": 2 * u[4] - 1,
        "y": 2 * u[5] - 1,
    }
    return {name: column.to(dtype) for name, column in columns.items()}


def draw(parameters: dict[str, Tensor], psf: Psf = PSF, size: int = SIZE) -> Tensor:
    flux = torch.ones_like(parameters["x"])[:, None].expand(-1, psf.kernel.shape[1])
    return sersic(**parameters, flux=flux, psf=psf, size=size)


def peaks(images: Tensor) -> Tensor:
    return images.amax((-1, -2), keepdim=True)


def assert_close(images: Tensor, wanted: Tensor, tolerance: float) -> None:
    """Within a fraction of each stamp's peak."""
    error = ((images - wanted).abs() / peaks(wanted)).max()
    assert error < tolerance, f"{error:.2e} of the peak"


@pytest.mark.parametrize("index", [0.5, 1.0, 2.5])
def test_flux_is_conserved_in_a_large_stamp(index):
    galaxy = {
        "sersic_index": torch.tensor([index]),
        "radius": torch.tensor([4.0]),
        "axis_ratio": torch.tensor([0.3]),
        "position_angle": torch.tensor([40.0]),
        "x": torch.zeros(1),
        "y": torch.zeros(1),
    }
    b = fit_ladder.gammaincinv(2 * index, 0.5)
    missing = 1 - fit_ladder.gammainc(2 * index, b * (64 / 4) ** (1 / index))
    assert float(draw(galaxy, size=128).sum()) == pytest.approx(1, abs=missing + 2e-4)


def test_images_are_linear_in_flux():
    galaxy, flux = galaxies(4), torch.tensor([[1.0], [2.0], [0.0], [-3.0]])
    images = sersic(**galaxy, flux=flux, psf=PSF, size=SIZE)
    torch.testing.assert_close(images, draw(galaxy) * flux[..., None, None])


def test_a_quarter_turn_of_the_galaxy_is_a_quarter_turn_of_the_image():
    galaxy = galaxies(12)
    turned = galaxy | {
        "position_angle": galaxy["position_angle"] + 90,
        "x": -galaxy["y"],
        "y": galaxy["x"],
    }
    # Rows count upwards, so that counter-clockwise on the sky is k = -1 for the array.
    assert_close(draw(turned), torch.rot90(draw(galaxy), -1, (-2, -1)), 1e-4)


def test_position_angle_runs_from_north_to_east():
    galaxy = {name: column[:1] for name, column in galaxies(1).items()}
    still = {"x": torch.zeros(1), "y": torch.zeros(1), "axis_ratio": torch.tensor([0.3])}
    image = draw(galaxy | still | {"position_angle": torch.tensor([30.0])})[0, 0]
    axis = torch.arange(SIZE) - (SIZE - 1) / 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    near = image * torch.exp(-(x**2 + y**2) / 200)
    angle = 0.5 * torch.atan2(-2 * (near * x * y).sum(), (near * (y**2 - x**2)).sum())
    assert math.degrees(angle) == pytest.approx(30, abs=0.5)


def test_whole_pixel_shifts_roll_the_image():
    galaxy = galaxies(12)
    moved = draw(galaxy | {"x": galaxy["x"] + 3, "y": galaxy["y"] - 5})
    rolled = torch.roll(draw(galaxy), (-5, 3), (-2, -1))
    inside = (..., slice(0, SIZE - 5), slice(3, SIZE))
    assert_close(moved[inside], rolled[inside], 3e-4)


def test_a_small_stamp_is_the_middle_of_a_large_one():
    galaxy = galaxies(12)
    galaxy = galaxy | {"x": galaxy["x"] * 28, "y": galaxy["y"] * 28}
    large = draw(galaxy, size=128)[..., 32:96, 32:96]
    assert_close(draw(galaxy), large, 5e-4)


def test_an_image_does_not_depend_on_its_neighbours():
    galaxy = galaxies(40)
    images, order = draw(galaxy), torch.randperm(40, generator=torch.Generator().manual_seed(2))
    shuffled = draw({name: column[order] for name, column in galaxy.items()})
    alone = draw({name: column[7:8] for name, column in galaxy.items()})
    assert_close(shuffled, images[order], 2e-5)
    assert_close(alone, images[7:8], 2e-5)


def test_a_galaxy_without_a_radius_is_lost_alone():
    galaxy = galaxies(8)
    broken = galaxy | {"radius": galaxy["radius"].index_fill(0, torch.tensor([3]), torch.nan)}
    images, others = draw(broken), torch.arange(8) != 3
    assert images[3].isnan().all()
    assert_close(images[others], draw(galaxy)[others], 2e-5)


def several(count: int, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Galaxies of three components, each object with one centre."""
    galaxy = {name: c.reshape(count, 3) for name, c in galaxies(3 * count, dtype).items()}
    return galaxy | {"x": galaxy["x"][:, 0], "y": galaxy["y"][:, 0]}


@pytest.mark.parametrize("bands", [1, 2, 5])
def test_components_add_up_in_every_band(bands):
    galaxy, generator = several(30), torch.Generator().manual_seed(4)
    flux = torch.rand(30, 3, bands, generator=generator)
    psf = Psf(torch.stack([moffat(2.5 + i / 4, 3.0, side=31) for i in range(bands)])[None])
    parts = [
        sersic(
            **{name: c[:, i] if c.ndim == 2 else c for name, c in galaxy.items()},
            flux=flux[:, i],
            psf=psf,
            size=SIZE,
        )
        for i in range(3)
    ]
    together = components(**galaxy, flux=flux, psf=psf, size=SIZE)
    assert_close(together, torch.stack(parts).sum(0), 2e-5)


@pytest.mark.parametrize("name", [*galaxies(1), "flux"])
def test_gradients_of_components_equal_finite_differences(name):
    everything = several(3, torch.float64)
    generator = torch.Generator().manual_seed(3)
    everything["flux"] = torch.rand(3, 3, 2, dtype=torch.float64, generator=generator)
    kernels = torch.stack([moffat(width, 3.0, side=31).double() for width in (2.5, 4.0)])
    direction = torch.randn(3, 2, 32, 32, dtype=torch.float64, generator=generator)

    def projected(value: Tensor) -> Tensor:
        images = components(**(everything | {name: value}), psf=Psf(kernels[None]), size=32)
        return (images * direction).sum()

    value = everything[name].clone().requires_grad_()
    gradient = torch.autograd.grad(projected(value), value)[0]
    along, step = torch.randn(value.shape, dtype=torch.float64, generator=generator), 1e-5
    up, down = (projected(everything[name] + sign * step * along) for sign in (1, -1))
    wanted = float((up - down) / (2 * step))
    assert float((gradient * along).sum()) == pytest.approx(wanted, rel=1e-5, abs=1e-8)


def test_every_object_may_have_its_own_psf():
    galaxy = galaxies(20)
    kernels = torch.stack([moffat(2.5 + i / 10, 3.0, side=31)[None] for i in range(20)])
    images = draw(galaxy, Psf(kernels))
    for i in (0, 9, 19):
        one = {name: column[i : i + 1] for name, column in galaxy.items()}
        assert_close(images[i : i + 1], draw(one, Psf(kernels[i : i + 1])), 2e-5)


@pytest.mark.parametrize("name", [*galaxies(1), "flux"])
def test_gradients_equal_finite_differences(name):
    galaxy = galaxies(5, torch.float64)
    everything = galaxy | {"flux": torch.linspace(1, 2, 5, dtype=torch.float64)[:, None]}
    generator = torch.Generator().manual_seed(3)
    direction = torch.randn(5, 1, 32, 32, dtype=torch.float64, generator=generator)

    def projected(value: Tensor) -> Tensor:
        images = sersic(**(everything | {name: value}), psf=PSF, size=32)
        return (images * direction).sum((1, 2, 3))

    value = everything[name].clone().requires_grad_()
    gradient = torch.autograd.grad(projected(value).sum(), value)[0].flatten()
    step = 1e-5
    up, down = (projected(everything[name] + sign * step) for sign in (1, -1))
    torch.testing.assert_close(gradient, (up - down) / (2 * step), rtol=1e-5, atol=1e-8)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.floats(ladder.LOWEST, ladder.HIGHEST))
def test_half_the_light_is_within_the_half_light_radius(index):
    shares = ladder.weights(torch.tensor([index], dtype=torch.float64))
    inside = (shares * (1 - torch.exp(-0.5 / ladder.deviations() ** 2))).sum()
    assert float(inside) == pytest.approx(0.5, abs=3e-4)


def test_the_shipped_ladder_is_what_its_module_computes():
    index = np.linspace(0.5, 6.2, 50)
    place = 2 * np.log(index / 0.5) / np.log(6.2 / 0.5) - 1
    fitted = fit_ladder.chebyshev.chebval(place, fit_ladder.table())
    np.testing.assert_allclose(ladder.weights(torch.from_numpy(index)).T, fitted, atol=1e-5)


def test_agrees_with_galsim_on_well_sampled_images():
    galsim = pytest.importorskip("galsim")
    peer = galsim.Moffat(beta=3.0, fwhm=3.0)
    psf = Psf(moffat(3.0, 3.0, side=61)[None, None])
    galaxy = galaxies(6) | {"sersic_index": torch.tensor([0.5, 1.0, 1.0, 2.0, 2.0, 4.0])}
    assert_close(draw(galaxy, psf), _galsim(galsim, galaxy, [peer] * 6), 2e-3)


def test_agrees_with_galsim_on_thin_discs_with_sharp_psfs():
    galsim = pytest.importorskip("galsim")
    peer = galsim.Moffat(beta=3.0, fwhm=1.2)
    psf = Psf(moffat(1.2, 3.0, side=97, oversampling=3)[None, None], 3)
    galaxy = galaxies(4) | {
        "sersic_index": torch.tensor([1.0, 1.0, 1.0, 4.0]),
        "radius": torch.tensor([1.6, 10.0, 31.0, 10.0]),
        "axis_ratio": torch.tensor([0.05, 0.05, 0.05, 0.1]),
    }
    assert_close(draw(galaxy, psf), _galsim(galsim, galaxy, [peer] * 4), 2e-3)


def _galsim(galsim, parameters: dict[str, Tensor], psfs: list) -> Tensor:
    settings = galsim.GSParams(folding_threshold=1e-3, maximum_fft_size=16384)
    images = []
    for i, psf in enumerate(psfs):
        p = {name: float(column[i]) for name, column in parameters.items()}
        circular = p["radius"] * math.sqrt(p["axis_ratio"])
        one = galsim.Sersic(p["sersic_index"], half_light_radius=circular, gsparams=settings)
        one = one.shear(q=p["axis_ratio"], beta=(90 + p["position_angle"]) * galsim.degrees)
        seen = galsim.Convolve(one.shift(p["x"], p["y"]), psf)
        images.append(seen.drawImage(nx=SIZE, ny=SIZE, scale=1.0).array[None])
    return torch.from_numpy(np.stack(images))


def test_psfs_are_as_wide_as_asked():
    profile = moffat(20.0, 3.0, side=41)[20]
    assert float(profile[30] / profile[20]) == pytest.approx(0.5, rel=5e-3)
    axis = torch.arange(31) - 15.0
    for oversampling in (1, 3):
        kernel = gaussian(2.0 * oversampling, side=31, oversampling=1)
        variance = (kernel.sum(0) * axis**2).sum()
        wanted = (2.0 * oversampling) ** 2 / (8 * math.log(2)) + 1 / 12
        assert float(variance) == pytest.approx(wanted, rel=1e-3)
    finer = gaussian(3.0, side=93, oversampling=3)[1::3, 1::3]
    torch.testing.assert_close(9 * finer, gaussian(3.0, side=31), atol=1e-6, rtol=1e-4)


def test_a_point_source_looks_like_the_psf():
    galaxy = {name: torch.zeros(1) for name in ("position_angle", "x", "y")}
    point = galaxy | {
        "sersic_index": torch.ones(1),
        "radius": torch.tensor([1e-3]),
        "axis_ratio": torch.ones(1),
    }
    assert_close(draw(point, size=31)[0, 0], PSF.kernel[0, 0], 1e-5)


def test_a_survey_sets_the_psf_of_its_bands():
    bands = tuple(
        Band(n, 500.0, 28.0, 300.0, 22.0, w, 1.0, "-") for n, w in (("g", 0.6), ("i", 1))
    )
    psf = survey_psf(Survey("two bands", bands, 0.5))
    assert psf.oversampling == 3 and psf.kernel.shape == (1, 2, 49, 49)
    assert psf.kernel[0, 0].max() > psf.kernel[0, 1].max()


@pytest.mark.parametrize("oversampling", [1, 2, 3])
@pytest.mark.parametrize("supersampling", [1, 2, 3])
def test_painted_light_equals_the_closed_form(supersampling, oversampling):
    galaxy = galaxies(3) | {"sersic_index": torch.full((3,), 0.5), "axis_ratio": torch.ones(3)}
    galaxy["radius"] = torch.tensor([3.0, 4.0, 5.0])
    y, x = pixels.subpixel_grid(80, supersampling)
    y, x = y - galaxy["y"][:, None, None], x - galaxy["x"][:, None, None]
    painted = torch.exp2(-(x**2 + y**2) / galaxy["radius"][:, None, None] ** 2)[:, None]
    kernels = [
        moffat(w, 3.0, side=30 * oversampling + 1, oversampling=oversampling) for w in (3, 4)
    ]
    psf, flux = Psf(torch.stack(kernels)[None], oversampling), torch.tensor([[[1.0, 2.0]]] * 3)
    images = pixels.convolve(painted, psf, flux, size=SIZE, supersampling=supersampling)
    assert_close(images, draw(galaxy, psf) * torch.tensor([1.0, 2.0])[:, None, None], 2e-4)


def test_painted_components_add_up_and_pass_gradients():
    painted = torch.rand(2, 3, 32, 32, dtype=torch.float64, requires_grad=True)
    flux = torch.rand(2, 3, 1, dtype=torch.float64, requires_grad=True)
    images = pixels.convolve(painted, PSF, flux, size=16, supersampling=2)
    parts = [
        pixels.convolve(painted[:, [i]], PSF, flux[:, [i]], size=16, supersampling=2)
        for i in range(3)
    ]
    torch.testing.assert_close(images, torch.stack(parts).sum(0))
    assert torch.autograd.gradcheck(
        lambda *a: pixels.convolve(*a, size=16, supersampling=2),
        (painted, PSF, flux),
        fast_mode=True,
        atol=1e-6,
    )


BANDS = (
    Band("g", 480.0, 28.2, 300.0, 22.3, 0.8, 1.0, "-"),
    Band("r", 620.0, 28.4, 600.0, 21.2, 0.7, 1.0, "-"),
)
SURVEY = Survey("two bands", BANDS, 0.2)


def test_noise_is_as_the_survey_says():
    image = torch.zeros(1, 2, 200, 200)
    image[..., 100:] = 50.0
    normal = draws.normals(1, "test", [0], 0, (2, 200, 200))
    values, variance = noise.observe(image, SURVEY, normal)
    for channel, band in enumerate(BANDS):
        electrons = 300 * 10 ** (0.4 * (band.zero_point - 31.4)) * (band.exposure / 300)
        sky = 10 ** (0.4 * (31.4 - band.sky)) * 0.04
        for part, light in ((slice(0, 100), 0.0), (slice(100, 200), 50.0)):
            wanted = (sky + light) / electrons
            noisy = (values - image)[0, channel, :, part]
            assert float(noisy.var()) == pytest.approx(wanted, rel=0.04)
            assert float(variance[0, channel, 0, part][0]) == pytest.approx(wanted, rel=1e-4)
    assert noise.sky_variance(SURVEY).tolist() == pytest.approx(variance[0, :, 0, 0].tolist())


def test_objects_are_the_same_in_any_batch():
    together = draws.uniforms(5, "train", range(10), 4)
    np.testing.assert_array_equal(together[[7, 2]], draws.uniforms(5, "train", [7, 2], 4))
    images = draws.normals(5, "train", range(10), 3, (2, 4, 4))
    assert torch.equal(images[6:7], draws.normals(5, "train", [6], 3, (2, 4, 4)))


@pytest.mark.parametrize("shape", [(), (3,), (2, 5, 5)])
def test_objects_drawn_together_have_the_numbers_of_their_own_generators(shape):
    indices, one = [5, 0, 9, 2**40], draws.generator
    numbers = draws.uniforms(4, "test", indices, 7)
    np.testing.assert_array_equal(numbers, [one(4, "test", i).random(7) for i in indices])
    noise_of_all = draws.normals(4, "test", indices, 2, shape)
    alone = [one(4, "test", i, 3).standard_normal(shape, np.float32) for i in indices]
    np.testing.assert_array_equal(noise_of_all, np.stack(alone))


def test_seeds_splits_objects_and_epochs_share_nothing():
    arguments = [(1, "train", 0, 0), (2, "train", 0, 0), (1, "test", 0, 0), (1, "train", 1, 0)]
    arguments += [(1, "train", 0, 1), (1, "train", 0, 2)]
    numbers = np.concatenate([draws.generator(*a).random(200) for a in arguments])
    assert len(np.unique(numbers)) == len(numbers)


def test_draws_stay_the_same_for_ever():
    numbers = draws.uniforms(1, "train", [3], 2)
    np.testing.assert_array_equal(numbers, [[0.43852283562493466, 0.14537876541752404]])


def test_errors_say_what_to_do():
    galaxy = galaxies(2)
    with pytest.raises(ValueError, match=r"flux has shape \(2, 1, 3\)"):
        sersic(**galaxy, flux=torch.ones(2, 3), psf=PSF, size=SIZE)
    with pytest.raises(ValueError, match=r"\(2, 3\) objects and components"):
        components(**several(2), flux=torch.ones(2, 2, 1), psf=PSF, size=SIZE)
    with pytest.raises(ValueError, match="odd side"):
        moffat(3.0, 3.0, side=30)
    with pytest.raises(ValueError, match="above 1"):
        moffat(3.0, 0.9, side=31)
    with pytest.raises(ValueError, match="painted canvas is 30 x 30"):
        pixels.convolve(
            torch.ones(1, 1, 30, 30), PSF, torch.ones(1, 1, 1), size=16, supersampling=2
        )
    with pytest.raises(ValueError, match="channels g, r"):
        noise.observe(torch.ones(1, 3, 4, 4), SURVEY, torch.ones(1, 3, 4, 4))
    with pytest.raises(ValueError, match="integers from 0"):
        draws.generator(-1, "train", 0)
