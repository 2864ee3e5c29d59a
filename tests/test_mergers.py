"""Mergers: the dynamics behind them, and what the truth says of what can be seen."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from deepfield.data.simulated import Simulated
from deepfield.nouns.psf import Psf
from deepfield.render.noise import sky_variance
from deepfield.render.psf import gaussian, survey_psf
from deepfield.sky import encounters, leapfrog, tracers
from deepfield.sky.encounters import ALONE, CHANCE, MERGING, VIEWS, Encounters
from deepfield.sky.halo import KM_S, Halo
from deepfield.sky.mergers import STAGE, Mergers
from deepfield.sky.orbits import STEP, infall
from deepfield.sky.pairs import TOGETHER, pair
from deepfield.sky.particles import blurred, deposit, mixed
from deepfield.sky.surveys import sdss

HALO = Halo(speed=200 * KM_S, core=1.2, edge=30.0)
LENGTH = 3.0


def collide(**changes):
    """An equal pair that is prograde for both discs, or as told."""
    upright = np.eye(3)
    settings = {
        "mass_ratio": 1.0,
        "scale": LENGTH,
        "speed": 200 * KM_S,
        "pericentre": 2.0,
        "eccentricity": 1.0,
        "friction": 3.5,
        "spins": (upright, upright),
        "shifts": np.full((2, 6), 0.37),
        "after": 600.0,
    }
    return pair(**(settings | changes))


def draw(sky, indices, *, seed=5, size=64, maps=(), split="train", psf=None):
    psf = survey_psf(sdss()) if psf is None else psf
    indices = np.asarray(indices)
    return sky.draw(indices, sdss(), seed=seed, split=split, size=size, psf=psf, maps=maps)


@pytest.fixture(scope="module")
def merging():
    """Bright encounters at all times: six pairs."""
    sky = Mergers(Encounters(merging=1.0, mass_ratio=(0.3, 1.0)), signal_to_noise=(500.0, 500.0))
    return draw(sky, np.arange(6 * VIEWS), maps=("companion", "tidal"))


@pytest.fixture(scope="module")
def undisturbed():
    sky = Mergers(Encounters(merging=0.0), signal_to_noise=(500.0, 500.0))
    return draw(sky, np.arange(2 * VIEWS), maps=("companion", "tidal"))


# The dynamics.


def test_a_halo_is_one_potential_one_density_and_one_mass():
    radius = np.geomspace(0.05, 300, 40)
    slope = (HALO.potential(radius * 1.001) - HALO.potential(radius * 0.999)) / (0.002 * radius)
    assert np.allclose(slope, HALO.enclosed(radius) / radius**2, rtol=1e-4)
    within = [
        integrate.quad(lambda r: 4 * np.pi * r**2 * HALO.density(r), 0, r)[0] for r in (2, 50)
    ]
    assert np.allclose(within, HALO.enclosed(np.array([2.0, 50.0])), rtol=1e-6)
    speed = HALO.circular_speed(np.linspace(3, 15, 20))
    assert speed.max() / speed.min() < 1.15, "flat where the disc is"


def test_an_isolated_disc_keeps_its_energy_and_stays_an_exponential_disc():
    disc = tracers.disc(HALO, LENGTH, np.linspace(0.1, 0.9, 6))
    steps = np.array([0, 250, 500, 1000])
    place, motion = leapfrog.follow(disc.place, disc.motion, leapfrog.alone(HALO), steps)
    radius = np.linalg.norm(place, axis=1)
    energy = (motion.astype(float) ** 2).sum(1) / 2 + HALO.potential(radius.astype(float))
    assert np.abs(energy / energy[0] - 1).max() < 5e-3
    spin = np.cross(place, motion, axis=1)
    assert np.abs(spin - spin[0]).max() < 1e-4 * np.abs(spin[0]).max()
    thickness = np.abs(place[:, 2]).mean(1)
    assert np.ptp(thickness) < 0.2 * thickness[0], "a few hundred orbits fluctuate"
    for at in radius:
        inside = np.array([(at < x * LENGTH).mean() for x in (1, 2, 3, 4)])
        expected = [1 - (1 + x) * math.exp(-x) for x in (1, 2, 3, 4)]
        assert np.abs(inside - expected).max() < 0.025
        centre = place[steps == 0][0]
        assert np.abs(centre.mean(1)).max() < 0.02 * LENGTH


def test_without_friction_two_haloes_keep_their_energy():
    orbit = infall(
        HALO, HALO, pericentre=6.0, eccentricity=0.9, coulomb=0.0, together=1.5, after=0.0
    )
    motion = np.linalg.norm(orbit.motion[:, 1] - orbit.motion[:, 0], axis=1)
    energy = motion**2 / 2 + 2 * HALO.potential(orbit.separation)
    assert np.abs(energy / energy[0] - 1).max() < 0.02
    assert math.isinf(orbit.coalescence)


def test_friction_makes_orbits_decay():
    times, apart = [], []
    for coulomb in (1.5, 2.0, 3.0):
        orbit = infall(
            HALO, HALO, pericentre=6.0, eccentricity=1.0, coulomb=coulomb, together=1.5, after=300
        )
        distance = orbit.separation
        first, end = int(orbit.pericentre / STEP), int(orbit.coalescence / STEP)
        assert distance[first] == distance[: first + 5].min()
        assert distance[end:].max() <= 1.5 < distance[end - 1]
        assert len(distance) == end + 300 / STEP
        times.append(orbit.coalescence - orbit.pericentre)
        apart.append(distance[first:].max())
    assert times == sorted(times, reverse=True), "the stronger the friction the sooner"
    assert apart == sorted(apart, reverse=True), "and the less far they part again"
    assert 200 < times[1] < 3000, "about a Gyr for two equal galaxies"


def test_wide_and_unequal_pairs_take_longer():
    def lasts(**changes):
        orbit = collide(**changes).orbit
        return orbit.coalescence - orbit.pericentre

    assert lasts(pericentre=1.0) < lasts(pericentre=2.0) < lasts(pericentre=3.5)
    assert lasts(mass_ratio=1.0) < lasts(mass_ratio=0.1)


def test_prograde_encounters_make_longer_tails():
    """Toomre & Toomre (1972): discs that turn with the orbit are torn, others hardly."""
    upside_down = np.diag([1.0, -1.0, -1.0])
    far = {}
    for name, spin in (("prograde", np.eye(3)), ("retrograde", upside_down)):
        two = collide(spins=(spin, spin))
        place, _ = two.disturbed(0, np.array([two.step(("pericentre", 200.0))]))
        radius = np.linalg.norm(place[0], axis=0)
        far[name] = (np.percentile(radius, 95), (radius > 1.5 * two.discs[0].apocentre).mean())
    assert far["prograde"][0] > 1.5 * far["retrograde"][0]
    assert far["prograde"][1] > 2 * far["retrograde"][1]


def test_a_merged_galaxy_keeps_its_stars_around_its_centre():
    two = collide()
    end = np.array([two.step(("coalescence", 400.0))])
    for galaxy in range(2):
        radius = np.linalg.norm(two.disturbed(galaxy, end)[0][0], axis=0)
        assert np.median(radius) < 4 * LENGTH, "its disc has come along"
        assert np.median(radius) > LENGTH


def test_before_they_meet_discs_are_undisturbed():
    two = collide()
    steps = np.array([two.step(("pericentre", -150.0))])
    for galaxy in range(2):
        met, alone = two.disturbed(galaxy, steps)[0], two.undisturbed(galaxy, steps)[0]
        moved = np.linalg.norm(met - alone, axis=1)[0]
        assert np.median(moved) < 0.15 * LENGTH


# From particles to light.


@pytest.mark.parametrize("width", [1.0, 2.0, 4.0])
def test_a_particle_is_a_gaussian_of_its_width(width):
    one = np.ones(1)
    image = blurred(
        torch.from_numpy(deposit(40.3 * one, 39.8 * one, width * one, one[None], side=80))
    )[0]
    axis = torch.arange(80.0)
    assert float(image.sum()) == pytest.approx(1, abs=1e-3)
    assert float((image.sum(0) * axis).sum()) == pytest.approx(40.3, abs=1e-2)
    assert float((image.sum(1) * axis).sum()) == pytest.approx(39.8, abs=1e-2)
    variance = float((image.sum(0) * (axis - 40.3) ** 2).sum())
    assert width**2 < variance < width**2 + 0.3, "and the cloud in the cell adds a quarter"


def test_mixing_phases_keeps_the_disc_and_smears_a_pattern():
    disc = tracers.disc(HALO, LENGTH, np.zeros(6))
    turn = np.random.default_rng(0).uniform(0, 2 * np.pi, disc.place.shape[1])
    smooth = mixed(disc.place, disc.motion, turn)
    assert np.allclose(
        np.linalg.norm(smooth, axis=0), np.linalg.norm(disc.place, axis=0), rtol=1e-4
    )
    assert np.abs(smooth[2]).mean() == pytest.approx(np.abs(disc.place[2]).mean(), rel=0.1)
    half = disc.place[0] > 0
    assert abs(smooth[0][half].mean()) < 0.2 * disc.place[0][half].mean()


def test_an_isolated_disc_has_the_size_and_the_light_that_its_truth_says():
    sky = Mergers(
        Encounters(merging=0.0, chance_pairs=0.0),
        bulge_to_total=(0.0, 0.0),
        signal_to_noise=(100.0, 100.0),
    )
    kernel = gaussian(2.0, side=21)[None, None].repeat(1, 3, 1, 1)
    light = draw(sky, np.arange(8), size=96, psf=Psf(kernel))
    image, scale = light.image[:, 1].double(), sdss().pixel_scale
    total = 10 ** (0.4 * (31.4 - light.truth["magnitude"].double()))
    assert torch.allclose(image.sum((1, 2)), total, rtol=0.02)
    axis = torch.arange(96.0).double()
    share = image / image.sum((1, 2), keepdim=True)
    y, x = axis[:, None], axis[None, :]
    dy, dx = (a - (share * a).sum((1, 2), keepdim=True) for a in (y, x))
    yy, xx, xy = ((share * p).sum((1, 2)) for p in (dy * dy, dx * dx, dx * dy))
    major = (yy + xx) / 2 + ((yy - xx) ** 2 / 4 + xy**2).sqrt()
    major = (major - (2.0 / 2.3548) ** 2 - 1 / 12).sqrt() * scale
    # Along the major axis an exponential disc has 3 scale lengths^2, less what the edge cuts.
    expected = light.truth["radius"].double() / tracers.HALF_LIGHT * math.sqrt(3)
    assert ((major / expected - 1).abs() < 0.08).all()


# What the truth says.


def test_the_truth_of_encounters_fits_together(merging):
    truth = merging.truth
    left, stage = truth["time_to_coalescence"], truth["stage"]
    assert left.isfinite().all() and (truth["time_to_pericentre"] <= left).all()
    for name, inside in (
        ("pre_merger", left > 300),
        ("merger", left.abs() <= 300),
        ("post_merger", left < -300),
    ):
        assert torch.equal(stage == STAGE.classes.index(name), inside)
        assert inside.any()
    assert torch.equal(truth["merger"], (left.abs() <= 300).long())
    assert torch.equal(truth["disturbed"], (truth["visibility"] >= 8).long())
    together = truth["separation"][left <= 0] * truth["scale"][left <= 0]
    assert (together <= TOGETHER * 5.0).all(), "merged centres are one"
    assert (truth["separation"][left > 100] * truth["scale"][left > 100]).median() > 3


def test_visibility_rises_at_pericentre_and_fades_after_coalescence(merging):
    truth = merging.truth
    since = -truth["time_to_pericentre"]
    after, seen = -truth["time_to_coalescence"], truth["visibility"]
    before, met = seen[since < -50].median(), seen[(since > 50) & (after < 0)].median()
    assert met > 5 * before
    fresh, old = seen[(after > -100) & (after < 100)], seen[after > 400]
    assert fresh.median() > 1.5 * old.median()
    assert before < 0.02 * 500, "particles alone make next to none"


def test_visibility_grows_with_brightness_and_nothing_else_changes():
    sky = [Mergers(Encounters(merging=1.0), signal_to_noise=(s, s)) for s in (20.0, 200.0)]
    faint, bright = (draw(one, np.arange(8)) for one in sky)
    assert torch.allclose(10 * faint.truth["visibility"], bright.truth["visibility"], rtol=1e-3)
    assert torch.equal(faint.truth["time_to_coalescence"], bright.truth["time_to_coalescence"])
    scale = float(faint.image.max())
    assert torch.allclose(10 * faint.image, bright.image, atol=1e-4 * scale)
    assert 0 < faint.truth["visible"].sum() < bright.truth["visible"].sum()


def test_what_does_not_merge_is_undisturbed_but_may_look_like_a_pair(undisturbed, merging):
    truth, pairs = undisturbed.truth, undisturbed.truth["chance_pair"] == 1
    assert 0 < pairs.sum() < len(pairs)
    assert (truth["stage"] == 0).all() and (truth["visibility"] == 0).all()
    assert truth["time_to_coalescence"].isnan().all()
    assert truth["time_to_pericentre"].isnan().all()
    assert torch.equal(truth["separation"].isfinite(), pairs)
    assert torch.equal(truth["mass_ratio"].isfinite(), pairs)
    peak = undisturbed.image.amax()
    assert truth["tidal"].abs().max() < 1e-6 * peak
    companion = truth["companion"].sum((1, 2))
    assert (companion[pairs] > 0).any() and companion[~pairs].abs().max() < 1e-6 * peak
    kpc = {
        name: (one.truth["separation"] * one.truth["scale"])[rows].median()
        for name, one, rows in (
            ("chance", undisturbed, pairs),
            ("real", merging, merging.truth["time_to_coalescence"] > 0),
        )
    }
    assert 0.3 < kpc["chance"] / kpc["real"] < 3


def test_maps_show_the_companion_and_what_was_torn_out(merging):
    truth = merging.truth
    image, companion = merging.image[:, 1], truth["companion"]
    slack = 1e-3 * image.amax((1, 2), keepdim=True)
    assert (companion <= image + slack).all() and (truth["tidal"] <= image + slack).all()
    torn = truth["tidal"].sum((1, 2)) / image.sum((1, 2))
    since = -truth["time_to_pericentre"]
    assert torn[since < -100].max() < 0.01 and torn[since > 100].mean() > 0.05
    near = truth["separation"] < 2 * truth["radius"]
    ratio = truth["mass_ratio"][near]
    share = companion.sum((1, 2))[near] / image.sum((1, 2))[near]
    assert torch.allclose(share, ratio / (1 + ratio), atol=0.12)


def test_disturbed_light_is_bluer_than_the_rest(merging):
    """Tails come from the outer disc, where stars are young."""
    flux = 10 ** (0.4 * (31.4 - merging.truth["magnitude"]))
    tidal = merging.truth["tidal"].sum((1, 2)) / flux
    rows = tidal > 0.15
    image = merging.image[rows]
    where = (merging.truth["tidal"][rows] > 0.8 * image[:, 1]) & (image[:, 1] > 0)
    colour = [
        (image[:, 0] * m).sum((1, 2)) / (image[:, 2] * m).sum((1, 2)).clamp(min=1e-9)
        for m in (where, ~where)
    ]
    there = where.sum((1, 2)) > 50
    assert there.any()
    assert (colour[0] > colour[1])[there].float().mean() > 0.8


# The same sky for everyone.


def test_an_object_depends_on_seed_split_and_index_alone():
    sky = Mergers()
    rows = np.array([17, 3, 40, 5])
    first = draw(sky, rows)
    encounters._views.cache_clear()
    alone = draw(sky, rows[2:3])
    assert torch.allclose(alone.image[0], first.image[2], rtol=1e-4, atol=1e-5 * first.image.max())
    for name in first.truth:
        assert torch.equal(
            alone.truth[name].nan_to_num(), first.truth[name][2:3].nan_to_num()
        ) or (
            name == "visibility"
            and torch.allclose(alone.truth[name], first.truth[name][2:3], rtol=1e-3)
        )
    others = [draw(sky, rows, split="test"), draw(sky, rows, seed=6)]
    assert all(not torch.equal(o.truth["magnitude"], first.truth["magnitude"]) for o in others)
    number = {"seed": 5, "number": 0}
    train, test = (Encounters().views(split=split, **number) for split in ("train", "test"))
    assert train.mass_ratio != test.mass_ratio, "no two splits share a pair"


def test_it_is_a_source_like_any_sky():
    source = Simulated(sdss(), {"train": 20}, size=48, sky=Mergers(), maps=("tidal",))
    batch = source.take(torch.tensor([19, 2]), 0).check()
    assert batch.values.isfinite().all()
    assert batch.truth["tidal"].shape == (2, 48, 48)


def test_pairs_and_times_follow_their_priors():
    priors = Encounters(start=("pericentre", -20.0), end=("pericentre", -10.0), merging=0.6)
    seen = [priors.views(seed=1, split="test", number=i) for i in range(40)]
    ratio = np.log10([one.mass_ratio for one in seen]) + 1
    assert stats.kstest(ratio, "uniform").pvalue > 1e-3
    scale = (np.array([one.scale[0] for one in seen]) - 2) / 3
    assert stats.kstest(scale, "uniform").pvalue > 1e-3
    counts = np.bincount(np.concatenate([one.kind for one in seen]), minlength=3)
    expected = len(seen) * VIEWS * np.array([0.2, 0.2, 0.6])
    assert stats.chisquare(counts[[ALONE, CHANCE, MERGING]], expected).pvalue > 1e-3
    left = np.concatenate([one.to_pericentre[one.kind == MERGING] for one in seen])
    assert left.min() >= 10 - STEP and left.max() <= 20 + STEP


def test_signal_to_noise_is_what_it_says():
    """Half of a face-on galaxy's light over the noise within its half-light radius."""
    sky = Mergers(Encounters(merging=0.0, chance_pairs=0.0), signal_to_noise=(50.0, 50.0))
    truth = draw(sky, np.arange(4)).truth
    survey = sdss()
    flux = 10 ** (0.4 * (31.4 - truth["magnitude"]))
    pixels = math.pi * (truth["radius"] ** 2 + (0.6 * survey.bands[1].psf_fwhm) ** 2)
    noise = (pixels / survey.pixel_scale**2 * sky_variance(survey)[1]).sqrt()
    assert torch.allclose(flux / 2 / noise, truth["signal_to_noise"], rtol=1e-3)


