"""Real sky behind simulated galaxies: the DES cutouts g, r, i, z, Y."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from deepfield.data.fits import read_fits
from deepfield.nouns.flags import Flag
from deepfield.render.backgrounds import RealSky, scatter, to_depth_of
from deepfield.render.noise import sky_variance
from deepfield.render.telescope import Telescope
from deepfield.sky.surveys import lsst

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("DEEPFIELD_DATA", ROOT.parent / "shared" / "data")) / "des_backgrounds"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(),
    reason="the shared survey data are not here: set DEEPFIELD_DATA to their folder",
)


@pytest.fixture(scope="module")
def stamps():
    cubes = [read_fits(DATA / f"{band}.fits")[0] for band in "grizY"]
    return torch.from_numpy(np.stack(cubes, 1))


def test_des_sky_at_the_depth_of_lsst(stamps):
    survey = lsst().select(("g", "r", "i", "z", "y"))
    scaled = to_depth_of(survey, stamps)
    assert scaled.shape == (46, 5, 91, 91)
    assert torch.allclose(scatter(scaled), sky_variance(survey).sqrt(), rtol=1e-3)
    telescope = Telescope(noise=RealSky(scaled)).check(survey, 64)
    nothing = torch.zeros(100, 5, 64, 64)
    seen = telescope.observe(nothing, survey, np.arange(100), seed=0, split="train", epoch=0)
    assert (seen.flags == int(Flag.VARIANCE_ESTIMATED)).all()
    # The middle of the pixels is sky of the stated variance; above it are real stars and galaxies.
    score = (seen.values / seen.variance.sqrt()).flatten()
    low, middle = score.quantile(torch.tensor([0.16, 0.5]))  # 2 M pixels
    assert abs(float(middle)) < 0.3
    assert float(middle - low) == pytest.approx(1, abs=0.1)
    assert float((score > 5).float().mean()) > 10 * float((score < -5).float().mean())
