"""Real magnitudes and redshifts: every catalogue opens as it is, and neighbours do their part."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from deepfield.data.photometry_files import read_photometry
from deepfield.data.photometry_table import PhotometryTable
from deepfield.rivals.nearest_neighbours_redshift import NearestNeighboursRedshift
from deepfield.scores.redshifts import outlier_fraction, sigma_mad

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("DEEPFIELD_DATA", ROOT.parent / "shared" / "data")) / "redshifts"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(),
    reason="the shared survey data are not here: set DEEPFIELD_DATA to their folder",
)
SDSS = "zs,u,g,r,i,z,u-g,g-r,r-i,i-z,eu,eg,er,ei,ez,eu-g,eg-r,er-i,ei-z"


def scored(source, rival):
    test = source.part("test")
    batch = test.take(torch.arange(len(test)), 0).check()
    answer = rival.fit(source).predict(batch)["posterior"]
    found, true = answer.quantiles([0.5])[:, 0, 0], batch.truth["redshift"]
    return sigma_mad(found, true), outlier_fraction(found, true, beyond=0.15)


def test_boss_opens_with_its_own_names():
    source = PhotometryTable.open(DATA / "boss_dr10_0.csv")
    assert source.channels == ("u", "g", "r", "i", "z")
    assert len(source) == 6000
    batch = source.take(torch.arange(6000), 0).check()
    # Magnitudes of 33 with errors of 10,000 are measurements of nearly no light.
    assert batch.variance.isfinite().all()
    scatter, outliers = scored(source, NearestNeighboursRedshift(neighbours=(40, 120)))
    assert scatter < 0.023
    assert outliers < 0.03


def test_sdss_main_has_a_name_too_few_and_says_so():
    with pytest.raises(ValueError, match="19 entries for 18 names"):
        PhotometryTable.open(DATA / "SDSS_MGS.train")
    source = PhotometryTable.open(DATA / "SDSS_MGS.train", columns=SDSS.split(","))
    assert source.channels == ("u", "g", "r", "i", "z")
    assert 0.08 < float(source.truth["redshift"].median()) < 0.1
    scatter, outliers = scored(source, NearestNeighboursRedshift(neighbours=(40, 120)))
    assert scatter < 0.017
    assert outliers < 0.01


def test_zcosmos_has_gaps_in_every_band_by_any_code():
    table = read_photometry(DATA / "zcosmost_bright20k.csv")
    source = PhotometryTable.open(table, target="zpec", identifier="id_zcosmos")
    assert source.channels[:5] == ("fuv", "nuv", "u", "b", "g")
    gone = source.variance.isinf().float().mean(0)
    assert 0.3 < float(gone[0]) < 0.6  # -99 in the far ultraviolet
    assert (gone[2:] > 0.005).all() and (gone[2:] < 0.1).all()  # -99.9, or empty
    assert np.isfinite(source.values.numpy()).all()


def test_dc2_is_a_group_of_an_hdf5_file_with_limits():
    source = PhotometryTable.open(DATA / "dc2_simulated.hdf5")
    assert source.channels == ("u", "g", "r", "i", "z", "y")
    # 99 in u comes with the limit, 26.6: no light within 81 nJy.
    limits = source.values[:, 0] == 0
    assert 500 < int(limits.sum()) < 1000
    assert source.variance[limits, 0].sqrt().numpy() == pytest.approx(81.7, rel=0.01)
