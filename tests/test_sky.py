"""The mock sky: surveys, the population against its own prior, and what can be seen of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from deepfield.data.simulated import Simulated
from deepfield.render.draws import uniforms
from deepfield.render.noise import sky_variance
from deepfield.render.pixels import convolve, subpixel_grid
from deepfield.render.psf import survey_psf
from deepfield.sky import surveys
from deepfield.sky.bulge_disc import BulgeDisc
from deepfield.sky.counts import Counts, limit
from deepfield.sky.galaxies import shine
from deepfield.sky.kinds import Kinds
from deepfield.sky.neighbours import Neighbours
from deepfield.sky.others import STAR, Others
from deepfield.sky.population import BARRED, IRREGULAR, KIND, SMOOTH, SPIRAL, Population
from deepfield.sky.rows import take
from deepfield.sky.visibility import matched_filter

PRESETS = {
    "sdss": ("g", "r", "i"),
    "hsc": ("g", "r", "i", "z", "y"),
    "lsst": ("u", "g", "r", "i", "z", "y"),
    "hst": ("f814w",),
}
SDSS = surveys.sdss()
SEEING = survey_psf(SDSS)
ALONE = Kinds(counts=Counts(density=0.0), overlapping=0.0)


def drawn(sky, indices, *, seed=1, split="test", size=64, maps=()):
    return sky.draw(
        np.asarray(indices), SDSS, seed=seed, split=split, size=size, psf=SEEING, maps=maps
    )


@pytest.mark.parametrize("name", PRESETS)
def test_every_survey_draws_galaxies(name):
    survey = getattr(surveys, name)()
    assert survey.channels == PRESETS[name]
    assert all("http" in band.source for band in survey.bands)
    assert list(b.wavelength for b in survey.bands) == sorted(b.wavelength for b in survey.bands)
    batch = Simulated(survey, {"train": 8}, size=48).take(torch.arange(8), 0).check()
    assert batch.values.shape == (8, len(survey.bands), 48, 48)
    assert batch.values.isfinite().all()


def test_the_population_follows_its_prior():
    population = Population()
    galaxies = population.draw(np.arange(3000), SDSS, seed=3, split="test", size=64)
    counts = torch.bincount(galaxies.kind, minlength=5).numpy()
    assert stats.chisquare(counts).pvalue > 1e-3
    low, high = np.log(population.signal_to_noise)
    u = (np.log(galaxies.signal_to_noise.numpy()) - low) / (high - low)
    assert stats.kstest(u, "uniform").pvalue > 1e-3
    fwhm = SDSS.bands[1].psf_fwhm / SDSS.pixel_scale
    low, high = np.log(population.radius[0]), np.log(64 / 6 / fwhm)
    u = (np.log(galaxies.radius.numpy() / fwhm) - low) / (min(high, np.log(3.2)) - low)
    assert stats.kstest(u, "uniform").pvalue > 1e-3
    assert stats.kstest(galaxies.position_angle.numpy() / 180, "uniform").pvalue > 1e-3
    assert galaxies.axis_ratio[galaxies.kind == SMOOTH].min() > 0.45
    for kind, share in ((BARRED, 0.4), (SPIRAL, 0.2)):
        ringed = (galaxies.ring.share[galaxies.kind == kind] > 0).float()
        assert ringed.mean() == pytest.approx(share, abs=0.07)
    assert (galaxies.edge.optical_depth > 0).float().mean() == pytest.approx(0.6, abs=0.03)


def test_a_galaxy_depends_on_seed_split_and_index_alone():
    many = Simulated(SDSS, {"train": 300}, seed=4)
    few = Simulated(SDSS, {"train": 135}, seed=4)
    rows = torch.tensor([131, 2, 77])
    first, again = many.take(rows, 3), few.take(rows, 3)
    assert torch.equal(first.truth["kind"], again.truth["kind"])
    assert torch.allclose(first.values, again.values, rtol=1e-3, atol=1e-3 * first.values.std())
    one = many.take(rows[1:2], 3)
    assert torch.equal(one.values[0], first.values[1])
    assert not torch.equal(many.take(rows, 4).values, first.values), "fresh noise every epoch"
    other = Simulated(SDSS, {"validation": 300}, seed=4, split="validation").take(rows, 3)
    assert not torch.equal(other.truth["magnitude"], first.truth["magnitude"])


def test_images_and_maps_are_the_same_in_any_batch():
    names = tuple(quantity.name for quantity in Kinds.maps)
    many, few = drawn(Kinds(), range(40), maps=names), drawn(Kinds(), [31, 7], maps=names)
    rows = torch.tensor([31, 7])
    assert torch.allclose(few.image, many.image[rows], rtol=1e-4, atol=1e-5 * many.image.max())
    for name in few.truth:
        ours, theirs = few.truth[name], many.truth[name][rows]
        assert torch.allclose(ours.float(), theirs.float(), rtol=1e-3, atol=1e-2, equal_nan=True)


def test_noise_is_as_the_survey_says():
    source = Simulated(SDSS, {"train": 40})
    first, second = (source.take(torch.arange(40), epoch) for epoch in (0, 1))
    difference = (first.values - second.values) / (first.variance + second.variance).sqrt()
    assert difference.std() == pytest.approx(1.0, abs=0.01)
    assert first.variance.amin((0, 2, 3)) == pytest.approx(sky_variance(SDSS).numpy(), rel=0.02)


def test_flux_magnitude_and_signal_to_noise_agree():
    population = Population(radius=(0.9, 1.2), dusty=0.0)
    galaxies = population.draw(np.arange(60), SDSS, seed=1, split="train", size=64)
    image = shine(galaxies, SDSS, size=64, psf=SEEING).image[:, 1]
    ratio = image.sum((1, 2)) / galaxies.flux
    # Features have their own colour and wings leave the stamp, but the middle band sets the flux.
    assert ratio.median() == pytest.approx(1.0, abs=0.03)
    assert ratio.min() > 0.85 and ratio.max() < 1.1


def test_half_of_the_features_can_be_seen():
    batch = Simulated(SDSS, {"test": 600}, split="test").take(torch.arange(600), 0)
    truth = batch.truth
    assert 0.4 < truth["visible"].mean() < 0.7
    seen = truth["visible"] > 0.5
    assert (truth["feature_signal_to_noise"][seen] >= 8).all()
    assert (truth["feature_size"][seen] >= 1.3).all()  # arcsec: the PSF of SDSS r
    for kind in range(5):
        assert 0.2 < truth["visible"][truth["kind"] == kind].mean() < 0.95


def test_features_grow_with_light_and_hide_behind_the_psf():
    galaxies = Population().draw(np.arange(64), SDSS, seed=9, split="train", size=64)
    once = shine(galaxies, SDSS, size=64, psf=SEEING)
    twice = shine(replace(galaxies, flux=2 * galaxies.flux), SDSS, size=64, psf=SEEING)
    assert torch.allclose(
        twice.feature_signal_to_noise, 2 * once.feature_signal_to_noise, rtol=1e-3
    )
    assert torch.allclose(twice.image, 2 * once.image, rtol=1e-3, atol=1e-2)
    assert torch.equal(twice.feature_size, once.feature_size)


def test_the_matched_filter_is_the_sum_over_pixels():
    y, x = subpixel_grid(64, 2)
    blob = torch.exp(-((y - 3) ** 2 + 2 * x**2) / 30)[None]
    flux = torch.tensor([[5.0, 7.0, 2.0]])
    found = matched_filter(blob / blob.sum(), flux, SDSS, psf=SEEING, supersampling=2)
    seen = convolve(blob[None], SEEING, flux[None], size=64, supersampling=2)
    expected = (seen[0].square() / sky_variance(SDSS)[:, None, None]).sum().sqrt()
    assert found.item() == pytest.approx(expected.item(), rel=1e-3)


def test_truth_knows_what_a_galaxy_has():
    truth = drawn(Kinds(), range(200)).truth
    kind = truth["kind"]
    spiral, disc = kind == SPIRAL, (kind == SPIRAL) | (kind == BARRED)
    assert truth["arms"][spiral].isfinite().all()
    assert set(truth["arms"][spiral].tolist()) == {2, 3, 4, 5}
    assert truth["arms"][(kind == SMOOTH) | (kind == IRREGULAR)].isnan().all()
    assert torch.equal(truth["ringed"].isfinite(), disc)
    assert torch.equal(truth["bulge_to_total"].isnan(), kind == SMOOTH)
    names = {quantity.name for quantity in Kinds.quantities}
    assert set(truth) == names, "no map unless it is asked for"


def test_companions_are_all_that_neighbours_add():
    maps = ("companion",)
    crowded = drawn(Kinds(), range(60), maps=maps)
    lonely = drawn(ALONE, range(60), maps=maps)
    assert not lonely.truth["companion"].any() and not lonely.truth["neighbours"].any()
    assert torch.equal(crowded.truth["kind"], lonely.truth["kind"])
    difference = crowded.image[:, 1] - lonely.image[:, 1]
    assert torch.allclose(difference, crowded.truth["companion"], atol=1e-4 * difference.max())
    everywhere = drawn(replace(ALONE, overlapping=1.0), range(60), maps=maps).truth
    assert (everywhere["companion"].amax((1, 2)) > 0).all()


def test_neighbours_are_added_to_any_sky():
    maps = ("bulge", "neighbour")
    sky = Neighbours(BulgeDisc(), Counts(density=150.0))
    crowded, lonely = drawn(sky, range(40), maps=maps), drawn(BulgeDisc(), range(40))
    assert torch.equal(crowded.truth["magnitude"], lonely.truth["magnitude"])
    assert crowded.truth["bulge"].shape == (40, 64, 64)
    difference = crowded.image[:, 1] - lonely.image[:, 1]
    light = crowded.truth["neighbour"]
    assert torch.allclose(difference, light, rtol=1e-3, atol=1e-5 * crowded.image.max())
    one = drawn(sky, [7], maps=maps)
    assert one.truth["neighbours"] == crowded.truth["neighbours"][7]
    assert torch.allclose(one.truth["neighbour"][0], light[7], atol=1e-4 * light[7].max())
    with pytest.raises(ValueError, match="neighbours of its own"):
        Neighbours(Kinds())


def test_neighbours_follow_the_counts():
    counts, objects, hole = Counts(), 3000, 6.0
    around = counts.draw(
        np.arange(objects),
        SDSS,
        seed=5,
        split="test",
        size=64,
        closest=torch.full((objects,), hole),
    )
    expected = counts.expected(SDSS, 64) * (1 - np.pi * (hole / 64) ** 2) * objects
    found = around.number(objects, 64).sum().item()
    assert abs(found - expected) < 4 * np.sqrt(expected)
    galaxies = (
        counts.density * (64 * SDSS.pixel_scale / 60) ** 2 * 10 ** (0.31 * (limit(SDSS) - 25))
    )
    assert counts.expected(SDSS, 64) * 0.75 == pytest.approx(galaxies, rel=0.02)
    assert torch.hypot(around.x, around.y).min() >= hole
    assert (around.radius == STAR).float().mean() == pytest.approx(0.25, abs=0.02)
    magnitude = (31.4 - 2.5 * torch.log10(around.flux[:, 1])).double().numpy()
    low, high = 10 ** (0.31 * counts.brightest), 10 ** (0.31 * limit(SDSS))
    assert stats.kstest((10 ** (0.31 * magnitude) - low) / (high - low), "uniform").pvalue > 1e-3
    extended = around.radius > STAR
    rank = stats.spearmanr(magnitude[extended], around.radius[extended].numpy())
    assert rank.statistic < -0.4, "faint galaxies are small"


def test_a_cut_out_leaves_nothing_to_be_seen_outside():
    count = 200
    u = torch.from_numpy(uniforms(2, "cut", range(count), 6)).float()
    rows = Others(
        owner=torch.arange(count) % 5,
        x=80 * u[:, 0] - 40,
        y=80 * u[:, 1] - 40,
        sersic_index=0.5 + 3 * u[:, 2],
        radius=0.3 + 4 * u[:, 3],
        axis_ratio=0.3 + 0.7 * u[:, 4],
        position_angle=180 * u[:, 5],
        flux=torch.full((count, 3), 300.0) * 10 ** (2 * u[:, :1]),
    )
    for one in range(0, count, 40):
        some = take(rows, torch.arange(one, one + 5))
        cut = some.light(5, SDSS, psf=SEEING, size=64)
        whole = torch.zeros_like(cut)
        whole.index_add_(0, some.owner, some._render(torch.arange(5), some.x, some.y, SEEING, 64))
        difference = (cut - whole).abs() / sky_variance(SDSS).sqrt()[:, None, None]
        assert difference.max() < 0.06


def test_unknown_truth_and_indices_are_refused():
    source = Simulated(SDSS, {"train": 3})
    assert source.quantity("kind") == KIND
    with pytest.raises(ValueError, match="no truth 'redshift'"):
        source.quantity("redshift")
    with pytest.raises(ValueError, match="to 3 of 3"):
        source.take(torch.tensor([3]), 0)


@pytest.mark.parametrize(
    ("prior", "values"),
    [
        (Population, {"radius": (0.0, 3.0)}),
        (Population, {"radius": (3.0, 1.0)}),
        (Population, {"signal_to_noise": (-5.0, 10.0)}),
        (Population, {"signal_to_noise": (1.0, float("nan"))}),
        (Population, {"flocculent": 1.2}),
        (Population, {"dusty": -0.1}),
        (Counts, {"density": -1.0}),
        (Counts, {"density": float("nan")}),
        (Counts, {"slope": 0.0}),
        (Counts, {"stars": 1.0}),
        (Counts, {"brightest": float("inf")}),
        (Kinds, {"overlapping": 1.1}),
    ],
)
def test_priors_that_cannot_be_are_refused(prior, values):
    with pytest.raises(ValueError, match="expected"):
        prior(**values)


def test_neighbours_refuse_a_negative_distance():
    with pytest.raises(ValueError, match="closest -1"):
        Neighbours(BulgeDisc(), closest=-1.0)


def test_every_object_may_have_its_own_psf():
    own = replace(SEEING, kernel=SEEING.kernel.expand(30, -1, -1, -1).contiguous())
    galaxies = Population().draw(np.arange(30), SDSS, seed=3, split="psf", size=64)
    shared = shine(galaxies, SDSS, size=64, psf=SEEING, parts=("arm",))
    single = shine(galaxies, SDSS, size=64, psf=own, parts=("arm",))
    assert torch.allclose(single.image, shared.image, rtol=1e-4, atol=1e-5 * shared.image.max())
    assert torch.allclose(
        single.feature_signal_to_noise, shared.feature_signal_to_noise, rtol=1e-4
    )
    assert torch.allclose(single.parts["arm"], shared.parts["arm"], rtol=1e-3, atol=1e-2)
    around = Counts().draw(
        np.arange(30), SDSS, seed=3, split="psf", size=64, closest=torch.zeros(30)
    )
    ours, theirs = (around.light(30, SDSS, psf=psf, size=64) for psf in (own, SEEING))
    assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-5 * theirs.max())
