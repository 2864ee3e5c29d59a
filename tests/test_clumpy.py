"""Clumpy discs: clumps where the truth says, with the light that it says."""

import numpy as np
import pytest
import torch
from scipy import stats

from deepfield.render.psf import survey_psf
from deepfield.sky.clumpy import Clumpy
from deepfield.sky.surveys import hst, lsst, sdss

SIZE = 64


def drawn(sky, survey, objects, *, seed=0, maps=("clump", "disc"), size=SIZE):
    return sky.draw(
        np.arange(objects),
        survey,
        seed=seed,
        split="test",
        size=size,
        psf=survey_psf(survey),
        maps=maps,
    )


def test_what_is_drawn_follows_the_priors():
    sky = Clumpy()
    truth = drawn(sky, sdss(), 1500, maps=(), size=32).truth
    counts = np.bincount(truth["clumps"].numpy().astype(int), minlength=9)
    assert stats.chisquare(counts).pvalue > 1e-3
    for name in ("sersic_index", "axis_ratio"):
        low, high = getattr(sky, name)
        assert stats.kstest((truth[name].numpy() - low) / (high - low), "uniform").pvalue > 1e-3
    # Up to three clumps nothing is drawn again: their fractions are log-uniform.
    few = truth["clumps"] <= 3
    fraction = truth["clump_fraction"][few]
    fraction = fraction[fraction.isfinite()].log().numpy()
    low, high = np.log(sky.fraction)
    assert stats.kstest((fraction - low) / (high - low), "uniform").pvalue > 1e-3
    assert truth["clump_fraction"].nansum(1).max() < 0.9001


def test_rows_hold_as_many_clumps_as_there_are():
    truth = drawn(Clumpy(), lsst(), 40).truth
    for name in ("clump_x", "clump_y", "clump_flux", "clump_fraction"):
        assert torch.equal(truth[name].isfinite().sum(1).float(), truth["clumps"])
    total = 10 ** (0.4 * (31.4 - truth["magnitude"]))
    share = truth["clump_flux"] / total[:, None]
    assert torch.allclose(share, truth["clump_fraction"], rtol=1e-3, equal_nan=True)


def test_a_clump_is_where_and_as_bright_as_the_truth_says():
    survey = lsst()
    light = drawn(Clumpy(clumps=(1, 1)), survey, 40)
    x, y = light.truth["clump_x"][:, 0], light.truth["clump_y"][:, 0]
    at = light.truth["clump"].flatten(1).argmax(1)
    assert (at % SIZE - x).abs().max() <= 0.5 + 1e-3
    assert (at // SIZE - y).abs().max() <= 0.5 + 1e-3
    inside = (torch.maximum((x - 31.5).abs(), (y - 31.5).abs()) < 15).nonzero()[:, 0]
    assert len(inside) > 10
    got = light.truth["clump"].sum((1, 2)) / light.truth["clump_flux"][:, 0]
    assert torch.allclose(got[inside], torch.ones(len(inside)), atol=0.01)


def test_the_image_is_disc_and_clumps_and_clumps_are_bluer():
    light = drawn(Clumpy(clumps=(4, 8)), lsst(), 24)
    parts = light.truth["clump"] + light.truth["disc"]
    assert torch.allclose(light.image[:, 3], parts, rtol=1e-4, atol=1e-4 * parts.max())
    alone = drawn(Clumpy(clumps=(0, 0)), lsst(), 24)
    assert not alone.truth["clump"].any()

    def colour(image):
        return (image[:, 1].sum((1, 2)) / image[:, 4].sum((1, 2))).median()

    assert colour(light.image) > 1.1 * colour(alone.image)


def test_clumps_follow_the_light_of_the_disc():
    """Half of them lie within the half-light ellipse, whatever the inclination."""
    sky = Clumpy(clumps=(8, 8), fraction=(0.01, 0.02), sersic_index=(1.0, 1.0), radius=(1.5, 1.6))
    survey = lsst()
    truth = drawn(sky, survey, 200, maps=()).truth
    # The centre is not in the truth, but the clumps' own scatter about the stamp's is enough.
    dx, dy = truth["clump_x"] - 31.5, truth["clump_y"] - 31.5
    angle = torch.deg2rad(truth["position_angle"])[:, None]
    along = dy * angle.cos() - dx * angle.sin()
    across = (dx * angle.cos() + dy * angle.sin()) / truth["axis_ratio"][:, None]
    radius = truth["radius"][:, None] / survey.pixel_scale
    inside = (torch.hypot(along, across) < radius).float().mean()
    assert inside == pytest.approx(0.5, abs=0.05)


def test_a_galaxy_is_the_same_in_any_batch():
    sky, survey = Clumpy(), hst()
    psf = survey_psf(survey)
    some = {"seed": 2, "split": "train", "size": SIZE, "psf": psf}
    many = sky.draw(np.arange(20), survey, **some)
    few = sky.draw(np.array([17, 4]), survey, **some)
    rows = torch.tensor([17, 4])
    assert torch.equal(few.truth["clump_x"].nan_to_num(), many.truth["clump_x"][rows].nan_to_num())
    assert torch.allclose(few.image, many.image[rows], rtol=1e-4, atol=1e-5 * many.image.max())


@pytest.mark.parametrize(
    "prior",
    [
        {"radius": (0.0, 1.0)},
        {"signal_to_noise": (300.0, 10.0)},
        {"axis_ratio": (0.5, 1.2)},
        {"sersic_index": (0.2, 1.0)},
        {"fraction": (0.1, 1.5)},
        {"fraction": (0.2, 0.3)},
        {"clumps": (0, 9)},
        {"clumps": (-1, 3)},
        {"slope": (float("nan"), 1.0)},
    ],
)
def test_priors_that_cannot_be_are_refused(prior):
    with pytest.raises(ValueError, match="expected"):
        Clumpy(**prior)
