"""Volunteers of the mock sky: what they say follows what can be seen, and rivals can learn it."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from deepfield.evaluate.compare import compare
from deepfield.mocks.candels import candels
from deepfield.mocks.galaxy_zoo import galaxy_zoo
from deepfield.nouns.galaxy_zoo import CANDELS, GALAXY_ZOO_2
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.votes import Votes
from deepfield.recipes import candels_morphology
from deepfield.rivals.dominant_svm import DominantSvm
from deepfield.rivals.feature_ridge import FeatureRidge
from deepfield.rivals.features.colour_histogram import ColourHistogram
from deepfield.rivals.hog_ridge import HogRidge
from deepfield.scores.votes import rmse
from deepfield.sky.contrast import contrast, smooth_light
from deepfield.sky.discs import axes, column, exponential
from deepfield.sky.opinions import Seen, opinions, told
from deepfield.sky.population import BARRED, IRREGULAR, SMOOTH, SPIRAL, Population
from deepfield.sky.rows import take
from deepfield.sky.surveys import sdss
from deepfield.sky.volunteers import Volunteers
from deepfield.tasks.votes import VoteFractions

OBJECTS = 240
COLUMN = GALAXY_ZOO_2.columns.index


@pytest.fixture(scope="module")
def source():
    return galaxy_zoo(objects={"train": OBJECTS, "validation": 80, "test": 80}, seed=2)


@pytest.fixture(scope="module")
def some():
    return Population().draw(np.arange(2000), sdss(), seed=0, split="test", size=48)


def seen(galaxies, share):
    """Every galaxy with the part of its kind, all seen by so many."""
    parts = {"arm": SPIRAL, "bar": BARRED, "clump": IRREGULAR}
    told = {name: share * (galaxies.kind == value) for name, value in parts.items()}
    nothing = torch.zeros(len(galaxies))
    return Seen(**told, ring=nothing, dust=nothing, fwhm=1.3 / 0.396)


def test_opinions_are_probabilities(some):
    for share in (0.0, 0.5, 1.0):
        fractions = opinions(some, seen(some, share))
        assert float(fractions.min()) >= 0
        assert torch.allclose(GALAXY_ZOO_2.total(fractions), torch.ones(2000, 11), atol=1e-5)


def test_what_cannot_be_seen_makes_no_difference(some):
    dark = opinions(some, seen(some, 0.0))
    for answer in ("bar_bar", "spiral_spiral", "odd_yes", "arms_winding_tight"):
        assert float(dark[:, COLUMN(answer)].std()) < 1e-3
    bright = opinions(some, seen(some, 1.0))
    assert float(bright[some.kind == BARRED, COLUMN("bar_bar")].mean()) > 0.6
    assert float(bright[some.kind != BARRED, COLUMN("bar_bar")].max()) < 0.1
    features = COLUMN("smooth_or_features_features_or_disk")
    rise = [
        float(opinions(some, seen(some, s))[some.kind == SPIRAL, features].mean())
        for s in (0.0, 0.2, 0.5, 1.0)
    ]
    assert rise == sorted(rise)
    assert float(bright[some.kind == SMOOTH, features].mean()) < 0.15


def test_light_of_a_smooth_galaxy_has_no_contrast(some):
    galaxies = take(some, (some.kind == SPIRAL).nonzero()[:40, 0])
    smooth = smooth_light(galaxies, size=48, fwhm=1.0)
    place = torch.arange(48.0) - 23.5
    along, across = axes(
        place[:, None],
        place[None],
        at_y=galaxies.y,
        at_x=galaxies.x,
        position_angle=galaxies.position_angle,
    )
    away = along.square() + (across / column(galaxies.axis_ratio)).square()
    disc = exponential(away.sqrt() / column(galaxies.radius))
    noise = torch.full_like(disc, 1e-2)
    # Light to one side is nothing that a smooth galaxy could have, wherever its centre lies.
    beside = disc * (along > 0)
    # What any smooth galaxy would explain as well is taken away, however much there is of it.
    more = beside + 5 * smooth[:, 4]
    found, share = contrast(torch.stack([disc, beside, more], 1), disc, smooth, noise)
    whole = (disc / noise).norm(dim=(1, 2))[:, None]
    assert float(share[:, 0].max()) < 0.1 and torch.allclose(found, share * whole, rtol=1e-4)
    assert float(share[:, 1].min()) > 0.3
    assert torch.allclose(found[:, 2], found[:, 1], rtol=1e-3)


def test_more_people_see_what_is_clearer():
    strength = torch.tensor([0.0, 5.0, 20.0, 1e3])
    full, half = torch.ones(4), torch.full((4,), 0.05)
    assert told(strength, full).diff().min() > 0
    assert bool((told(strength, half) < told(strength, full)).all())
    # However little noise there is, an eye sees no contrast of a thousandth.
    assert float(told(torch.tensor([1e6]), torch.tensor([1e-3]))) < 0.01


def test_votes_are_drawn_from_the_opinions():
    sky, survey = Volunteers(), sdss()
    from_source = galaxy_zoo(objects={"test": 128}, seed=4)
    shown = replace(from_source, split="test")
    votes = GALAXY_ZOO_2.stacked(dict(shown.take(torch.arange(128), 0).truth))
    assert bool((votes[:, :3].sum(1) == 40).all())
    _, fractions = shown.sky.asked(
        np.arange(128), survey, seed=4, split="test", size=48, psf=shown._psf(np.arange(128))
    )
    joint = GALAXY_ZOO_2.joint(fractions)
    pull = ((votes / 40 - joint) / (joint * (1 - joint) / 40).clamp(min=1e-9).sqrt())[
        (joint > 0.02) & (joint < 0.98)
    ]
    assert float(pull.mean()) == pytest.approx(0, abs=0.1)
    assert float(pull.std()) == pytest.approx(1, abs=0.1)
    assert sky.volunteers == 40


def test_no_volunteers_are_refused():
    with pytest.raises(ValueError, match="1 volunteers; expected at least 2"):
        Volunteers(volunteers=1)


@pytest.mark.parametrize(
    "make",
    [
        partial(HogRidge, crops=(0.75,), cells=(8,), blurs=(1.0,), rows=1000),
        partial(FeatureRidge, features=[ColourHistogram()]),
    ],
    ids=["hog", "colour"],
)
def test_a_ridge_is_better_than_the_mean_and_says_how_sure_it_is(source, make):
    rival = make(GALAXY_ZOO_2).fit(source)
    batch = source.part("test").take(torch.arange(80), 0)
    votes = GALAXY_ZOO_2.stacked(dict(batch.truth))
    shares = votes / 40
    prediction = rival.predict(batch)
    found = VoteFractions(GALAXY_ZOO_2).score(prediction, batch.truth)
    learnt = GALAXY_ZOO_2.stacked(dict(source.part("train").take(torch.arange(200), 0).truth))
    mean = (learnt / 40).mean(0).expand_as(shares)
    assert found["rmse_fractions"] < 0.95 * rmse(mean, shares)
    assert found["pit_ks_votes"] < 0.15
    answer = prediction["votes"]
    assert isinstance(answer, Votes)
    assert torch.allclose(GALAXY_ZOO_2.total(answer.fractions), torch.ones(80, 11), atol=1e-4)
    empty = replace(batch, variance=torch.full_like(batch.values, torch.inf))
    assert bool(rival.predict(empty)["votes"].fractions.isnan().all())


def test_methods_that_predict_votes_are_compared(source):
    rival = FeatureRidge(GALAXY_ZOO_2, [ColourHistogram()]).fit(source)
    one, other = VoteFractions(GALAXY_ZOO_2), source.part("test")
    found = compare({"net": rival, "colour": rival}, one, other, name="votes", progress=False)
    assert found.scores["net"] == found.scores["colour"]
    assert found.scores["net"]["unmeasured"] == 0


def test_an_svm_answers_with_votes():
    source = candels(objects={"train": 200, "validation": 80, "test": 80}, seed=1)
    rival = DominantSvm(CANDELS).fit(source)
    batch = source.part("test").take(torch.arange(80), 0)
    found = VoteFractions(CANDELS).score(rival.predict(batch), batch.truth)
    assert found["dominant_error"] < 0.5
    assert {"completeness_spheroid", "purity_disc"} <= set(found)
    with pytest.raises(ValueError, match="a tree of 11 questions; the dominant class is of one"):
        DominantSvm(GALAXY_ZOO_2)
    built = candels_morphology.candels_morphology(source)
    net = built.net.eval()
    with torch.no_grad():
        answer = built.task.predict(net, batch)
    assert isinstance(answer, Prediction)
    assert answer["votes"].fractions.shape == (80, 5)
