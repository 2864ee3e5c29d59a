"""Inspected objects of the mock sky: votes follow what the image shows, and nothing else."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from deepfield.mocks.candels import candels
from deepfield.nouns.galaxy_zoo import CANDELS
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.votes import Votes
from deepfield.render.noise import sky_variance
from deepfield.render.psf import survey_psf
from deepfield.render.sersic import sersic
from deepfield.rivals.dominant_svm import GALSVM
from deepfield.rivals.morphometry_svm import MorphometrySvm
from deepfield.scores.votes import rmse_irreducible
from deepfield.sky.apparent import apparent, isophotes
from deepfield.sky.inspected import Inspected
from deepfield.sky.inspectors import classes, noticed
from deepfield.sky.kinds import Kinds
from deepfield.sky.population import Population
from deepfield.sky.surveys import hst_f160w
from deepfield.tasks.votes import VoteFractions

SPHEROID, DISC, ODD, POINT, LOST = range(5)
SURVEY = hst_f160w()
FWHM = SURVEY.bands[0].psf_fwhm / SURVEY.pixel_scale
SIGMA = float(sky_variance(SURVEY)[0].sqrt())
NONE = torch.zeros(1)


def shown(index, radius, *, axis_ratio=1.0, signal_to_noise=100.0):
    """Light of a galaxy; the radius in PSF FWHM."""
    one = torch.ones(1)
    image = sersic(
        sersic_index=index * one,
        radius=radius * FWHM * one,
        axis_ratio=axis_ratio * one,
        position_angle=30 * one,
        x=0.3 * one,
        y=0 * one,
        flux=one[:, None],
        psf=survey_psf(SURVEY),
        size=48,
    )[:, 0]
    return image * signal_to_noise * SIGMA / image.norm()


def voted(image, structure=NONE, clumps=NONE):
    return classes(apparent(image, SURVEY), structure, clumps)[0]


@pytest.fixture(scope="module")
def source():
    return candels(objects={"train": 300}, seed=41)


@pytest.fixture(scope="module")
def asked(source):
    at = np.arange(300)
    return source.sky.asked(
        at, source.survey, seed=41, split="train", size=48, psf=source._psf(at)
    )[1]


def test_isophotes_of_an_exponential_disc_are_those_of_theory():
    y, x = torch.meshgrid(*[torch.arange(400.0) - 199.7] * 2, indexing="ij")
    area, ratio = isophotes(torch.exp(-torch.hypot(y / 0.6, x) / 15)[None])
    # Radii that hold 20, 50 and 80 % of the light, in scale lengths.
    r20, r50, r80 = 0.8244, 1.6783, 2.9943
    assert float(area) == pytest.approx(math.log(math.pi * 0.6 * (15 * r50) ** 2), abs=0.01)
    assert float(ratio) == pytest.approx(2 * math.log(r80 / r20), abs=0.01)


def test_steepness_runs_from_exponential_to_de_vaucouleurs_at_any_size_and_shape():
    for radius in (0.9, 1.5, 3.0):
        for axis_ratio in (1.0, 0.6):
            found = [
                float(apparent(shown(n, radius, axis_ratio=axis_ratio), SURVEY).steepness)
                for n in (1.0, 2.0, 4.0)
            ]
            assert found[0] == pytest.approx(0, abs=0.12)
            assert 0.25 < found[1] < 0.65
            assert found[2] == pytest.approx(1, abs=0.12)


def test_steepness_is_the_less_known_the_smaller_and_fainter():
    small, large = (apparent(shown(2.0, r), SURVEY) for r in (0.5, 2.0))
    assert float(small.steepness_error) > 2 * float(large.steepness_error)
    brighter = apparent(shown(2.0, 2.0, signal_to_noise=200.0), SURVEY)
    assert float(large.steepness_error / brighter.steepness_error) == pytest.approx(2, rel=1e-3)


def test_steepness_is_as_uncertain_as_many_noisy_images_show():
    """A fit of flux, size and steepness scatters by what is claimed."""
    galaxy = shown(1.8, 1.5, signal_to_noise=80.0)
    claimed = float(apparent(galaxy, SURVEY).steepness_error)
    at = torch.tensor([1.8, 1.8 * 1.02, 1.8]), torch.tensor([1.5, 1.5, 1.5 * 1.02])
    flux = galaxy.sum() / shown(1.8, 1.5).sum()
    images = [shown(float(n), float(r)) for n, r in zip(*at, strict=True)]
    seen = [apparent(image, SURVEY).steepness for image in images]
    scaled = [image / image.sum() * images[0].sum() * flux for image in images]
    slopes = torch.stack([scaled[0], *(s - scaled[0] for s in scaled[1:])]).flatten(1).double()
    noise = torch.randn(500, slopes.shape[1], generator=torch.Generator().manual_seed(1)).double()
    fitted = torch.linalg.lstsq(slopes.T, SIGMA * noise.T).solution
    # A step in the index, and one in the radius at the same index, each change the steepness.
    change = torch.stack([seen[1] - seen[0], seen[2] - seen[0]]).double()[:, 0]
    assert float((fitted[1:].T @ change).std()) == pytest.approx(claimed, rel=0.25)


def test_votes_are_shares_and_the_multinomial_counts_follow_them(source, asked):
    assert torch.allclose(asked.sum(1), torch.ones(300))
    assert float(asked.min()) > 0
    votes = CANDELS.stacked(dict(source.take(torch.arange(300), 0).truth))
    assert bool((votes.sum(1) == 40).all())
    pull = (votes / 40 - asked) / (asked * (1 - asked) / 40).sqrt()
    assert float(pull.mean()) == pytest.approx(0, abs=0.1)
    assert float(pull[asked > 0.02].std()) == pytest.approx(1, abs=0.1)
    floor = float((asked * (1 - asked) / 40).mean().sqrt())
    assert rmse_irreducible(votes / 40, np.full(300, 40)) == pytest.approx(floor, rel=0.1)


def test_a_pattern_that_nobody_can_see_has_no_vote():
    """Faint galaxies of all kinds are told by their profile alone; bright clumps by themselves."""
    at, psf = np.arange(100), survey_psf(SURVEY)
    share = []
    for strength in (15.0, 600.0):
        population = Population((strength, strength * 1.01), (2.0, 2.6))
        sky = Inspected(Kinds(population, overlapping=0.0), stars=0.0)
        share.append(sky.asked(at, SURVEY, seed=41, split="test", size=48, psf=psf)[1][:, ODD])
    assert float(share[0].mean()) < 0.1
    assert float((share[1] > 0.8).float().mean()) > 0.1
    assert float(((share[1] > 0.2) & (share[1] < 0.8)).float().mean()) < 0.1


def test_each_class_is_what_it_looks_like():
    assert int(voted(shown(4.0, 1.5)).argmax()) == SPHEROID
    assert int(voted(shown(1.0, 1.5)).argmax()) == DISC
    assert int(voted(shown(4.0, 1.5), structure=torch.ones(1)).argmax()) == DISC
    assert int(voted(shown(1.0, 1.5), clumps=torch.ones(1)).argmax()) == ODD
    assert int(voted(shown(1.0, 0.05)).argmax()) == POINT
    assert int(voted(shown(1.0, 1.5, signal_to_noise=4.0)).argmax()) == LOST


def test_what_cannot_be_seen_makes_no_difference():
    faint = [voted(shown(n, 1.0, signal_to_noise=3.0)) for n in (1.0, 4.0)]
    assert float((faint[0] - faint[1]).abs().max()) < 0.02
    # A profile that the PSF hides is as little known at any signal-to-noise.
    points = [voted(shown(n, 0.05, signal_to_noise=100.0)) for n in (1.0, 4.0)]
    assert float((points[0] - points[1]).abs().max()) < 0.02
    assert float(noticed(torch.tensor(1.0))) < 1e-3


def test_no_step_is_sharper_than_the_noise():
    """From an exponential to a de Vaucouleurs profile the votes turn, faster if it is brighter."""
    turn = []
    for strength in (10.0, 200.0):
        share = [
            float(voted(shown(n, 0.8, signal_to_noise=strength))[SPHEROID])
            for n in (1.0, 2.0, 4.0)
        ]
        assert share == sorted(share)
        turn.append(share[2] - share[0])
    assert 0.1 < turn[0] < 0.6 * turn[1]


def test_stronger_clumps_are_called_irregular_by_more():
    seen = noticed(torch.tensor([1.0, 5.0, 8.0, 16.0, 100.0]))
    assert seen.tolist() == sorted(seen.tolist())
    assert float(seen[2]) == pytest.approx(0.5)
    share = [float(voted(shown(1.0, 1.5), clumps=s[None])[ODD]) for s in seen]
    assert share == sorted(share)
    assert share[0] < 0.05
    assert share[-1] > 0.9


def test_a_companion_does_not_vote():
    """The blob beside a galaxy says nothing about it: inspectors see that it is another one."""
    at = np.arange(40)
    told = []
    for share in (0.0, 1.0):
        sky = replace(candels(objects={}).sky, sky=Kinds(Population((40, 100)), overlapping=share))
        psf = survey_psf(SURVEY)
        told.append(sky.asked(at, SURVEY, seed=41, split="test", size=48, psf=psf))
    assert torch.allclose(told[0][1], told[1][1], atol=1e-4)
    assert not torch.equal(told[0][0].image, told[1][0].image)


def test_a_star_is_as_wide_as_the_psf():
    source = candels(objects={"train": 60}, overlapping=0.0, signal_to_noise=(90.0, 100.0))
    source = replace(source, sky=Inspected(Kinds(source.sky.sky.population), stars=1.0))
    batch = source.take(torch.arange(60), 0)
    votes = CANDELS.stacked(dict(batch.truth))
    assert float(votes[:, POINT].mean()) > 33
    middle = batch.values[:, 0, 20:28, 20:28].sum((1, 2))
    around = batch.values[:, 0, 14:34, 14:34].sum((1, 2))
    assert float((middle / around).median()) > 0.75


def test_nature_is_bimodal(asked):
    """Few galaxies lie between the classes: most have a main one, as in CANDELS."""
    assert float((asked.max(1).values > 2 / 3).float().mean()) > 0.8
    main = torch.bincount(asked.argmax(1), minlength=5) / len(asked)
    assert float(main[[SPHEROID, DISC]].min()) > 0.25
    assert float(main[[ODD, POINT]].min()) > 0.05


def test_who_knows_every_probability_errs_only_where_inspectors_are_split(source, asked):
    batch = source.take(torch.arange(300), 0)
    told = Votes(CANDELS, asked, torch.full((300, 1), torch.inf))
    found = VoteFractions(CANDELS).score(Prediction({"votes": told}), batch.truth)
    assert found["dominant_error"] < 0.03
    assert found["dominant_error_clear"] == 0
    # A third of the clear objects given another class are a third of the clear errors.
    clear = CANDELS.stacked(dict(batch.truth)).amax(1) > 40 * 2 / 3
    wrong = (torch.arange(300) % 3 == 0) & clear
    other = Votes(
        CANDELS, torch.where(wrong[:, None], asked.roll(1, 1), asked), told.concentration
    )
    found = VoteFractions(CANDELS).score(Prediction({"votes": other}), batch.truth)
    share = float(wrong.sum() / clear.sum())
    assert found["dominant_error_clear"] == pytest.approx(share, abs=1e-6)


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="no feature colour; expected some of concentration"):
        MorphometrySvm("main_class", kept=("colour", *GALSVM))
    with pytest.raises(ValueError, match="share of stars of 2"):
        Inspected(stars=2)
    with pytest.raises(ValueError, match="SDSS has 3 bands; CANDELS classes are of one"):
        candels(objects={"train": 1}, survey="sdss").take(torch.arange(1), 0)
