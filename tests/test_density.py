"""Density: scales are inverses of each other and know their priors; multipoles know directions."""

from dataclasses import replace

import pytest
import torch

from deepfield.nets.frame import Frame
from deepfield.nets.multipoles import Multipoles, rings
from deepfield.nouns.psf import Psf
from deepfield.recipes import sersic, structure
from deepfield.render.psf import moffat
from deepfield.tasks.density import POSTERIOR
from deepfield.tasks.scales import (
    Direction,
    Flat,
    LogPixels,
    MagnitudeOverSignal,
    Standard,
    to_values,
)
from deepfield.train.orientations import orientations

OBJECTS = torch.arange(12)
FRAME = Frame(
    noise=torch.tensor([0.5, 2.0]),
    pixel_scale=torch.tensor([0.06, 0.4]),
    position_angle=torch.tensor([10.0, 170.0]),
    signal=torch.tensor([5.0, 300.0]),
)
SCALES = (
    Flat(-1.0, 3.0),
    LogPixels(0.2, 1.5),
    MagnitudeOverSignal(0.4, 2.2),
    Direction(),
    Standard(2.0, 0.5),
)


@pytest.mark.parametrize("scale", SCALES, ids=lambda s: type(s).__name__)
def test_scales_are_inverted(scale):
    z = torch.randn(2, 500, generator=torch.Generator().manual_seed(0)).clamp(-3, 3)
    there = scale.to_value(z, FRAME)
    assert torch.allclose(scale.to_normal(there, FRAME), z, atol=5e-3)
    assert scale.prior


@pytest.mark.parametrize("scales", [SCALES, SCALES[:-1]], ids=["any", "flat"])
def test_all_scales_at_once_are_as_one_by_one(scales):
    z = torch.randn(2, 50, len(scales), generator=torch.Generator().manual_seed(0))
    wanted = torch.stack([s.to_value(z[..., i], FRAME) for i, s in enumerate(scales)], -1)
    with torch.inference_mode():
        assert torch.allclose(to_values(scales, z, FRAME), wanted, rtol=1e-5)
    free = z.clone().requires_grad_()
    found = to_values(scales, free, FRAME)
    found.sum().backward()
    assert torch.allclose(found, wanted, rtol=1e-5)
    step = 1e-3 * torch.ones_like(z)
    change = to_values(scales, z + step, FRAME) - to_values(scales, z - step, FRAME)
    near = change.abs() < 1  # no angle that passes 180 degrees
    assert torch.allclose(free.grad[near], change[near] / 2e-3, rtol=0.05, atol=0.1)


def test_a_flat_prior_is_a_standard_normal():
    values = torch.linspace(-1, 3, 10001)[None].expand(2, -1)
    z = Flat(-1.0, 3.0).to_normal(values, FRAME)
    assert abs(float(z.mean())) < 1e-3
    assert abs(float(z.std()) - 1) < 5e-3


def test_magnitudes_are_told_over_noise_and_signal():
    scale, z = MagnitudeOverSignal(0.4, 2.2), torch.zeros(2)
    brighter = replace(FRAME, noise=10 * FRAME.noise)
    assert torch.allclose(
        scale.to_value(z, FRAME) - scale.to_value(z, brighter), torch.tensor(2.5)
    )


@pytest.mark.parametrize("size", [32, 64])
def test_rings_share_out_every_pixel(size):
    found = rings(size)
    assert torch.allclose(found.cosine[found.order == 0].sum(0), torch.ones(size**2), atol=1e-5)


@pytest.fixture(scope="module")
def galaxies():
    return structure.mock(objects={"test": 12}, seed=3).part("test").take(OBJECTS, 0)


def test_a_turned_galaxy_has_the_same_multipoles_in_its_own_frame(galaxies):
    layer = Multipoles(1)
    matrix, order = layer.get_buffer("matrix"), layer.get_buffer("order")
    rings_alone = torch.ones(matrix.shape[1] - 2 * layer.turning, dtype=torch.bool)
    even = torch.cat([rings_alone, order % 2 == 0, order % 2 == 0]).nonzero()[:, 0]
    seen = [layer(turned) for turned in orientations(galaxies, 8)]
    for numbers, frame in (seen[i] for i in (1, 4, 5)):  # turned, not mirrored
        # Half a turn is the same direction, so that odd waves may change sign.
        gap = (numbers - seen[0][0])[:, even].abs().max(1).values
        assert float(gap.max()) < 1e-2
        assert torch.allclose(frame.signal, seen[0][1].signal, rtol=1e-4)
    quarter = seen[4][1].position_angle - seen[0][1].position_angle
    assert torch.allclose(torch.remainder(quarter, 180), torch.tensor(90.0), atol=0.1)


def test_noise_has_unit_variance_in_every_multipole():
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(4000, 64 * 64, generator=generator)
    found = noise @ Multipoles(1).get_buffer("matrix")
    off = (found.std(0) - 1).abs()
    assert float(off.median()) < 0.02
    assert float(off.max()) < 0.3  # the innermost ring is four pixels: its two quadrupoles differ


def test_missing_pixels_take_the_value_across_the_centre(galaxies):
    whole = replace(galaxies, values=galaxies.values + galaxies.values.flip((-2, -1)))
    variance = whole.variance.clone()
    variance[:, :, :20, 30:] = torch.inf
    holed = replace(whole, variance=variance)
    layer = Multipoles(1)
    assert torch.allclose(layer(holed)[0], layer(whole)[0], atol=1e-2)


def test_what_it_needs_is_asked_for(galaxies):
    layer = Multipoles(1)
    with pytest.raises(ValueError, match="no PSF"):
        layer(replace(galaxies, psf=None))
    with pytest.raises(ValueError, match="no variance"):
        layer(replace(galaxies, variance=None))
    with pytest.raises(ValueError, match="expected \\[1 bands, 64, 64\\]"):
        layer(replace(galaxies, values=galaxies.values[..., :32, :32]))


def test_an_oversampled_psf_tells_the_same(galaxies):
    layer = Multipoles(1)
    plain = replace(galaxies, psf=Psf(moffat(3.0, 3.0, side=31)[None, None]))
    fine = replace(galaxies, psf=Psf(moffat(3.0, 3.0, side=93, oversampling=3)[None, None], 3))
    told = [layer(batch)[0][:, -200:] for batch in (plain, fine)]
    assert torch.allclose(told[0], told[1], atol=0.2)


@pytest.mark.parametrize("recipe", [structure, sersic], ids=["structure", "sersic"])
def test_truth_lies_where_the_prior_says(recipe):
    source = recipe.mock(objects={"test": 400}, seed=5).part("test")
    built = getattr(recipe, recipe.__name__.rsplit(".", 1)[1])(source)
    batch = source.take(torch.arange(400), 0)
    with torch.no_grad():
        _, frame = built.net(batch)
        z = built.task.to_normal(batch.truth, frame)
        prediction = built.task.predict(built.net.eval(), batch)
    assert float(z.abs().max()) < 4.5  # nothing is cut at a border
    flat = [i for i, q in enumerate(built.task.quantities) if q.name != "magnitude"]
    assert float(z[:, flat].std(0).max()) < 1.2
    assert prediction[POSTERIOR].samples.shape == (400, 256, len(built.task.quantities))
    assert bool(prediction[POSTERIOR].samples.isfinite().all())
