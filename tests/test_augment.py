"""Laws of augmentation: the truth follows the pixels."""

import numpy as np
import pytest
import torch

from deepfield.data.augment import Affine, Dihedral, isotropic, slides
from deepfield.data.moves import turned, warped
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity

SIDE = 65
ANGLE = Quantity("position_angle", "deg", "angle")
POINT = Quantity("centre", "pix", "point")
MASK = Quantity("mask", kind="map")
COUNT = 16


def galaxies(sigma=(6.0, 3.0), offset=4.0):
    """Elliptical Gaussians at every angle, off centre, with angle, position and footprint."""
    torch.manual_seed(1)
    angle = torch.linspace(0, 170, COUNT)
    x0, y0 = offset * torch.cos(torch.arange(COUNT)), offset * torch.sin(torch.arange(COUNT))
    y, x = torch.meshgrid(*[torch.arange(float(SIDE)) - SIDE // 2] * 2, indexing="ij")
    dx, dy = x - x0[:, None, None], y - y0[:, None, None]
    sin, cos = (f(torch.deg2rad(angle))[:, None, None] for f in (torch.sin, torch.cos))
    along, across = -sin * dx + cos * dy, cos * dx + sin * dy
    image = torch.exp(-0.5 * ((along / sigma[0]) ** 2 + (across / sigma[1]) ** 2))
    centre = torch.stack([y0, x0], 1) + SIDE // 2
    return Batch(
        np.arange(COUNT).astype(str),
        torch.stack([image, 2 * image], 1),
        ("g", "r"),
        variance=torch.ones(COUNT, 2, 1, 1),
        truth=Truth({ANGLE: angle, POINT: centre, MASK: (image > 0.3).long()}),
    )


def moments(image):
    y, x = torch.meshgrid(*[torch.arange(float(SIDE))] * 2, indexing="ij")
    total = image.sum((-1, -2))
    mean = lambda f: (image * f).sum((-1, -2)) / total  # noqa: E731
    cx, cy = mean(x), mean(y)
    xx, yy, xy = mean(x * x) - cx * cx, mean(y * y) - cy * cy, mean(x * y) - cx * cy
    # Of the major axis from +y towards -x.
    angle = torch.rad2deg(0.5 * torch.atan2(-2 * xy, yy - xx)) % 180
    return torch.stack([cy, cx], 1), angle


def check_truth(batch, tolerance):
    centre, angle = moments(batch.values[:, 0])
    gap = (angle - batch.truth["position_angle"] + 90) % 180 - 90
    assert gap.abs().max() < tolerance
    assert (centre - batch.truth["centre"]).abs().max() < tolerance
    assert ((batch.values[:, 0] > 0.3) != batch.truth["mask"].bool()).float().mean() < 0.01


def test_truth_fits_before():
    check_truth(galaxies(), 0.05)


@pytest.mark.parametrize("code", range(8))
def test_truth_follows_every_symmetry(code):
    check_truth(turned(galaxies(), torch.full((COUNT,), code)), 0.05)


def test_truth_follows_random_symmetries():
    check_truth(Dihedral()(galaxies(), torch.Generator().manual_seed(3)), 0.05)


@pytest.mark.parametrize("seed", range(3))
def test_truth_follows_isotropic_zoom(seed):
    # Not the mirror image beyond the edge: moments would see its galaxies too.
    move = Affine(rotation=180, isotropic=True, fill="zeros")
    check_truth(move(galaxies((5.0, 2.5)), torch.Generator().manual_seed(seed)), 0.3)


def test_four_quarter_turns_and_two_mirrors_are_nothing():
    batch = galaxies()
    one, mirror = torch.ones(COUNT, dtype=torch.int64), torch.full((COUNT,), 4)
    after = turned(turned(batch, mirror), mirror)
    for _ in range(4):
        after = turned(after, one)
    assert torch.equal(after.values, batch.values)
    assert torch.equal(after.truth["mask"], batch.truth["mask"])


def test_a_warp_by_a_quarter_turn_is_the_exact_one():
    batch = galaxies()
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]]).expand(COUNT, 2, 2)
    exact = turned(batch, torch.ones(COUNT, dtype=torch.int64))
    assert torch.allclose(
        warped(batch, turn, torch.zeros(COUNT, 2)).values, exact.values, atol=1e-4
    )


def test_dihedral_takes_each_of_eight_about_as_often():
    image = torch.zeros(4000, 1, 3, 3)
    image[..., 0, 1], image[..., 0, 2] = 1.0, 2.0
    batch = Batch(np.arange(4000).astype(str), image, ("r",))
    after = Dihedral()(batch, torch.Generator().manual_seed(0)).values
    counts = torch.unique(after.flatten(1), dim=0, return_counts=True)[1]
    assert len(counts) == 8
    assert counts.min() > 400


@pytest.mark.parametrize("fill", ["border", "reflection", "zeros"])
def test_turns_and_shifts_keep_flux(fill):
    batch = galaxies(sigma=(3.0, 2.0))
    move = Affine(rotation=180, zoom=(1.0, 1.0), fill=fill)
    after = move(batch, torch.Generator().manual_seed(0))
    ratio = after.values.sum((-1, -2)) / batch.values.sum((-1, -2))
    assert (ratio - 1).abs().max() < 0.01


