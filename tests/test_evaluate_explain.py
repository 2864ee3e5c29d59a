"""evaluate --explain: attribution methods judged where the evidence is known."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from explained import Pixels, batch_of, seeded
from torch import nn

from deepfield.data.simulated import Simulated
from deepfield.evaluate.attribution import (
    SHUFFLED,
    UNTRAINED,
    Examined,
    changes,
    default,
    judge,
    pointed,
)
from deepfield.evaluate.compare import NET, compare
from deepfield.evaluate.evidence import companions, distinct, support
from deepfield.evaluate.scores_json import scores_json
from deepfield.explain.coarse_methods import COARSE
from deepfield.explain.smooth_galaxy import smooth_galaxy
from deepfield.nets.network import Network, stretched_channels
from deepfield.nets.thin import thin
from deepfield.nouns.batch import Truth
from deepfield.nouns.prediction import Classes, Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.recipes import morphology
from deepfield.report.evidence import evidence_parts, methods_table
from deepfield.report.page import page
from deepfield.scores.attribution import pointing_game
from deepfield.sky.kinds import Kinds
from deepfield.sky.surveys import sdss
from deepfield.tasks.classification import Classification
from deepfield.train.trained import Trained
from deepfield.verbs import _judged
from deepfield.verbs._judged import judged
from deepfield.verbs.evaluate import evaluate

SIDE = 24


def spots(objects=24, seed=0):
    """Noise with a bright spot at a place that the class does not depend on."""
    generator = torch.Generator().manual_seed(seed)
    values = 0.1 * torch.randn(objects, 2, SIDE, SIDE, generator=generator)
    places = torch.randint(3, SIDE - 3, (objects, 2), generator=generator)
    truth = torch.zeros(objects, SIDE, SIDE)
    for number, (y, x) in enumerate(places.tolist()):
        truth[number, y - 1 : y + 2, x - 1 : x + 2] = 1
    return batch_of(values + truth[:, None]), truth


def brightness(net, batch, what):
    return batch.values.sum(1)


def weighed(net, batch, what):
    """Flux times the network's weights: knows what it has learnt."""
    return (batch.values * net[1].weight.reshape(1, 2, SIDE, SIDE)).sum(1)


def total():
    """A network whose answer is the sum of all pixels of the first class's weights."""

    def build():
        net = Pixels(nn.Flatten(), nn.Linear(2 * SIDE**2, 1))
        net[1].weight.data.fill_(0.2)
        return net

    return seeded(0, build)


@pytest.fixture(scope="module")
def scores():
    net, (batch, truth) = total(), spots()
    examined = Examined(
        batch,
        ("spot",) * len(batch),
        support=support(truth),
        distinct=distinct(truth, batch.values[:, 1]),
        companions=torch.zeros_like(truth, dtype=torch.bool),
        parts=("disc",) * len(batch),
    )
    noise = seeded(5, lambda: Pixels(nn.Flatten(), nn.Linear(2 * SIDE**2, 1)))
    elsewhere = torch.rand(len(batch), SIDE, SIDE, generator=torch.Generator().manual_seed(3))

    def lost(net, batch, what):
        return elsewhere[: len(batch)]

    return judge(
        {"weighed": weighed, "brightness": brightness, "lost": lost},
        net,
        examined,
        probability=lambda some, what: torch.sigmoid(net(some)[:, 0] - 2),
        blank=torch.zeros_like(batch.values),
        forgetful={SHUFFLED: noise, UNTRAINED: noise},
    )


def test_a_method_that_finds_the_evidence_beats_chance(scores):
    good, lost = scores["weighed"], scores["lost"]
    assert good["pointing_game"] == good["pointing_game_disc"] == 1
    assert good["pointing_game_distinct"] == 1 and good["overlap"] > 0.6
    assert lost["pointing_game_distinct"] < 0.4
    assert good["deletion"] < 0.7 < 1.15 < good["insertion"]
    assert lost["deletion"] == pytest.approx(1, abs=0.15)
    assert lost["insertion"] == pytest.approx(1, abs=0.15)
    assert np.isnan(good["on_companion"])  # nobody has one


