"""Real votes: Galaxy Zoo 2's table of fractions becomes counts that belong to their pictures."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from deepfield.data.labelled import LabelledImages
from deepfield.data.tables import read_table
from deepfield.data.votes_table import BAD, tidy
from deepfield.nouns.galaxy_zoo import GALAXY_ZOO_2
from deepfield.scores.votes import rmse_irreducible

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("DEEPFIELD_DATA", ROOT.parent / "shared" / "data")) / "galaxy_zoo_votes"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the shared survey data are not here: set DEEPFIELD_DATA"
)


@pytest.fixture(scope="module")
def table():
    return tidy(read_table(DATA / "votes.csv"))


def test_every_galaxy_has_votes_that_can_be(table):
    votes = torch.from_numpy(np.stack([np.asarray(table[n]) for n in GALAXY_ZOO_2.columns], 1))
    assert len(table) == 807
    assert int(table[BAD].sum()) == 0
    volunteers = votes[:, :3].sum(1)
    assert float((volunteers - torch.tensor(table["total_classifications"])).abs().max()) <= 1
    # Of those who see features, all but the rounding are asked whether it is edge-on.
    gap = votes[:, 3:5].sum(1) - votes[:, 1]
    assert float(gap.abs().max()) <= 1
    least = rmse_irreducible(votes / volunteers[:, None], volunteers)
    assert 0.02 < least < 0.05


def test_votes_belong_to_pictures_and_to_their_labels(table):
    rows = table[:: len(table) // 40][:40]
    files = [DATA / name for name in rows["filepath"]]
    source = LabelledImages.open(files, rows, size=48)
    batch = source.take(torch.arange(40), 0).check()
    assert batch.values.shape == (40, 3, 48, 48)
    votes = GALAXY_ZOO_2.stacked(dict(batch.truth))
    assert np.array_equal(votes[:, 0], np.asarray(rows["smooth_or_features_smooth"]))
    label = np.asarray(rows["derived_label"])
    features = votes[:, 1] / votes[:, :3].sum(1)
    assert features[label == "spiral"].mean() > features[label == "elliptical"].mean() + 0.2
