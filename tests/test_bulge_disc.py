"""Bulge and disc: drawn from their priors, and measured by others as the truth says."""

import numpy as np
import pytest
import torch
from photutils.segmentation import SegmentationImage, SourceCatalog
from scipy import stats

from deepfield.data.simulated import Simulated
from deepfield.nouns.flags import Flag
from deepfield.render.psf import survey_psf
from deepfield.sky.bulge_disc import BulgeDisc
from deepfield.sky.field_sources import FieldSources
from deepfield.sky.surveys import hsc, hst


def drawn(sky, count, *, size=64, survey=None, maps=()):
    survey = survey or hst()
    return sky.draw(
        np.arange(count),
        survey,
        seed=3,
        split="test",
        size=size,
        psf=survey_psf(survey),
        maps=maps,
    )


def uniform(values, low, high):
    return stats.kstest((np.asarray(values) - low) / (high - low), "uniform").pvalue


def test_every_parameter_follows_its_flat_prior():
    truth = drawn(BulgeDisc(), 2000, size=8).truth
    scale = hst().pixel_scale
    assert uniform(truth["magnitude"], 18, 24) > 1e-3
    assert uniform(truth["bulge_to_total"], 0, 1) > 1e-3
    assert uniform(torch.log10(truth["radius_bulge"] / scale), 0.2, 1.3) > 1e-3
    assert uniform(torch.log10(truth["radius_disc"] / scale), 0.2, 1.5) > 1e-3
    assert uniform(truth["sersic_index_bulge"], 0.5, 6) > 1e-3
    for part in ("bulge", "disc"):
        assert uniform(1 - truth[f"axis_ratio_{part}"], 0.05, 0.95) > 1e-3
        assert uniform(truth[f"position_angle_{part}"], 0, 180) > 1e-3
    assert np.abs(np.corrcoef(truth["magnitude"], truth["bulge_to_total"])[0, 1]) < 0.07


def test_photutils_measures_the_truth_on_noiseless_discs():
    sky = BulgeDisc(
        bulge_to_total=(0, 0), log_radius_disc=(0.8, 1.0), ellipticity=(0.2, 0.6), offset=(-3, 3)
    )
    light = drawn(sky, 12, size=160)
    truth, pixel = light.truth, hst().pixel_scale
    psf = survey_psf(hst())
    axis = (torch.arange(psf.kernel.shape[-1]) - psf.kernel.shape[-1] // 2) / psf.oversampling
    blur = float((psf.kernel[0, 0].sum(0) * axis**2).sum())
    for i, image in enumerate(light.image[:, 0].double().numpy()):
        whole = SegmentationImage(np.ones(image.shape, int))
        found = SourceCatalog(image, whole)
        magnitude = 31.4 - 2.5 * np.log10(image.sum())
        assert magnitude == pytest.approx(float(truth["magnitude"][i]), abs=0.01)
        assert found.x_centroid[0] == pytest.approx(float(truth["x"][i]), abs=0.02)
        assert found.y_centroid[0] == pytest.approx(float(truth["y"][i]), abs=0.02)
        # photutils turns from +x to +y, a position angle from +y (north) to -x (east).
        angle = found.orientation[0].to_value("deg") - 90
        turn = (angle - float(truth["position_angle_disc"][i]) + 90) % 180 - 90
        assert abs(turn) < 0.5
        major, minor = (
            float(getattr(found, name)[0].value ** 2 - blur)
            for name in ("semimajor_axis", "semiminor_axis")
        )
        assert (minor / major) ** 0.5 == pytest.approx(
            float(truth["axis_ratio_disc"][i]), abs=0.02
        )
        # Along its major axis an exponential disc has a variance of 3 scale lengths squared.
        radius = 1.6783469900166605 * (major / 3) ** 0.5 * pixel
        assert radius == pytest.approx(float(truth["radius_disc"][i]), rel=0.03)


def test_the_parts_add_up():
    light = drawn(BulgeDisc(), 20, maps=("bulge", "disc"))
    total = light.truth["bulge"] + light.truth["disc"]
    assert torch.allclose(total, light.image[:, 0], rtol=1e-4, atol=1e-4 * float(total.max()))


def test_what_does_not_fit_the_stamp_is_flagged():
    sky = BulgeDisc(log_radius_disc=(0.2, 2.0), bulge_to_total=(0, 0), ellipticity=(0.05, 0.3))
    source = Simulated(hst(), {"test": 60}, sky=sky, split="test")
    batch = source.take(torch.arange(60), 0)
    large = (batch.flags & int(Flag.TOO_LARGE)) != 0
    radius = batch.truth["radius_disc"] / hst().pixel_scale
    assert large[radius > 32].all() and not large[radius < 10].any()


@pytest.mark.parametrize(
    ("prior", "limits"),
    [
        ("bulge_to_total", (0.0, 1.2)),
        ("sersic_index", (0.2, 4.0)),
        ("ellipticity", (-0.1, 0.5)),
        ("log_radius_disc", (1.5, 0.2)),
        ("magnitude", (18.0, float("nan"))),
    ],
)
def test_impossible_priors_are_refused(prior, limits):
    with pytest.raises(ValueError, match=f"{prior} .*expected lowest <= highest"):
        BulgeDisc(**{prior: limits})


def test_counts_rise_with_magnitude_and_sizes_fall():
    profiles, truth = FieldSources().profiles(np.arange(20000), hsc(), seed=1, split="test")
    m = truth["magnitude"].numpy()
    number, edges = np.histogram(m, bins=np.arange(19, 26.1, 1))
    slope = np.polyfit(edges[:-1] + 0.5, np.log10(number), 1, w=np.sqrt(number))[0]
    assert slope == pytest.approx(0.3, abs=0.01)
    star = truth["object_type"] == 1
    assert float(star.float().mean()) == pytest.approx(0.1, abs=0.01)
    bright, faint = ((truth["magnitude"] - c).abs() < 0.5 for c in (21.0, 25.0))
    median = [float(truth["radius"][~star & at].median()) for at in (bright, faint)]
    assert np.log10(median[1] / median[0]) == pytest.approx(4 * -0.09, abs=0.05)
    assert profiles.flux.sum(1)[:, 2] == pytest.approx(10 ** (0.4 * (31.4 - m)), rel=1e-4)