def test_what_does_not_ask_the_network_does_not_pass(scores):
    assert scores["brightness"]["sanity"] == pytest.approx(1)
    assert not changes(scores["brightness"])
    assert abs(scores["weighed"]["sanity"]) < 0.5 and changes(scores["weighed"])
    assert default(scores) == "weighed"
    # Where nothing passes, the least bad is shown.
    assert default({"a": {"sanity": 0.9}, "b": {"sanity": -0.7}}) == "b"
    assert not changes({"sanity": float("nan")})


def test_answers_come_in_the_order_of_the_objects():
    batch, _ = spots(6)
    asked = ("b", "a", "b", "c", "a", "b")
    found = Examined(batch, asked).apply(
        lambda some, what: some.values[:, 0, 0, 0] + 100 * ord(what)
    )
    expected = batch.values[:, 0, 0, 0] + 100 * torch.tensor([ord(what) for what in asked])
    assert torch.equal(found, expected)
    with pytest.raises(ValueError, match="5 classes for 6 objects"):
        Examined(batch, asked[:5])


def test_a_map_on_a_neighbour_is_seen_to_be_there():
    batch, truth = spots()
    beside = truth.roll((9, 9), (1, 2))
    light = batch.values[:, 1] + 5 * beside
    pixels = companions(5 * beside, light, torch.full((len(batch), 1, 1), 0.1))
    assert bool((pixels == (beside > 0)).all())
    examined = Examined(batch, ("spot",) * len(batch), companions=pixels)
    assert pointed(light, examined) == {"on_companion": 1.0}
    assert pointed(truth, examined)["on_companion"] == 0


def mock(objects=40):
    maps = ("arm", "bar", "clump", "companion")
    sky = Simulated(sdss(), {"test": objects}, seed=3, sky=Kinds(), maps=maps, split="test")
    return sky, sky.take(torch.arange(objects), 0)


@pytest.fixture(scope="module")
def sky():
    return mock()


def test_the_middle_hits_arms_but_not_where_they_are_distinct(sky):
    _, batch = sky
    truth = batch.truth
    rows = (truth["kind"] == 2) & (truth["visible"] > 0.5)
    arms, light = truth["arm"][rows], batch.values[rows, 1]
    middle = torch.zeros_like(arms)
    middle[:, 31:33, 31:33] = 1
    assert pointing_game(middle, support(arms), tolerance=4) > 0.9
    assert pointing_game(middle, distinct(arms, light), tolerance=2) < 0.6


def test_a_smooth_galaxy_is_smooth(sky):
    y, x = torch.meshgrid(torch.arange(64) - 31.5, torch.arange(64) - 31.5, indexing="ij")
    turned = torch.deg2rad(torch.tensor(30.0))
    along, across = x * turned.cos() + y * turned.sin(), y * turned.cos() - x * turned.sin()
    disc = 100 * torch.exp(-(along**2 + (across / 0.5) ** 2).sqrt() / 5)[None, None]
    inside = (disc > 1) & (disc < 60)  # the nucleus is thinner than an annulus
    assert float((smooth_galaxy(disc) / disc - 1)[inside].abs().median()) < 0.1
    spotted = disc.clone()
    spotted[..., 40:43, 40:43] += 50
    assert float((smooth_galaxy(spotted) - disc).abs()[..., 40:43, 40:43].max()) < 8
    _, batch = sky
    smooth = smooth_galaxy(batch.values)
    assert smooth.shape == batch.values.shape and bool(smooth.isfinite().all())
    noise = torch.full((1, 1, 64, 64), torch.nan)
    assert bool((smooth_galaxy(noise) == 0).all())