@pytest.mark.parametrize(
    "prior",
    [
        {"mass_ratio": (0.1, 1.5)},
        {"mass_ratio": (0.5, 0.2)},
        {"pericentre": (-1.0, 2.0)},
        {"eccentricity": (0.9, 1.2)},
        {"inclination": (0.0, 200.0)},
        {"friction": (0.0, 1.0)},
        {"speed": (math.nan, 200.0)},
        {"scale_length": (0.0, 3.0)},
        {"merging": 1.2},
        {"chance_pairs": math.nan},
        {"start": ("apocentre", 0.0)},
        {"start": ("pericentre", 100.0), "end": ("pericentre", 0.0)},
        {"start": ("coalescence", 0.0), "end": ("pericentre", 0.0)},
    ],
)
def test_impossible_encounters_are_refused(prior):
    with pytest.raises(ValueError, match="expected"):
        Encounters(**prior)


@pytest.mark.parametrize(
    "prior",
    [
        {"window": -1.0},
        {"signal_to_noise": (0.0, 10.0)},
        {"radius": (2.0, 1.0)},
        {"bulge_to_total": (0.0, 1.1)},
        {"young": (-0.1, 0.5)},
    ],
)
def test_impossible_looks_are_refused(prior):
    with pytest.raises(ValueError, match="expected"):
        Mergers(**prior)


def test_a_halo_without_mass_is_refused():
    with pytest.raises(ValueError, match="positive"):
        Halo(0.2, 0.0, 30.0)
