"""Laws of telescopes: noise has its variance, what goes wrong is recorded, objects are alone."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfield.nouns.flags import Flag
from deepfield.nouns.psf import Psf
from deepfield.nouns.survey import Band, Survey
from deepfield.render.backgrounds import RealSky, scatter, to_depth_of
from deepfield.render.correlated import CorrelatedNoise, drizzled
from deepfield.render.coverage import CoverageEdge, MissingBand, StrayLight
from deepfield.render.detector import BadColumns, HotPixels, Saturation
from deepfield.render.draws import normals
from deepfield.render.field_psf import FieldPsf, PsfStack
from deepfield.render.noise import electrons_per_njy, observe, sky_variance
from deepfield.render.psf import survey_psf
from deepfield.render.sometimes import MixedNoise, Sometimes
from deepfield.render.telescope import SkyNoise, Telescope
from deepfield.render.tracks import CosmicRays, SatelliteTrail, segments

SURVEY = Survey(
    "made up",
    (
        Band("g", 480.0, 28.0, 600.0, 22.3, 0.8, 1.0, "made up"),
        Band("r", 620.0, 28.2, 600.0, 21.4, 0.7, 1.0, "made up"),
    ),
    0.2,
)
SIGMA = sky_variance(SURVEY).sqrt()[:, None, None]
DRIZZLED = drizzled(pixel_fraction=0.8, scale=0.6)
STAMPS = torch.randn(16, 2, 40, 40, generator=torch.Generator().manual_seed(5)) * SIGMA
EFFECTS = {
    "cosmic rays": (CosmicRays(rate=15, found=1), Flag.COSMIC_RAY),
    "satellite": (SatelliteTrail(found=1), Flag.TRAIL),
    "bad columns": (BadColumns(rate=3), Flag.BAD_PIXELS),
    "hot pixels": (HotPixels(rate=20, found=1), Flag.BAD_PIXELS),
    "saturation": (Saturation(level=4_000.0), Flag.SATURATED),
    "missing band": (MissingBand(), Flag.MISSING_PIXELS),
    "edge": (CoverageEdge(), Flag.EDGE),
}
TELESCOPES = {
    "default": Telescope(),
    "correlated": Telescope(noise=CorrelatedNoise(DRIZZLED)),
    "real sky": Telescope(noise=RealSky(STAMPS)),
    "mixed": Telescope(noise=MixedNoise(0.4, CorrelatedNoise(DRIZZLED), SkyNoise())),
    "stray light": Telescope(effects=(StrayLight(0.4, 0.6),)),
    "sometimes": Telescope(effects=(Sometimes(0.4, StrayLight(0.4, 0.6)), BadColumns(rate=3))),
    "everything": Telescope(
        noise=MixedNoise(0.3, RealSky(STAMPS), SkyNoise()),
        effects=tuple(Sometimes(0.3, effect) for effect, _ in EFFECTS.values()),
    ),
    **{name: Telescope(effects=(effect,)) for name, (effect, _) in EFFECTS.items()},
}


def images(objects: int, size: int = 24) -> torch.Tensor:
    """The same bright blob for all, peaking at 40 sigma of the sky."""
    axis = torch.arange(size) - (size - 1) / 2
    blob = torch.exp(-(axis[:, None] ** 2 + axis**2) / 18)
    return (40 * SIGMA * blob).expand(objects, 2, size, size)


def look(telescope: Telescope, light: torch.Tensor, indices=None, epoch: int = 0, split="train"):
    at = np.arange(len(light)) if indices is None else np.array(indices)
    return telescope.observe(light, SURVEY, at, seed=2, split=split, epoch=epoch)


def test_the_default_is_sky_noise_through_the_survey_psf():
    light, at = images(3), np.array([4, 0, 9])
    seen = look(Telescope(), light, at, epoch=5)
    values, variance = observe(light, SURVEY, normals(2, "train", at, 5, (2, 24, 24)))
    assert torch.equal(seen.values, values) and torch.equal(seen.variance, variance)
    assert seen.flags.tolist() == [0, 0, 0] and seen.flags.dtype == torch.int64
    psf = Telescope().psf_of(SURVEY, at, seed=2, split="train")
    assert torch.equal(psf.kernel, survey_psf(SURVEY).kernel)


@pytest.mark.parametrize("name", TELESCOPES)
def test_noise_has_the_variance_that_variance_says(name):
    light = images(400)
    seen = look(TELESCOPES[name], light, epoch=3)
    clean = seen.variance.isfinite()
    square = (seen.values - light) ** 2 / seen.variance
    # Real sky repeats: a stamp's scatter is known to 2 %.
    assert square[clean].mean() == pytest.approx(1, abs=0.03)
    # Nor does it depend on how bright the pixel is.
    bright = clean & (light > 20 * SIGMA) & (light < 30 * SIGMA)
    assert square[bright].mean() == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("name", TELESCOPES)
def test_an_object_looks_the_same_in_any_company(name):
    telescope, light = TELESCOPES[name], images(12)
    whole, some = look(telescope, light), look(telescope, light[:3], [11, 0, 7])
    at = torch.tensor([11, 0, 7])
    assert torch.allclose(whole.values[at], some.values, rtol=1e-5, atol=1e-4 * float(SIGMA.min()))
    assert torch.equal(whole.variance[at], some.variance)
    assert torch.equal(whole.flags[at], some.flags)
    later, other = look(telescope, light, epoch=1), look(telescope, light, split="test")
    assert not torch.equal(whole.values, later.values)
    assert not torch.equal(whole.values, other.values)


@pytest.mark.parametrize("name", EFFECTS)
def test_what_goes_wrong_is_recorded(name):
    effect, flag = EFFECTS[name]
    light = images(60)
    plain, seen = look(Telescope(), light), look(Telescope(effects=(effect,)), light)
    gone = seen.variance.isinf()
    touched = gone.flatten(1).any(1)
    assert 0.5 < touched.float().mean() <= 1
    flagged = (seen.flags & int(flag)) > 0
    # A cosmic ray may be too faint to be masked, or end beyond the stamp.
    assert torch.equal(flagged, touched)
    assert torch.equal((seen.flags & int(Flag.MISSING_PIXELS)) > 0, touched)
    # What is not masked is what it would have been, but for wings below a tenth of a sigma each.
    left = (seen.values - plain.values).abs()[~gone]
    assert torch.equal(seen.variance[~gone], plain.variance[~gone])
    assert left.max() < 0.5 * SIGMA.max()
    assert name in ("cosmic rays", "satellite") or left.max() == 0


@pytest.mark.parametrize("effect", [CosmicRays(rate=15, found=0), SatelliteTrail(found=0)])
def test_what_nobody_finds_stays_in_the_values(effect):
    light = images(40)
    plain, seen = look(Telescope(), light), look(Telescope(effects=(effect,)), light)
    assert torch.equal(plain.variance, seen.variance)
    added = seen.values - plain.values
    assert added.min() > -1e-3 * SIGMA.min()
    hit = (added > 0.5 * SIGMA).flatten(1).any(1)
    assert hit.float().mean() > 0.5
    assert (seen.flags[hit] > 0).all() and not (seen.flags & int(Flag.MISSING_PIXELS)).any()


def test_cosmic_rays_come_at_their_rate_with_their_charge():
    rays = CosmicRays(rate=5, length=(2.0, 6.0), charge=(1000.0, 1000.0), found=0)
    light = images(300, size=60)
    added = look(Telescope(effects=(rays,)), light).values - look(Telescope(), light).values
    electrons = torch.tensor([electrons_per_njy(band) for band in SURVEY.bands])
    hits = (added.sum((2, 3)) * electrons / 1000).mean(0)
    # A track of 4 px loses some at the edges, about as much as 1 % of the stamp.
    expected = 5 * 60 * 60 / 1e4
    assert torch.allclose(hits, torch.full((2,), expected), rtol=0.15)


@given(
    angle=st.floats(0, 6.3), length=st.floats(0.5, 20), y=st.floats(25, 35), x=st.floats(25, 35)
)
@settings(max_examples=40, deadline=None)
def test_a_track_holds_its_light(angle, length, y, x):
    one = torch.ones(1)
    track = segments(
        y=y * one,
        x=x * one,
        angle=angle * one,
        length=length * one,
        flux=3 * one,
        width=0.7,
        shape=(61, 61),
    )
    assert float(track.sum()) == pytest.approx(3, rel=0.015)
    rows, columns = torch.arange(61.0)[:, None], torch.arange(61.0)
    assert float((track * rows).sum() / 3) == pytest.approx(
        y + length / 2 * math.sin(angle), abs=0.6
    )
    assert float((track * columns).sum() / 3) == pytest.approx(
        x + length / 2 * math.cos(angle), abs=0.6
    )


def test_a_column_bleeds_no_more_than_it_cannot_hold():
    light = images(1) * 30
    level = 60_000.0
    seen = look(Telescope(effects=(Saturation(level),)), light)
    plain = look(Telescope(), light)
    electrons = torch.tensor([electrons_per_njy(band) for band in SURVEY.bands])[:, None, None]
    full = seen.variance.isinf()[0]
    charge, before = seen.values[0] * electrons, plain.values[0] * electrons
    assert full.any((1, 2)).all() and charge.max() <= level * (1 + 1e-5)
    assert torch.equal(full, (charge >= level * (1 - 1e-5)))
    excess = (before - level).clamp(min=0).sum(1)
    filled = ((level - before).clamp(min=0) * full).sum(1)
    in_stamp = ~full[:, [0, -1]].any(1) & (excess > 0)
    assert in_stamp.any()
    assert (filled >= excess - 1)[in_stamp].all()
    # The last pixel may be filled to the brim, no more.
    assert (filled - excess < level + 1000)[in_stamp].all()
    # Each trail is one piece.
    edges = full.int().diff(dim=1).abs().sum(1)
    assert set(edges.flatten().tolist()) <= {0, 1, 2}


def test_one_band_is_missing_and_any_of_them():
    seen = look(Telescope(effects=(MissingBand(),)), images(100))
    gone = seen.variance.isinf().flatten(2)
    assert torch.equal(gone.all(2), gone.any(2)) and (gone.all(2).sum(1) == 1).all()
    assert 25 < int(gone.all(2)[:, 0].sum()) < 75
    assert (seen.values.flatten(2)[gone.all(2)] == 0).all()


def test_an_edge_is_straight_and_spares_the_centre():
    gone = look(
        Telescope(effects=(CoverageEdge(nearest=0.2),)), images(50, size=25)
    ).variance.isinf()
    assert torch.equal(gone[:, 0], gone[:, 1])
    assert not gone[:, :, 10:15, 10:15].any()
    # A half plane: what is opposite to a missing pixel is there.
    assert not (gone & gone.flip((-1, -2))).any()


def test_several_effects_and_their_shares():
    effect = Sometimes(0.3, MissingBand())
    seen = look(Telescope(effects=(effect, effect)), images(400, size=4))
    lost = seen.variance.isinf().flatten(2).all(2)
    # Each effect has its own numbers: both bands are lost in 0.3 * 0.3 / 2 of all.
    assert lost.any(1).float().mean() == pytest.approx(1 - 0.7**2, abs=0.08)
    both = lost.all(1)
    assert both.float().mean() == pytest.approx(0.045, abs=0.03)
    assert torch.equal((seen.flags & int(Flag.NO_PIXELS)) > 0, both)


@pytest.mark.parametrize(("fraction", "scale"), [(1.0, 1.0), (0.8, 0.6), (0.6, 1.0), (1.0, 0.4)])
def test_drizzled_noise_is_correlated_as_fruchter_and_hook_say(fraction, scale):
    stated = drizzled(pixel_fraction=fraction, scale=scale)
    r = fraction / scale
    ratio = r / (1 - 1 / (3 * r)) if r >= 1 else 1 / (1 - r / 3)
    assert float(stated.sum()) == pytest.approx(ratio**2, rel=1e-5)
    size, objects = 32, 300
    seen = look(Telescope(noise=CorrelatedNoise(stated)), torch.zeros(objects, 2, size, size))
    noise = seen.values / seen.variance.sqrt()
    middle = len(stated) // 2
    for y, x in [(0, 1), (1, 0), (1, 1), (0, 2), (3, 3), (0, size - 1)]:
        found = (noise[..., y:, x:] * noise[..., : size - y, : size - x]).mean()
        wanted = float(stated[middle + y, middle + x]) if max(y, x) <= middle else 0.0
        assert float(found) == pytest.approx(wanted, abs=0.03 if x == size - 1 else 0.012)


def test_real_sky_is_the_stamps_own():
    size = 40  # the whole stamp, in one of eight orientations
    seen = look(Telescope(noise=RealSky(STAMPS)), torch.zeros(60, 2, size, size))
    pixels = seen.values[:, 0].flatten(1).sort(1).values
    known = STAMPS[:, 0].flatten(1).sort(1).values
    which = (pixels[:, None] == known).all(2)
    assert (which.sum(1) == 1).all()
    assert torch.equal(seen.variance[:, :, 0, 0], scatter(STAMPS)[which.int().argmax(1)] ** 2)
    assert (seen.flags == int(Flag.VARIANCE_ESTIMATED)).all()
    turned = seen.values[which[:, 0]][:, 0, 0, 0].unique()
    assert len(turned) > 2
    used = [set(which.int().argmax(1).tolist())]
    for split in ("validation", "test", "calibrate"):
        other = look(Telescope(noise=RealSky(STAMPS)), torch.zeros(30, 2, size, size), split=split)
        pixels = other.values[:, 0].flatten(1).sort(1).values
        used.append(set((pixels[:, None] == known).all(2).int().argmax(1).tolist()))
    assert sum(map(len, used)) == len(set.union(*used)) == len(STAMPS)


def test_holes_in_real_sky_are_missing_pixels():
    stamps = STAMPS.clone()
    stamps[:, 0, :, ::4] = torch.nan
    stamps[:, 1] = torch.nan
    seen = look(Telescope(noise=RealSky(stamps)), images(20))
    gone = seen.variance.isinf()
    assert gone[:, 1].all() and gone[:, 0].float().mean() == pytest.approx(0.25, abs=0.01)
    assert (seen.values[gone] == 0).all() and seen.values.isfinite().all()
    assert (seen.flags == int(Flag.VARIANCE_ESTIMATED | Flag.MISSING_PIXELS)).all()


def test_stamps_of_another_survey_are_brought_to_this_depth():
    scaled = to_depth_of(SURVEY, STAMPS * torch.tensor([3.0, 0.2])[:, None, None] + 5)
    assert torch.allclose(scatter(scaled), SIGMA.flatten().expand(16, 2), rtol=1e-4)


def test_psfs_are_the_same_in_every_call_and_checked():
    telescope = Telescope(psf=FieldPsf())
    one = telescope.psf_of(SURVEY, np.array([8]), seed=2, split="train")
    assert one.kernel.shape[:2] == (1, 2)
    many = telescope.psf_of(SURVEY, np.arange(10), seed=2, split="train")
    assert torch.equal(one.kernel, many.kernel[8:9])
    assert telescope.check(SURVEY, 32) is telescope


def flat(channels: int, side: int) -> PsfStack:
    return PsfStack(Psf(torch.full((1, channels, side, side), 1 / side**2)))


@pytest.mark.parametrize(
    ("telescope", "size", "message"),
    [
        (Telescope(psf=flat(2, 65)), 32, "reaches 32 px"),
        (Telescope(psf=flat(3, 9)), 32, "3 channels; expected one for each band"),
        (Telescope(noise=RealSky(STAMPS)), 41, "at least 41 px a side"),
        (Telescope(noise=RealSky(STAMPS[:, :1])), 32, "expected 2 channels"),
    ],
)
def test_telescopes_that_do_not_fit_are_refused(telescope, size, message):
    with pytest.raises(ValueError, match=message):
        telescope.check(SURVEY, size)


def test_a_single_band_cannot_be_missing():
    telescope = Telescope(effects=(MissingBand(),))
    with pytest.raises(ValueError, match="single band"):
        telescope.check(SURVEY.select(("g",)), 32)


@pytest.mark.parametrize(
    "build",
    [
        lambda: CosmicRays(rate=-1),
        lambda: CosmicRays(rate=math.nan),
        lambda: CosmicRays(length=(5.0, 1.0)),
        lambda: CosmicRays(charge=(0.0, 1.0)),
        lambda: CosmicRays(width=0.1),
        lambda: CosmicRays(found=1.1),
        lambda: SatelliteTrail(brightness=(-1.0, 2.0)),
        lambda: SatelliteTrail(width=math.inf),
        lambda: BadColumns(rate=-0.1),
        lambda: HotPixels(rate=math.inf),
        lambda: HotPixels(brightness=(3.0, 2.0)),
        lambda: HotPixels(found=-0.1),
        lambda: Saturation(0.0),
        lambda: Saturation(math.nan),
        lambda: CoverageEdge(nearest=1.5),
        lambda: StrayLight(offset=-1.0),
        lambda: StrayLight(gradient=math.nan),
        lambda: Sometimes(1.2, MissingBand()),
        lambda: MixedNoise(math.nan, SkyNoise(), SkyNoise()),
        lambda: drizzled(pixel_fraction=1.2, scale=1.0),
        lambda: drizzled(pixel_fraction=0.8, scale=0.0),
        lambda: CorrelatedNoise(torch.ones(4, 4)),
        lambda: CorrelatedNoise(torch.tensor([[0.2, 1.0, 0.3]])),
        lambda: CorrelatedNoise(torch.tensor([[0.2, 0.9, 0.2]])),
        lambda: CorrelatedNoise(torch.tensor([[0.8, 1.0, 0.8]])),
        lambda: RealSky(STAMPS[:3]),
        lambda: RealSky(STAMPS[0]),
        lambda: RealSky(torch.zeros(4, 2, 8, 8)),
        lambda: RealSky(STAMPS / 0),
        lambda: to_depth_of(SURVEY, STAMPS[:, :1]),
    ],
)
def test_what_cannot_be_is_refused(build):
    with pytest.raises(ValueError, match="expected"):
        build()
