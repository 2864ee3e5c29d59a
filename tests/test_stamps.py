"""Noise, stamps, splits and class weights: small laws of the data."""

import numpy as np
import pytest
import torch
from pictures import says

from deepfield.data.classes import class_weights
from deepfield.data.noise import estimate_sigma, sky
from deepfield.data.split import split_of, unit_hash
from deepfield.data.stamps import resize, typical_extent
from deepfield.nouns.flags import Flag


@pytest.mark.parametrize("scale", [0.0, 2.0, 5.0, 10.0])
def test_sky_and_sigma_whatever_the_galaxy(scale):
    y, x = torch.meshgrid(*[torch.arange(64.0) - 31.5] * 2, indexing="ij")
    profile = torch.exp(-torch.hypot(x, y) / max(scale, 0.1)) * 50
    noise = torch.randn(200, 2, 64, 64, generator=torch.manual_seed(1))
    level, sigma = sky(7 + 3 * noise + profile)
    at_edge = profile[0].mean().item()
    assert abs(level.mean().item() - 7) < 0.1 + 1.5 * at_edge
    assert abs(sigma.mean().item() / 3 - 1) < 0.05 + 0.1 * at_edge


def test_sigma_of_quantised_noise_adds_the_step():
    noise = torch.randn(100, 1, 64, 64, generator=torch.manual_seed(1))
    for width in (0.7, 2.0):
        expected = (width**2 + 1 / 12) ** 0.5
        measured = estimate_sigma((20 + width * noise).round()).mean().item()
        assert measured == pytest.approx(expected, rel=0.09)


def test_sigma_is_never_nothing():
    flat = torch.full((2, 1, 16, 16), 4.0)
    flat[1, :, 6:10, 6:10] = 200.0
    assert (estimate_sigma(flat) >= 0.28).all()
    assert (estimate_sigma(torch.zeros(1, 3, 16, 16)) > 0).all()


def test_sky_passes_over_missing_pixels():
    image = torch.randn(20, 1, 64, 64, generator=torch.manual_seed(1)) + 5
    image[:, :, :, :20] = torch.nan
    level, sigma = sky(image)
    assert abs(level.mean() - 5) < 0.1
    assert abs(sigma.mean() - 1) < 0.05
    assert sky(torch.full((1, 1, 8, 8), torch.nan))[1].isnan().all()
    ringless = torch.full((1, 1, 64, 64), torch.nan)
    ringless[..., 16:48, 16:48] = 3.0
    assert sky(ringless)[0].item() == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("extent", [40.0, 17.3, 12.0, 6.5])
def test_stamps_keep_surface_brightness_and_gradients(extent):
    y, x = torch.meshgrid(*[torch.arange(40.0) - 19.5] * 2, indexing="ij")
    image = (10 + x + 2 * y)[None]
    stamp, variance, flags = resize(image, torch.ones_like(image), extent=extent, size=12)
    place = (torch.arange(12) - 5.5) * extent / 12
    inner = slice(1, -1)
    expected = (10 + place + 2 * place[:, None])[inner, inner]
    assert torch.allclose(stamp[0, inner, inner], expected, atol=0.3)
    assert flags == Flag.RESIZED
    if extent > 12:
        ratio = variance[0, 5, 5].item() * (extent / 12) ** 2
        assert 0.5 < ratio < 1.5


def test_averaging_noise_gives_the_variance_that_it_says():
    noise = torch.randn(300, 48, 48, generator=torch.manual_seed(0))
    for extent in (48, 36, 20):
        stamp, variance, _ = resize(noise, torch.ones_like(noise), extent=extent, size=12)
        assert stamp.var(0).mean() == pytest.approx(variance.mean().item(), rel=0.03)


def test_beyond_the_edge_is_missing():
    stamp, variance, flags = resize(torch.ones(1, 10, 10), torch.ones(1, 10, 10),
                                    extent=20, size=20)  # fmt: skip
    assert flags == Flag.EDGE | Flag.RESIZED
    inside = torch.zeros(20, 20, dtype=torch.bool)
    inside[5:15, 5:15] = True
    assert torch.equal(stamp[0].isfinite(), inside)
    assert torch.equal(variance[0].isfinite(), inside)


def test_holes_do_not_spread():
    image = torch.ones(1, 32, 32)
    image[0, 10, 10] = torch.nan
    stamp, _, _ = resize(image, extent=32, size=8)
    assert torch.equal(stamp, torch.ones(1, 8, 8))
    same, _, flags = resize(image, extent=32, size=32)
    assert torch.equal(same.isnan(), image.isnan())
    assert flags == 0


def test_cutting_without_resampling_keeps_pixels():
    image = torch.arange(25.0).reshape(1, 5, 5)
    assert torch.equal(resize(image, extent=3, size=3)[0], image[:, 1:4, 1:4])
    assert torch.equal(resize(image, extent=2, size=2)[0], image[:, 1:3, 1:3])


def test_extent_grows_with_the_galaxies_and_stays_in_the_image():
    y, x = np.mgrid[-60:60, -60:60] + 0.5
    noise = np.random.default_rng(0).normal(size=(6, 1, 120, 120))
    extents = [
        typical_extent(list(noise + 50 * (np.hypot(x, y) < radius))) for radius in (10, 20, 40, 59)
    ]
    assert extents == sorted(extents)
    assert extents[1] == pytest.approx(2 * extents[0], rel=0.2)
    assert extents[-1] <= 120
    assert typical_extent(list(noise)) <= 120


def test_the_hash_is_what_it_was():
    assert unit_hash(["587739505552785605"])[0] == 0.9977172060024827
    assert unit_hash(["1"], "a")[0] != unit_hash(["1"], "b")[0]


def test_folds_are_disjoint_cover_all_and_do_not_depend_on_company():
    ids = np.arange(5000).astype(str)
    tests = [split_of(ids, fold=fold, folds=5) == "test" for fold in range(5)]
    assert np.array_equal(np.sum(tests, 0), np.ones(5000))
    split = split_of(ids)
    assert np.array_equal(split_of(ids[::-1][:100]), split[::-1][:100])
    shares = {name: (split == name).mean() for name in np.unique(split)}
    expected = {"test": 0.2, "validation": 0.08, "train": 0.72}
    assert shares == pytest.approx(expected, abs=0.015)
    with says("fold 5 of 5"):
        split_of(ids, fold=5)


def test_class_weights_balance():
    labels = torch.tensor([0] * 6 + [1] * 3 + [2, -1])
    weights = class_weights(labels, ("a", "b", "c"))
    assert weights.mean().item() == pytest.approx(1)
    assert (weights * torch.tensor([6, 3, 1])).unique().numel() == 1
    soft = torch.nn.functional.one_hot(labels[:-1], 3).float()
    assert torch.allclose(class_weights(soft, ("a", "b", "c")), weights)
    with says("no object of class d"):
        class_weights(labels, ("a", "b", "c", "d"))


def test_one_small_file_does_not_decide_how_much_of_the_others_is_seen():
    y, x = np.mgrid[-24:24, -24:24]
    noise = np.random.default_rng(4)
    galaxies = [
        (40 * np.exp(-np.hypot(x, y) / 4) + noise.normal(size=x.shape))[None] for _ in range(5)
    ]
    alone = typical_extent(galaxies)
    assert typical_extent([*galaxies, noise.normal(size=(1, 5, 5))]) == pytest.approx(
        alone, rel=0.2
    )
    assert typical_extent([image[:, :26, :26] for image in galaxies] + galaxies) <= 26
