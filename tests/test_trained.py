"""Trained networks as predictors: the domain, missing objects, weights files."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from deepfield.data.blank import Blank
from deepfield.data.simulated import Simulated
from deepfield.nouns.flags import Flag
from deepfield.nouns.quantity import Quantity
from deepfield.recipes.morphology import morphology
from deepfield.sky.surveys import sdss
from deepfield.weights.files import Card, load, predictor, save

OBJECTS = {"train": 96, "validation": 48, "test": 32}
SETTINGS = {"epochs": 2, "batch_size": 32, "zoom": 1.0, "shift": 0.0}


@pytest.fixture(scope="module")
def source():
    return Simulated(sdss(), OBJECTS, seed=2)


@pytest.fixture(scope="module")
def trained(source):
    recipe = morphology(source, **SETTINGS)
    return predictor(recipe, channels=source.channels, size=64).fit(source)


@pytest.fixture(scope="module")
def card(source):
    kind = source.quantity("kind")
    quantity = {"name": kind.name, "classes": kind.classes, "description": kind.description}
    return Card("morphology", SETTINGS, source.channels, (quantity,), "mock", 96, 2, "none")


def test_answers_do_not_depend_on_batches(trained, source):
    batch = source.part("test").take(torch.arange(32), 0)
    together = trained.predict(batch)
    order = torch.randperm(32, generator=torch.Generator().manual_seed(0))
    # A rank among 48 objects moves in steps when a distance moves in its last digit.
    for name, tolerance in (("kind", 1e-4), ("out_of_domain", 2.1 / 48)):
        table = together[name].columns()
        alone = [trained.predict(batch.take(i[None]))[name].columns() for i in order]
        for column in table.colnames[1:] or table.colnames:
            other = np.concatenate([t[column] for t in alone])
            assert np.allclose(np.asarray(table[column])[order], other, atol=tolerance)


def test_noise_is_out_of_domain_and_the_mock_sky_is_not(trained, source):
    batch = source.part("test").take(torch.arange(32), 0)
    inside = trained.predict(batch)["out_of_domain"].values
    # Bright random pixels are like no galaxy.
    batch.values.copy_(300 * torch.randn(batch.values.shape).abs() * batch.variance.sqrt())
    outside = trained.predict(batch)["out_of_domain"].values
    assert inside.median() < 0.9
    assert outside.min() > inside.median()


def test_objects_without_pixels_get_nan_and_others_do_not_change(trained, source):
    batch = source.part("test").take(torch.arange(8), 0)
    before = trained.predict(batch)["kind"].probabilities
    batch.flags[3] = int(Flag.UNREADABLE)
    batch.variance[5] = torch.inf
    after = trained.predict(batch)["kind"].probabilities
    assert after[[3, 5]].isnan().all()
    others = [0, 1, 2, 4, 6, 7]
    assert torch.equal(before[others], after[others])


def test_other_bands_and_sizes_are_refused(trained):
    one_band = Simulated(sdss().select(("r",)), {"test": 1}, split="test")
    with pytest.raises(ValueError, match="1 bands"):
        trained.predict(one_band.take(torch.arange(1), 0))
    small = Simulated(sdss(), {"test": 1}, split="test", size=48)
    with pytest.raises(ValueError, match="48 px"):
        trained.predict(small.take(torch.arange(1), 0))


def test_weights_come_back_the_same(trained, source, card, tmp_path):
    path = tmp_path / "model.safetensors"
    save(trained, card, path)
    again, read = load(path)
    assert read.settings == SETTINGS and tuple(read.channels) == ("g", "r", "i")
    batch = source.part("test").take(torch.arange(16), 0)
    first, second = trained.predict(batch), again.predict(batch)
    # The convolutions' memory layout may differ, and with it the last digits.
    assert torch.allclose(first["kind"].probabilities, second["kind"].probabilities, atol=1e-6)
    assert torch.allclose(
        first["out_of_domain"].values, second["out_of_domain"].values, atol=2.1 / 48
    )


def test_a_pickle_is_refused_without_being_read(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match="pickle") as error:
        load(path)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "exploded").exists()


def test_weights_of_another_net_are_refused(trained, source):
    two = Quantity("kind", classes=("a", "b"))
    other = predictor(
        morphology(Blank(source.channels, (two,))), channels=source.channels, size=64
    )
    with pytest.raises(ValueError, match="another network"):
        other.restore(trained.tensors())


def test_pooled_views_do_not_change_when_the_image_turns(trained, source):
    batch = source.part("test").take(torch.arange(6), 0)
    whole = replace(trained, views=8)
    turned = replace(
        batch,
        values=batch.values.rot90(1, (-2, -1)).flip(-1),
        variance=batch.variance.rot90(1, (-2, -1)).flip(-1),
    )
    first, second = (whole.predict(b)["kind"].probabilities for b in (batch, turned))
    assert torch.allclose(first, second, atol=1e-5)
    one = replace(trained, views=1)
    alone = [one.predict(b)["kind"].probabilities for b in (batch, turned)]
    assert not torch.allclose(*alone, atol=1e-5)
    with pytest.raises(ValueError, match="1 to 8"):
        replace(trained, views=9).predict(batch)
