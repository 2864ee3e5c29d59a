"""Fits of real galaxies: published magnitudes and sizes, and two surveys that agree."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("DEEPFIELD_DATA", ROOT.parent / "shared" / "data"))
pytestmark = pytest.mark.skipif(
    not (DATA / "hst_cosmos_stamps").is_dir(),
    reason="the shared survey data are not here: set DEEPFIELD_DATA to their folder",
)
pytest.importorskip("galsim")
sys.path.insert(0, str(ROOT / "benchmarks"))

import real_structure as real  # noqa: E402


def test_hst_magnitudes_and_sizes_are_those_published():
    batches, published = real.cosmos(DATA / "hst_cosmos_stamps", 16)
    predictor, galaxies, indices = real.BatchedSersic(), real.one_sersic, (None,)
    found = real.asked(predictor, batches)
    magnitude = found["magnitude"] - np.asarray(published["MAG"])
    assert np.isfinite(magnitude).sum() >= 14
    assert abs(np.nanmedian(magnitude)) < 0.1
    radius = real.seen_radius(found, batches, galaxies, indices)
    ratio = np.log10(radius / (0.03 * np.asarray(published["flux_radius"])))
    assert abs(np.nanmedian(ratio)) < 0.04


def test_two_surveys_see_the_same_galaxies():
    """Within what their noise, bands and calibration differ by: not within the noise alone."""
    kids, sdss = (
        real.asked(real.BatchedSersic(), real.pair(DATA / "kids_sdss_pairs", survey, scale, 128))
        for survey, scale in (("kids", 0.2), ("sdss", 0.339))
    )
    away = {name: kids[name] - sdss[name] for name in real.PULLS}
    assert np.isfinite(away["magnitude"]).sum() >= 8
    for name, most in (("magnitude", 0.12), ("log_radius", 0.03), ("axis_ratio", 0.06)):
        assert abs(np.nanmedian(away[name])) < most, name
