"""Real images: SDSS colour pictures of Galaxy Zoo and a tile-compressed Legacy Survey brick."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.wcs import WCS

from deepfield.data.files import read
from deepfield.data.labelled import LabelledImages
from deepfield.data.tables import read_table
from deepfield.nouns.flags import Flag

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("DEEPFIELD_DATA", ROOT.parent / "shared" / "data"))
pytestmark = pytest.mark.skipif(
    not (DATA / "galaxy_zoo_spirals").is_dir(),
    reason="the shared survey data are not here: set DEEPFIELD_DATA to their folder",
)


def fifty(name, table, file_column):
    rows = read_table(DATA / name / table)
    rows = rows[:: len(rows) // 50][:50]
    return [DATA / name / file for file in rows[file_column]], rows


def test_spirals_open_with_their_labels():
    files, rows = fifty("galaxy_zoo_spirals", "labels.csv", "file")
    source = LabelledImages.open(files, rows)
    assert source.quantity("kind").classes == ("smooth", "spiral")
    batch = source.take(torch.arange(50), 0).check()
    assert batch.ids.tolist() == [str(i) for i in rows["object_id"]]
    assert [("smooth", "spiral")[i] for i in batch.truth["kind"]] == list(rows["kind"])
    assert 180 < source.extent < 300
    assert (batch.flags == batch.flags[0]).all()
    assert Flag.RESIZED in Flag(int(batch.flags[0]))
    # A galaxy in the middle of every stamp, sky around it.
    signal = (batch.values / batch.variance.sqrt()).mean(1)
    assert (signal[:, 28:36, 28:36].mean((-1, -2)) > 5).all()
    assert signal[:, 0].median() < 3


def test_votes_match_by_their_file_column():
    files, rows = fifty("galaxy_zoo_votes", "votes.csv", "filepath")
    source = LabelledImages.open(files, rows, target="derived_label")
    assert len(source.quantity("derived_label").classes) >= 2
    assert 90 < source.extent < 180
    assert source.take(torch.arange(4), 0).check().values.shape == (4, 3, 64, 64)


def test_a_whole_folder_belongs_to_its_table():
    folder = DATA / "galaxy_zoo_spirals"
    source = LabelledImages.open(folder / "images", folder / "labels.csv", extent=240)
    assert len(source) == 1400
    sizes = [len(source.part(s)) for s in ("train", "validation", "test", "calibrate")]
    assert sum(sizes) == 1400
    assert sizes[2] == pytest.approx(280, abs=50)


def test_a_tile_compressed_brick_keeps_its_sky_coordinates():
    file = DATA / "legacy_survey_brick" / "legacysurvey-0959p805-image-z.fits.fz"
    if not file.is_file():
        pytest.skip("the Legacy Survey brick is not here")
    values, info = read(file)
    assert values.shape == (1, 3600, 3600)
    assert values.dtype.isnative
    assert info.channels == ("z",)
    assert np.count_nonzero(values) / values.size < 0.01
    ra, dec = WCS(info.header).all_pix2world(1800, 1800, 0)
    assert (ra, dec) == (pytest.approx(95.9, abs=0.5), pytest.approx(80.5, abs=0.1))