def test_zoom_keeps_surface_brightness_and_grows_area():
    batch = galaxies(sigma=(3.0, 2.0), offset=0.0)
    double = warped(batch, 2 * torch.eye(2).expand(COUNT, 2, 2), torch.zeros(COUNT, 2))
    assert torch.allclose(double.values.amax((-1, -2)), batch.values.amax((-1, -2)), rtol=0.01)
    ratio = double.values.sum((-1, -2)) / batch.values.sum((-1, -2))
    assert (ratio - 4).abs().max() < 0.08


def test_shift_moves_by_at_most_its_part_of_the_side():
    batch = galaxies(sigma=(3.0, 2.0), offset=0.0)
    after = Affine(rotation=0, flip=False, zoom=(1.0, 1.0))(batch, torch.Generator())
    moved = (moments(after.values[:, 0])[0] - SIDE // 2).abs()
    assert moved.max() <= 0.05 * SIDE + 0.05
    assert moved.max() > 0.02 * SIDE


def test_the_same_generator_gives_the_same_and_another_does_not():
    batch = galaxies()
    batch = Batch(batch.ids, batch.values, batch.channels, variance=batch.variance)
    for move in (Dihedral(), slides(), isotropic()):
        one, same, other = (
            move(batch, torch.Generator().manual_seed(s)).values for s in (5, 5, 6)
        )
        assert torch.equal(one, same)
        assert not torch.equal(one, other)


@pytest.mark.parametrize("kind", ["length", "flux"])
@pytest.mark.parametrize("move", [slides(), isotropic()])
def test_zoom_is_refused_for_lengths_and_fluxes(kind, move):
    batch = galaxies()
    truth = Truth({Quantity("radius", kind=kind): torch.ones(COUNT)})
    batch = Batch(batch.ids, batch.values, batch.channels, truth=truth)
    with pytest.raises(ValueError, match=rf"zoom .*radius \({kind}\).*expected[^\n]*$"):
        move(batch, torch.Generator())
    unzoomed = Affine(zoom=(1.0, 1.0))(batch, torch.Generator())
    assert torch.equal(unzoomed.truth["radius"], torch.ones(COUNT))


def test_zoom_along_each_axis_is_refused_for_angles():
    with pytest.raises(ValueError, match="position_angle"):
        slides()(galaxies(), torch.Generator())


def test_classes_stay_and_unknown_angles_stay_unknown():
    batch = galaxies()
    kind = Quantity("kind", classes=("a", "b"))
    labels = torch.randint(-1, 2, (COUNT,))
    truth = Truth({kind: labels, ANGLE: torch.full((COUNT,), torch.nan)})
    after = isotropic()(
        Batch(batch.ids, batch.values, batch.channels, truth=truth), torch.Generator()
    )
    assert torch.equal(after.truth["kind"], labels)
    assert after.truth["position_angle"].isnan().all()
    assert after.truth.quantity("kind") == kind


def test_masked_pixels_stay_masked_and_turn_with_the_image():
    values = torch.zeros(COUNT, 1, SIDE, SIDE)
    masked = torch.zeros_like(values, dtype=torch.bool)
    masked[..., 10:20, 30:50] = True
    variance = torch.ones_like(values).masked_fill(masked, torch.inf)
    batch = Batch(np.arange(COUNT).astype(str), values + masked.float(), ("r",), variance=variance)
    for move in (Dihedral(), isotropic(), Affine(), Affine(fill="zeros")):
        after = move(batch, torch.Generator().manual_seed(0)).check()
        assert after.variance.isinf()[after.values > 0.01].all()
        assert (after.variance.isfinite()).float().mean() > 0.5


def test_noise_is_a_part_of_the_brightest_pixel_and_enters_the_variance():
    batch = Batch(np.array(["a"]), torch.full((1, 1, 256, 256), 50.0), ("r",),
                  variance=torch.ones(1, 1, 1, 1))  # fmt: skip
    after = slides(noise=0.02)(batch, torch.Generator().manual_seed(0))
    assert abs(after.values.std().item() - 1.0) < 0.02
    assert after.variance.flatten().tolist() == pytest.approx([2.0])


def test_an_elongated_psf_turns_with_the_image():
    y, x = torch.meshgrid(*[torch.arange(15.0) - 7] * 2, indexing="ij")
    kernel = torch.exp(-0.5 * ((x / 3) ** 2 + (y / 1.5) ** 2))[None, None]
    kernel = kernel / kernel.sum()
    values = torch.zeros(8, 1, 15, 15) + kernel
    batch = Batch(np.arange(8).astype(str), values, ("r",), psf=Psf(kernel))
    after = Dihedral()(batch, torch.Generator().manual_seed(0))
    assert torch.allclose(after.psf.kernel, after.values)
    turn = Affine(rotation=180, shift=0, zoom=(1.0, 1.0), fill="zeros")
    after = turn(batch, torch.Generator().manual_seed(0))
    assert (after.psf.kernel - after.values).abs().max() < 0.003
    assert (after.psf.kernel.sum((-1, -2)) - 1).abs().max() < 1e-5


def test_a_round_psf_stays_shared():
    kernel = torch.zeros(1, 1, 5, 5)
    kernel[..., 2, 2] = 1.0
    batch = Batch(np.arange(8).astype(str), torch.zeros(8, 1, 9, 9), ("r",), psf=Psf(kernel))
    assert len(Dihedral()(batch, torch.Generator()).psf.kernel) == 1


def test_oblong_images_cannot_take_quarter_turns():
    batch = Batch(np.array(["a"]), torch.zeros(1, 1, 8, 9), ("r",))
    with pytest.raises(ValueError, match="8 x 9 px; expected square"):
        Dihedral()(batch, torch.Generator())
