"""photoz: its first layer's symmetries, its mock sky, and the whole chain on a few galaxies."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepfield.nets.ring_colours import RingColours
from deepfield.nouns.batch import Batch
from deepfield.nouns.posterior import Posterior, wrapped
from deepfield.recipes import photoz as recipe
from deepfield.sky.surveys import sdss_ugriz
from deepfield.train.loop import fit

FEW = {"train": 768, "validation": 128, "test": 256}


@pytest.fixture(scope="module")
def source():
    return recipe.mock(objects=FEW, seed=0)


@pytest.fixture(scope="module")
def batch(source):
    return source.part("test").take(torch.arange(24), 0)


@pytest.fixture(scope="module")
def layer(source):
    layer = RingColours(5, recipe.SIZE)
    layer.standardise([source.take(torch.arange(128), 0)])
    return layer


def changed(batch: Batch, change) -> Batch:
    assert batch.variance is not None
    return replace(batch, values=change(batch.values), variance=change(batch.variance))


def test_turned_stamps_say_the_same_in_another_direction(layer, batch):
    numbers, frame = layer(batch)
    turned, other = layer(changed(batch, lambda x: x.rot90(1, (-2, -1))))
    assert torch.allclose(numbers, turned, atol=2e-3)
    way = wrapped(other.position_angle - frame.position_angle - 90)
    assert float(way.abs().max()) < 0.01


def test_mirrored_stamps_differ_only_in_what_is_skew(layer, batch):
    numbers = layer._numbers(batch)[0]
    mirrored = layer._numbers(changed(batch, lambda x: x.flip(-1)))[0]
    skew = slice(-layer.turning, None)
    assert torch.allclose(numbers[:, : -layer.turning], mirrored[:, : -layer.turning], atol=1e-3)
    assert torch.allclose(numbers[:, skew], -mirrored[:, skew], atol=1e-3)


def test_colours_are_those_of_the_light_whatever_the_noise():
    y, x = torch.meshgrid(*2 * [torch.arange(64.0) - 31.5], indexing="ij")
    light = 1e6 * torch.exp(-torch.hypot(x, 1.5 * y) / 5)
    ratio = torch.tensor([1.0, 2.0, 8.0])[:, None, None]
    noise = torch.tensor([1.0, 3.0, 0.5])[:, None, None]
    stamp = Batch(
        np.array(["a"]), (light * ratio)[None], ("g", "r", "i"), variance=noise.square()[None]
    )
    layer = RingColours(3, 64)
    numbers = layer._numbers(stamp)[0][0]
    shape = layer.flat + 2 * layer.turning
    shade = numbers[:-shape][-2 * (layer.flat + 4) :].reshape(2, -1)
    bright = shade[:, :6], shade[:, -4:]
    for part in bright:  # faint rings are no longer logarithmic
        assert torch.allclose(part, torch.tensor([[0.5], [0.25]]).log(), atol=0.01)


def test_lost_pixels_are_taken_from_the_other_side(layer, source):
    light = source.part("test")._noiseless(torch.arange(8)).image
    light = (light + light.flip((-2, -1))) / 2
    whole = Batch(
        np.arange(8).astype(str), light, source.channels, variance=torch.full_like(light, 1e4)
    )
    variance = whole.variance.clone()
    variance[:, :, 20:30, 33:36] = torch.inf
    spoilt = replace(whole, values=light.masked_fill(variance.isinf(), 1e9), variance=variance)
    assert torch.allclose(layer(whole)[0], layer(spoilt)[0], atol=0.02)


@pytest.mark.parametrize("make", [lambda: RingColours(1), lambda: RingColours(2, 32)])
def test_what_is_no_colour_image_is_refused(make, batch):
    with pytest.raises(ValueError, match="expected"):
        make()(batch)


def test_the_mock_has_the_colours_of_the_main_sample():
    sky = recipe.mock(objects={}, seed=0).sky
    truth = sky.profiles(np.arange(3000), sdss_ugriz(), seed=1, split="train")[1]
    colour = {
        a + b: truth[f"magnitude_{a}"] - truth[f"magnitude_{b}"] for a, b in ("gr", "ri", "iz")
    }
    # Medians of 5000 galaxies of SDSS DR7 with r < 17.8.
    for name, median in {"gr": 0.83, "ri": 0.40, "iz": 0.29}.items():
        assert abs(float(colour[name].median()) - median) < 0.07


def test_edge_on_galaxies_are_redder_at_the_same_redshift():
    sky = recipe.mock(objects={}, seed=0).sky
    truth = sky.profiles(np.arange(6000), sdss_ugriz(), seed=1, split="train")[1]
    near = (truth["redshift"] > 0.08) & (truth["redshift"] < 0.12)
    colour = truth["magnitude_g"] - truth["magnitude_r"]
    edge_on, face_on = near & (truth["axis_ratio"] < 0.35), near & (truth["axis_ratio"] > 0.8)
    assert float(colour[edge_on].median() - colour[face_on].median()) > 0.05


def test_a_few_galaxies_teach_redshifts(source):
    made = recipe.photoz(source, epochs=6, batch_size=64, members=2, width=96)
    fit(made.net, made.task, source, made.training, progress=False)
    batch = source.part("test").take(torch.arange(FEW["test"]), 0)
    with torch.no_grad():
        prediction = made.task.predict(made.net, batch)
    posterior = prediction["posterior"]
    assert isinstance(posterior, Posterior) and posterior.names == ("redshift",)
    assert batch.truth is not None
    scores = made.task.score(prediction, batch.truth)
    true = batch.truth["redshift"]
    spread = 1.4826 * float((true - true.median()).abs().median())
    assert scores["sigma_mad"] < 0.6 * spread
    assert abs(scores["bias"]) < 0.02 and scores["pit_ks"] < 0.3
    assert {claim.metric.removesuffix("_ratio") for claim in made.claims} <= set(scores)
