"""deepfield explain: maps on the sky, a page, and bad input before any work."""

import inspect
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from pictures import picture, says

from deepfield import cli
from deepfield.data.hdf5 import write_hdf5
from deepfield.data.labelled import LabelledImages
from deepfield.data.simulated import Simulated
from deepfield.data.tables import read_table
from deepfield.explain.methods import METHODS, Setting
from deepfield.explain.target import log_odds
from deepfield.nouns.flags import Flag
from deepfield.recipes.morphology import SIZE, morphology
from deepfield.sky.surveys import sdss
from deepfield.train.domain import Domain
from deepfield.train.nearest import nearest
from deepfield.verbs._layers import LAYER_METHODS
from deepfield.verbs.explain import explain
from deepfield.weights.files import Card, load, predictor, save
from deepfield.weights.learnt import learnt_from

SIDE, EXTENT = 90, 80.0
KINDS = ("smooth", "spiral")


def galaxy(number):
    generator = np.random.default_rng(number)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    angle = np.arctan2(y, x) * (1 + number % 2) + number
    light = 40 * np.exp(-np.hypot(x, y) / 8) * (1 + 0.5 * (number % 2) * np.cos(angle))
    return (light + generator.normal(size=(3, SIDE, SIDE))).astype(np.float32)


def header():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [40.0, -20.0]
    wcs.wcs.crpix, wcs.wcs.cdelt = [30.0, 50.0], [-1e-4, 1e-4]
    return wcs.to_header()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run directory on images with a WCS, as `train` leaves one, without the training."""
    folder = tmp_path_factory.mktemp("run")
    names = [f"g{number}" for number in range(40)]
    for number, name in enumerate(names):
        (folder / "stamps").mkdir(exist_ok=True)
        fits.writeto(folder / "stamps" / f"{name}.fits", galaxy(number), header())
    labels = folder / "labels.csv"
    Table({"object_id": names, "kind": [KINDS[n % 2] for n in range(40)]}).write(labels)
    source = LabelledImages.open(folder / "stamps", labels, size=SIZE, extent=EXTENT)
    built = morphology(source)
    trained = predictor(built, channels=source.channels, size=SIZE)
    domain = Domain.fit(*(trained.features(source.part(s), 99) for s in ("train", "validation")))
    question = source.quantity("kind")
    card = Card("morphology", morphology.__kwdefaults__, source.channels,
                ({"name": "kind", "classes": question.classes, "description": ""},),
                "40 labelled objects", len(source.part("train")), 0, "test")  # fmt: skip
    save(replace(trained, domain=domain), card, folder / "model.safetensors")
    said = {"images": str(folder / "stamps"), "labels": str(labels), "target": None,
            "extent": EXTENT, "fold": 0, "folds": 5}  # fmt: skip
    (folder / "run.json").write_text(json.dumps(said))
    return folder


@pytest.fixture(scope="module")
def given(run, tmp_path_factory):
    """Three galaxies to explain, and two files that hold none."""
    folder = tmp_path_factory.mktemp("given")
    for number in (3, 4, 7):
        fits.writeto(folder / f"g{number}.fits", galaxy(number), header())
    fits.writeto(folder / "nan.fits", np.full((3, SIDE, SIDE), np.nan, np.float32))
    (folder / "broken.fits").write_bytes(b"SIMPLE")
    return folder


def told(run, given, out, **more):
    return explain("morphology", images=given, weights=run / "model.safetensors", out=out,
                   extent=EXTENT, **more)  # fmt: skip


@pytest.fixture(scope="module")
def whole(run, given, tmp_path_factory):
    out = tmp_path_factory.mktemp("explained")
    return told(run, given, out, method="gradient_times_input"), out


def test_from_files_to_maps(run, given, whole):
    table, out = whole
    again = read_table(out / "explained.csv")
    assert list(again["object_id"]) == ["broken", "g3", "g4", "g7", "nan"]
    trained, _ = load(run / "model.safetensors")
    source = LabelledImages.open(given, size=SIZE, extent=EXTENT, strict=False)
    probabilities = trained.predict(source.take(torch.arange(5), 0))["kind"].probabilities
    for row in (1, 2, 3):
        # The most probable class, as predict says it.
        best = int(probabilities[row].argmax())
        assert table["what"][row] == KINDS[best]
        assert table["value"][row] == pytest.approx(float(probabilities[row, best]))
        with fits.open(out / table["map"][row]) as file:
            all_bands, apart = file["EVIDENCE"].data, file["BY_BAND"].data
            stamp, found = file["IMAGE"].data, WCS(file["EVIDENCE"].header)
            assert file[0].header["WHAT"] == table["what"][row]
        one = source.take(torch.tensor([row]), 0)
        assert np.allclose(stamp, one.values[0])
        target = log_odds(trained.net, trained.task, "kind", table["what"][row])
        true = METHODS["gradient_times_input"].explain(target, one, Setting(trained.net, ""))
        assert np.allclose(all_bands, true.whole[0], atol=1e-4)
        assert np.allclose(apart.sum(0), all_bands, atol=1e-4)
        shares = [table[f"share_channel_{band}"][row] for band in range(3)]
        assert shares == pytest.approx(np.abs(apart).sum((1, 2)) / np.abs(apart).sum(), abs=1e-3)
        y, x = np.unravel_index(all_bands.argmax(), all_bands.shape)
        assert (table["peak_x"][row], table["peak_y"][row]) == (x, y)
        # The stamp's pixel in the user's image, by hand, and its sky by the user's header.
        image_x, image_y = ((SIDE - EXTENT) / 2 + (p + 0.5) * EXTENT / SIZE - 0.5 for p in (x, y))
        sky = [float(c) for c in WCS(header()).all_pix2world(image_x, image_y, 0)]
        assert (table["peak_ra"][row], table["peak_dec"][row]) == pytest.approx(
            tuple(sky), abs=1e-8
        )
        assert np.allclose(found.all_pix2world(x, y, 0), sky, atol=1e-8)


def test_what_cannot_be_read_is_a_flagged_row_without_a_map(whole):
    table, out = whole
    flags = dict(zip(table["object_id"], table["flags"], strict=True))
    assert flags["broken"] & Flag.UNREADABLE and flags["nan"] & Flag.NO_PIXELS
    for row in (0, 4):
        assert table["map"][row] == "" and table["what"][row] == ""
        assert np.isnan([table["value"][row], table["peak_x"][row]]).all()
    assert sorted(p.name for p in (out / "maps").iterdir()) == [
        "g3.fits",
        "g4.fits",
        "g7.fits",
    ]
    assert "2 objects have no pixels" in (out / "report.html").read_text()


def test_occlusion_of_a_chosen_class_and_few_objects(run, given, tmp_path):
    table = told(run, given, tmp_path, what="smooth", most=2, window=32)
    assert len(table) == 2 and table["what"][1] == "smooth"
    with fits.open(tmp_path / table["map"][1]) as file:
        assert file[0].header["METHOD"] == "occlusion"
        # Covering all bands is not the sum of covering each.
        assert not np.allclose(file["BY_BAND"].data.sum(0), file["EVIDENCE"].data, rtol=0.01)
        found = file["EVIDENCE"].data
    trained, _ = load(run / "model.safetensors")
    source = LabelledImages.open(given, size=SIZE, extent=EXTENT, strict=False)
    other = METHODS["occlusion"].explain(
        log_odds(trained.net, trained.task, "kind", "spiral"),
        source.take(torch.tensor([1]), 0),
        Setting(trained.net, "", window=32),
    )
    # Of two classes, what speaks for the one speaks against the other.
    assert np.allclose(found, -other.whole[0], atol=1e-4)


def test_grad_cam_tells_no_bands_apart(run, given, tmp_path):
    table = told(run, given, tmp_path, method="grad_cam", layer="trunk.6", most=2)
    assert np.isnan(table["share_channel_0"]).all()
    with fits.open(tmp_path / table["map"][1]) as file:
        assert [hdu.name for hdu in file] == ["EVIDENCE", "IMAGE"]


def test_training_examples_are_found_again(run):
    weights = run / "model.safetensors"
    trained, card = load(weights)
    learnt = learnt_from(weights, card)
    part = learnt.part("train")
    batch = part.take(torch.tensor([5, 2]), 0)
    near = nearest(trained, learnt, batch, 3)
    assert near.same and near.searched == len(part)
    for place in range(2):
        first = int(near.rows[place, 0])
        assert near.examples.ids[first] == batch.ids[place]
        assert near.examples.truth["kind"][first] == batch.truth["kind"][place]
    assert float(near.distance[:, 0].max()) < 0.02
    assert bool((near.distance.diff(dim=1) >= 0).all())


def test_examples_that_have_changed_are_not_passed_off_as_the_old_ones(run, tmp_path):
    trained, _ = load(run / "model.safetensors")
    stamps = tmp_path / "stamps"
    stamps.mkdir()
    for number in range(40):
        fits.writeto(stamps / f"g{number}.fits", galaxy(number)[:, ::-1] * 0.1)
    changed = LabelledImages.open(stamps, run / "labels.csv", size=SIZE, extent=EXTENT)
    batch = changed.part("train").take(torch.tensor([5]), 0)
    near = nearest(trained, changed, batch, 3)
    assert not near.same
    assert near.examples.ids[int(near.rows[0, 0])] == batch.ids[0]


def test_weights_without_their_run_say_so(run, given, tmp_path):
    alone = tmp_path / "model.safetensors"
    alone.write_bytes((run / "model.safetensors").read_bytes())
    explain("morphology", images=given, weights=alone, out=tmp_path, extent=EXTENT,
            method="saliency", most=2)  # fmt: skip
    text = (tmp_path / "report.html").read_text()
    assert "cannot be shown" in text and "no run.json beside it" in text


def test_arrays_and_pictures_are_explained_too(run, tmp_path):
    arrays = galaxy(0)[None, :, 13:77, 13:77]
    table = explain("morphology", images=arrays, weights=run / "model.safetensors",
                    out=tmp_path / "a", method="deconvnet")  # fmt: skip
    assert list(table["object_id"]) == ["0"] and np.isnan(table["peak_ra"]).all()
    (tmp_path / "jpegs").mkdir()
    picture(tmp_path / "jpegs" / "one.png", size=SIDE)
    table = explain("morphology", images=tmp_path / "jpegs", weights=run / "model.safetensors",
                    out=tmp_path / "b", method="gradient_times_input")  # fmt: skip
    assert table["flags"][0] & Flag.DISPLAY_IMAGE


# Layers.


def test_feature_maps_lie_on_the_sky(run, given, tmp_path):
    table = told(run, given, tmp_path, method="feature_maps", layer="trunk.2", most=2)
    assert list(table["object_id"]) == ["g3"]
    with fits.open(tmp_path / table["map"][0]) as file:
        maps, small = file["FEATURES"].data, WCS(file["FEATURES"].header).celestial
        stamp = WCS(file["IMAGE"].header).celestial
    assert maps.shape == (16, 32, 32)
    # A 5 x 5 convolution with stride 2 and padding 2: unit i looks at pixel 2 i.
    assert np.allclose(small.all_pix2world(9, 4, 0), stamp.all_pix2world(18, 8, 0), atol=1e-8)
    assert f"map {table['strongest_map'][0]}" not in (tmp_path / "report.html").read_text()


def test_strongest_patches_and_atlas_have_pages(run, tmp_path):
    for method in ("strongest_patches", "atlas"):
        told(run, run / "stamps", tmp_path / method, method=method, layer="trunk.2")
        assert "data:image/png" in (tmp_path / method / "report.html").read_text()
    table = read_table(tmp_path / "strongest_patches" / "strongest_patches.csv")
    assert len(table) == 16 * 9 and set(table["rank"]) == set(range(1, 10))
    one = table[table["filter"] == 3]
    assert (np.diff(one["response"]) <= 0).all() and len(set(one["object_id"])) == 9
    cells = read_table(tmp_path / "atlas" / "atlas.csv")
    assert (cells["samples"] >= 5).all() and (cells["share"] >= 0.5).all()


def test_a_dream_makes_the_layer_answer_more(run, given, tmp_path):
    table = told(run, given, tmp_path, method="dream", what="spiral", most=2, layer="trunk.2")
    assert (table["energy_ratio"] > 1).all()
    with fits.open(tmp_path / table["map"][0]) as file:
        assert np.abs(file["ADDED"].data).max() > 0


# Bad input.


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "magic"}, ("no method 'magic'", "occlusion", "of a layer", "atlas")),
        ({"layer": "trunk.99"}, ("no layer 'trunk.99'", "trunk.0 (Conv2d)")),
        ({"what": "lens"}, ("no class 'lens'", "smooth, spiral")),
        ({"answer": "redshift"}, ("no answer 'redshift'", "kind")),
        ({"window": 65}, ("window of 65 px", "64 px")),
        ({"window": 0}, ("window of 0 px", "1 to 64 px")),
        ({"most": 0}, ("at most 0 objects", "expected at least 1")),
    ],
)
def test_bad_input_is_refused_before_any_work(run, tmp_path, wrong, message):
    with says(*message):
        # The images do not exist: nothing has been looked for yet.
        told(run, Path("nowhere"), tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()


def test_other_bad_input(run, given, tmp_path):
    with says("no recipe 'nothing'", "morphology"):
        explain("nothing", images=given, out=tmp_path)
    with says("2 bands", "trained on 3"):
        told(run, np.zeros((1, 2, 64, 64)), tmp_path)
    with says("has no maps", "choose one before"):
        told(run, given, tmp_path, method="feature_maps", layer="head")
    with says("nowhere", "found no files"):
        told(run, Path("nowhere"), tmp_path)
    large = Simulated(sdss(), {"test": 2}, size=80)
    with says("the stamps are 80 px", "64 px"):
        told(run, write_hdf5(large.part("test"), tmp_path / "large.h5"), tmp_path)
    blank = np.full((2, 3, 64, 64), np.nan)
    with says("none of 2 objects has pixels"):
        told(run, blank, tmp_path, method="feature_maps")


def test_help_names_every_method():
    words = inspect.getdoc(explain)
    for name in (*METHODS, *LAYER_METHODS):
        assert name in words
    assert all(annotated.__metadata__[-1].help
               for _, annotated, _ in cli.read("verbs", "explain").fields)  # fmt: skip
    for name, method in METHODS.items():
        assert method.shows, name
