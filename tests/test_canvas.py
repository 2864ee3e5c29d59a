"""Laws of large images: they are the sums of their objects, whatever is left out is known."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.render.canvas import SIDES, Placed
from deepfield.render.components import components
from deepfield.render.psf import moffat

PSF = Psf(moffat(3.0, 3.0, side=41)[None, None])
FAINT = 0.01


def placed(count: int, width: float = 200.0, psf: Psf = PSF, faint: float = FAINT) -> Placed:
    """Bulges and discs of all sizes, the same in every test."""
    u = torch.rand(10, count, generator=torch.Generator().manual_seed(1))
    radius = 10 ** (0.1 + 0.9 * u[:2])
    flux = 10 ** (2 + 2 * u[2]) * torch.stack([u[3], 1 - u[3]])
    return Placed(
        torch.stack([1 + 3 * u[4], torch.ones(count)], 1),
        radius.T.clone(),
        torch.stack([u[5], u[6]], 1) * 0.8 + 0.2,
        torch.stack([180 * u[7]] * 2, 1),
        u[8] * width,
        u[9] * width,
        flux.T[..., None].expand(-1, -1, psf.kernel.shape[1]),
        psf,
        faint,
    )


def directly(objects: Placed, side: int) -> Tensor:
    """Every object on a stamp as large as the image: [object, channel, y, x]."""
    return components(
        sersic_index=objects.sersic_index,
        radius=objects.radius.clamp(min=1e-3),
        axis_ratio=objects.axis_ratio,
        position_angle=objects.position_angle,
        x=objects.x - (side - 1) / 2,
        y=objects.y - (side - 1) / 2,
        flux=objects.flux,
        psf=objects.psf,
        size=side,
    )


def test_a_painted_image_is_the_sum_of_its_objects():
    objects = placed(12)
    wanted = directly(objects, 200)
    image = objects.paint(200, 200)
    # Each object may lack light below FAINT in a pixel, and has the renderer's own error.
    allowed = 12 * FAINT + 2e-4 * wanted.sum(0).max()
    assert (image - wanted.sum(0)).abs().max() < allowed


def test_what_an_object_lacks_beyond_its_stamp_is_faint():
    for faint in (1.0, 0.01):
        objects = placed(20, faint=faint)
        sides = objects.sides()
        for i in range(20):
            side = int(sides[i])
            if side > 128:
                continue
            middle = torch.full((1,), (side + 63) / 2)
            one = replace(objects.take(torch.tensor([i])), x=middle, y=middle)
            around = directly(one, side + 64)[0, 0]
            inside = around[32:-32, 32:-32].clone()
            assert inside.max() == around.max()
            around[32:-32, 32:-32] = 0
            assert around.max() < faint


def test_faint_objects_get_small_stamps():
    bright, dim = placed(30), placed(30, faint=10.0)
    assert (dim.sides() <= bright.sides()).all()
    assert dim.sides().float().mean() < 0.8 * bright.sides().float().mean()
    assert set(bright.sides().tolist()) <= set(SIDES)


def test_flux_is_conserved_within_what_is_left_out():
    objects = placed(20, width=100.0)
    shifted = replace(
        objects, sersic_index=torch.ones(20, 2), x=objects.x + 462, y=objects.y + 462
    )
    image = shifted.paint(1024, 1024)
    assert float(image.sum() / shifted.flux.sum()) == pytest.approx(1, abs=3e-3)


def test_an_image_is_cut_from_a_larger_one():
    objects = placed(30)
    large = replace(objects, x=objects.x + 50, y=objects.y + 80).paint(400, 350)
    torch.testing.assert_close(
        objects.paint(120, 170), large[:, 80:200, 50:220], atol=1e-2, rtol=1e-3
    )


def test_objects_far_outside_add_nothing():
    objects = placed(5)
    far = replace(objects, x=objects.x - 5000)
    assert (far.paint(64, 64) == 0).all()


def test_stamps_give_every_object_once_where_it_is():
    objects = placed(40)
    seen = []
    for group in objects.stamps():
        side = group.image.shape[-1]
        axis = torch.arange(side)
        light = group.image[:, 0] / group.image[:, 0].sum((1, 2), keepdim=True)
        y = (light.sum(2) * axis).sum(1) + group.first[:, 0]
        x = (light.sum(1) * axis).sum(1) + group.first[:, 1]
        at = group.object
        torch.testing.assert_close(x, objects.x[at], atol=0.2, rtol=0)
        torch.testing.assert_close(y, objects.y[at], atol=0.2, rtol=0)
        assert (objects.sides()[at] == side).all()
        seen += at.tolist()
    assert sorted(seen) == list(range(40))


def test_one_object_on_demand_is_what_the_field_has():
    objects = placed(25)
    together = {}
    for group in objects.stamps():
        together |= dict(zip(group.object.tolist(), group.image, strict=True))
    (alone,) = objects.take(torch.tensor([7])).stamps()
    wanted = together[7]
    assert (alone.image[0] - wanted).abs().max() < 1e-4 * wanted.max()


def test_stars_are_the_psf_each_with_its_own():
    kernels = torch.stack([moffat(width, 3.0, side=41) for width in (2.5, 4.0)])[:, None]
    one = torch.ones(2, 1)
    stars = Placed(
        one, 0 * one, one, 0 * one, torch.tensor([40.0, 140.0]), torch.tensor([50.0, 50.0]),
        1e4 * one[..., None], Psf(kernels), faint=1e-3,
    )  # fmt: skip
    image = stars.paint(100, 190)[0]
    torch.testing.assert_close(image[30:71, 20:61], 1e4 * kernels[0, 0], atol=0.1, rtol=1e-3)
    torch.testing.assert_close(image[30:71, 120:161], 1e4 * kernels[1, 0], atol=0.1, rtol=1e-3)


def test_bands_differ_only_by_their_fluxes_and_psfs():
    psf = Psf(torch.stack([moffat(3.0, 3.0, side=41)] * 2)[None])
    objects = placed(8, psf=psf)
    double = objects.flux * torch.tensor([1.0, 2.0])
    image = replace(objects, flux=double).paint(200, 200)
    torch.testing.assert_close(image[1], 2 * image[0], atol=2e-3, rtol=1e-3)


def test_errors_say_what_to_do():
    good = placed(3)
    parts = (good.sersic_index, good.radius, good.axis_ratio, good.position_angle)
    with pytest.raises(ValueError, match=r"expected \[object, component, channel\]"):
        Placed(*parts, good.x, good.y, good.flux[:, :1], PSF, FAINT)
    with pytest.raises(ValueError, match="one number for each of 3 objects"):
        Placed(*parts, good.x[:2], good.y, good.flux, PSF, FAINT)
    with pytest.raises(ValueError, match="above 0"):
        Placed(*parts, good.x, good.y, good.flux, PSF, 0.0)