@pytest.fixture(scope="module")
def compared(sky):
    """An untrained network of the recipe, that is taken to be right about everything."""
    source, _ = sky
    kind = source.quantity("kind")
    torch.manual_seed(0)
    net = Network(thin(stretched_channels(3), (4, 4, 4, 4)), outputs=5, channels=3)
    trained = Trained(net, Classification(kind), None, ("g", "r", "i"), 64)

    class Right:
        def predict(self, batch):
            sure = nn.functional.one_hot(batch.truth["kind"], 5) * 0.9 + 0.02
            return Prediction({"kind": Classes(kind, sure)})

    return trained, compare(
        {NET: Right()}, Classification(kind), source, name="toy", progress=False
    )


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(_judged, "EACH", 1)
    cheap = ("saliency", "grad_cam")
    monkeypatch.setattr(_judged, "COARSE", {name: COARSE[name] for name in cheap})
    return cheap


def test_every_method_has_scores_and_the_report_a_panel(quick, compared, sky):
    trained, comparison = compared
    found = judged(trained, comparison, morphology, sky[0], seed=0)
    scores = scores_json(comparison, explain=found.content)
    json.dumps(scores, allow_nan=False)
    assert tuple(scores["explain"]) == quick
    for method in scores["explain"].values():
        wanted = {"pointing_game", "deletion", "insertion", "sanity", "sanity_untrained"}
        assert wanted <= set(method) and 0 <= method["pointing_game"] <= 1
        assert {f"pointing_game_{part}" for part in ("arm", "bar", "clump")} <= set(method)
    assert scores["explain_default"] in quick
    assert scores["explain_controls"]["middle_of_the_stamp"]["pointing_game"] > 0.5
    html = page("", found.parts)
    assert "Which explanation to believe" in html and html.count("What it looked at") == 2


def test_labelled_images_without_truth_maps_are_judged_by_deletion(quick, compared, sky):
    trained, comparison = compared
    bare = replace(
        comparison.batch, truth=Truth({sky[0].quantity("kind"): comparison.truth["kind"]})
    )
    plain = SimpleNamespace(ids=bare.ids)
    found = judged(trained, replace(comparison, batch=bare), morphology, plain, seed=0)
    for method in found.content["explain"].values():
        assert "pointing_game" not in method and method["deletion"] > 0
    assert found.content["explain_objects"] == 5  # one of each class
    assert found.content["explain_controls"] == {}
    assert "pointing" not in page("", [methods_table(found.content)])


def test_a_regression_has_no_class_to_explain(compared, sky):
    trained, comparison = compared
    unknown = Truth({Quantity("redshift"): torch.zeros(len(comparison.batch))})
    odd = replace(comparison, batch=replace(comparison.batch, truth=unknown))
    with pytest.raises(ValueError, match="one classification"):
        judged(trained, odd, morphology, sky[0], seed=0)


def test_every_attribution_method_is_judged():
    assert set(COARSE) >= {
        "saliency", "gradient_times_input", "integrated_gradients", "occlusion", "grad_cam",
        "deconvnet", "guided_backpropagation",
    }  # fmt: skip


def test_a_page_without_objects_has_its_table():
    content = {
        "explain": {"saliency": {"deletion": 0.5, "insertion": 1.0, "sanity": 0.1}},
        "explain_controls": {},
        "explain_default": "saliency",
        "explain_objects": 3,
    }
    assert [part.title for part in evidence_parts(content, {"surest": []}, ["g"])] == [
        "Which explanation to believe"
    ]


def test_the_verb_adds_explanations_to_scores_and_report(quick, monkeypatch, tmp_path):
    build = morphology.morphology
    alone = lambda *given, **settings: replace(build(*given, **settings), rivals={})  # noqa: E731
    monkeypatch.setattr(morphology, "morphology", alone)
    scores = evaluate("morphology", out=tmp_path, objects=40, seed=2, explain=True)
    assert scores == json.loads((tmp_path / "scores.json").read_text())
    assert tuple(scores["explain"]) == quick and scores["explain_objects"] == 3
    assert scores["explain"]["saliency"]["pointing_game_bar"] in (0, 1)
    assert "Which explanation to believe" in (tmp_path / "report.html").read_text()
