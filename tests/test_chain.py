"""The whole path on a small sky: simulate, train, evaluate, predict; and on files."""

import json

import numpy as np
import pytest
import torch
from astropy.io import fits
from astropy.nddata import NDData, StdDevUncertainty
from astropy.table import Table

from deepfield.data.hdf5 import open_hdf5
from deepfield.data.tables import read_table
from deepfield.nouns.flags import Flag
from deepfield.verbs.evaluate import evaluate
from deepfield.verbs.predict import predict
from deepfield.verbs.simulate import simulate
from deepfield.verbs.train import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Bright galaxies as FITS cubes with a table, and a run on them."""
    folder = tmp_path_factory.mktemp("chain")
    source = open_hdf5(simulate("morphology", objects=400, out=folder / "sky.h5", seed=5))
    batch = source.take(torch.arange(400), 0)
    truth = batch.truth
    # Two kinds that are told apart quickly, where they can be.
    rows = ((truth["kind"] == 1) | (truth["kind"] == 4)) & (truth["visible"] > 0.5)
    some = batch.take(rows.nonzero()[:, 0])
    (folder / "stamps").mkdir()
    for name, image in zip(some.ids, some.values, strict=True):
        fits.writeto(folder / "stamps" / f"{name}.fits", image.numpy())
    kinds = np.where(some.truth["kind"] == 1, "edge_on", "irregular")
    Table({"object_id": some.ids, "kind": kinds}).write(folder / "labels.csv")
    train(
        "morphology",
        out=folder / "run",
        images=folder / "stamps",
        labels=folder / "labels.csv",
        from_nothing=True,
        epochs=15,
        batch_size=16,
    )
    return folder


def test_a_run_directory_holds_what_it_was(folder):
    run = json.loads((folder / "run" / "run.json").read_text())
    assert run["recipe"] == "morphology" and run["settings"]["epochs"] == 15
    assert run["settings"]["views"] == 4  # defaults are kept too
    assert {"train", "validation", "test"} <= set(run["split"])
    for name in ("history.csv", "history.png", "model.safetensors"):
        assert (folder / "run" / name).stat().st_size > 0


def test_it_learns_and_is_judged_beside_its_rivals(folder):
    scores = evaluate("morphology", run=folder / "run", out=folder / "judged")
    assert scores == json.loads((folder / "judged" / "scores.json").read_text())
    methods = scores["scores"]
    assert set(methods) == {"net", "hog_svm", "morphometry_svm", "morphometry_forest"}
    assert methods["net"]["accuracy"] > 0.75
    for found in methods.values():
        assert {"accuracy", "auroc", "tpr0", "tpr10", "calibration_error"} <= set(found)
    assert "<html" in (folder / "judged" / "report.html").read_text()
    run = json.loads((folder / "run" / "run.json").read_text())
    assert scores["objects"] == len(run["split"]["test"])


def test_objects_of_the_training_are_never_judged_on(folder):
    scores = evaluate(
        "morphology",
        run=folder / "run",
        images=folder / "stamps",
        labels=folder / "labels.csv",
        out=folder / "all",
    )
    run = json.loads((folder / "run" / "run.json").read_text())
    seen = len(run["split"]["train"]) + len(run["split"]["validation"])
    assert scores["objects"] == len(read_table(folder / "labels.csv")) - seen
    assert f"{seen} more that the run trained on" in (folder / "all" / "report.html").read_text()


def test_a_catalogue_keeps_every_row_also_of_broken_files(folder):
    broken = folder / "broken"
    broken.mkdir()
    good = sorted((folder / "stamps").glob("*.fits"))[:3]
    for file in good:
        (broken / file.name).write_bytes(file.read_bytes())
    (broken / "cut.fits").write_bytes(good[0].read_bytes()[:5000])
    (broken / "empty.jpg").write_bytes(b"")
    fits.writeto(broken / "nan.fits", np.full((3, 64, 64), np.nan, np.float32))
    weights = folder / "run" / "model.safetensors"
    for suffix in ("parquet", "fits", "csv"):
        out = folder / f"catalogue.{suffix}"
        table = predict("morphology", images=broken, weights=weights, out=out)
        assert len(table) == 6
        flags = dict(zip(table["object_id"], table["flags"], strict=True))
        assert flags["cut"] & Flag.UNREADABLE and flags["empty"] & Flag.UNREADABLE
        assert flags["nan"] & Flag.NO_PIXELS
        lost = np.isnan(np.asarray(table["kind_edge_on"]))
        assert lost.sum() == 3
        assert set(np.asarray(table["kind"])[lost]) == {""}
        read = read_table(out)
        assert list(read["object_id"]) == list(table["object_id"])
        # From memory the same images give the same answers.
    arrays = [fits.getdata(file).astype(np.float32) for file in good]
    again = predict("morphology", images=arrays, weights=weights)
    noisy = [NDData(a, uncertainty=StdDevUncertainty(np.full_like(a, a.std()))) for a in arrays]
    with_noise = predict("morphology", images=noisy, weights=weights)
    assert not (np.asarray(with_noise["flags"]) & int(Flag.VARIANCE_ESTIMATED)).any()
    with pytest.raises(ValueError, match="cannot write"):
        predict("morphology", images=arrays, weights=weights, out=folder / "catalogue.txt")
    rows = [list(table["object_id"]).index(file.stem) for file in good]
    assert np.allclose(again["kind_edge_on"], np.asarray(table["kind_edge_on"])[rows], atol=1e-4)
