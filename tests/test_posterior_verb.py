"""`deepfield evaluate` of a recipe that measures: its files, whatever the network learnt."""

import json
from dataclasses import asdict
from functools import partial

import numpy as np
import pytest

from deepfield.data.tables import read_table
from deepfield.recipes import structure as recipe
from deepfield.verbs.evaluate import evaluate
from deepfield.weights.files import Card, predictor, save

SETTINGS = {"width": 16, "blocks": 1, "components": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of a network that has learnt nothing, and its evaluation."""
    folder = tmp_path_factory.mktemp("measured")
    source = recipe.mock(objects={"train": 8, "validation": 8}, seed=0)
    built = recipe.structure(source, **SETTINGS)
    trained = predictor(built, channels=source.channels, size=recipe.SIZE)
    card = Card(
        recipe="structure",
        settings=SETTINGS,
        channels=source.channels,
        quantities=tuple(asdict(quantity) for quantity in built.task.quantities),
        data="nothing",
        objects=8,
        seed=0,
        commit="none",
    )
    save(trained, card, folder / "model.safetensors")
    (folder / "run.json").write_text(json.dumps({"images": None}))
    with pytest.MonkeyPatch.context() as patch:  # the slow ones look at a few
        slow = partial(recipe.PyimfitBulgeDisc, affordable=2)
        patch.setattr(recipe, "PyimfitBulgeDisc", slow)
        patch.setattr(recipe, "Corrected", partial(recipe.Corrected, affordable=8))
        evaluate("structure", run=folder, out=folder / "judged", objects=96, seed=3)
    return folder / "judged"


def test_scores_of_every_quantity_are_written(folder):
    content = json.loads((folder / "scores.json").read_text())
    assert content["objects"] == 96
    net = content["scores"]["net"]
    for name in ("magnitude", "bulge_to_total", "log_radius_bulge", "sersic_index_bulge"):
        assert net[f"rmse_{name}"] > 0
        low, high = content["intervals"]["net"][f"coverage_68_{name}"]
        assert 0 <= low <= net[f"coverage_68_{name}"] <= high <= 1
    assert {"tarp_ks", "joint_ks", "pit_ks_magnitude"} <= set(net)


def test_every_object_has_its_truth_and_its_limits(folder):
    table = read_table(folder / "predictions.parquet")
    assert len(table) == 96
    for name in ("bulge_to_total", "radius_disc"):
        low, high = table[f"net_{name}_lower95"], table[f"net_{name}_upper95"]
        assert (np.asarray(low) < np.asarray(table[f"net_{name}"])).all()
        assert (np.asarray(table[f"net_{name}"]) < np.asarray(high)).all()
        assert np.isfinite(np.asarray(table[name])).all()


def test_the_report_shows_calibration_and_degeneracy(folder):
    html = (folder / "report.html").read_text()
    for title in ("Predicted against true", "Do the intervals keep", "What hangs together"):
        assert title in html
    assert "96 objects of the mock sky, seed 3" in html
