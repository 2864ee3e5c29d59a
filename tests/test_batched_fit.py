"""Our own fit as a rival: it recovers what was drawn, says how well, and stays physical."""

import numpy as np
import pytest
import torch

from deepfield.likelihood.fit import Fit
from deepfield.likelihood.measured import measured, quantities
from deepfield.likelihood.model import Model
from deepfield.nouns.posterior import wrapped
from deepfield.recipes import sersic, structure
from deepfield.rivals.batched_fit import BatchedBulgeDisc, BatchedSersic
from deepfield.rivals.profile_models import BULGE_DISC, SERSIC

PAIR, ONE = Model(64, (None, 1.0)), Model(64)


def drawn(recipe, count, seed=5):
    return (
        recipe.mock(objects={"test": count}, seed=seed).part("test").take(torch.arange(count), 0)
    )


def some_fit(model, variance, count=40):
    at = 0.6 * torch.randn(count, model.count, generator=torch.Generator().manual_seed(2))
    at[:, [places[0] for places in model.layout.flux]] += 6
    one = torch.ones(count)
    return Fit(at, variance * torch.eye(model.count).repeat(count, 1, 1), one, one, one, one > 0)


@pytest.mark.parametrize(("model", "known"), [(PAIR, BULGE_DISC), (ONE, SERSIC)])
def test_names_and_kinds_are_those_of_the_other_rival(model, known):
    ours = quantities(model, ("r",))
    assert [(q.name, q.unit, q.kind) for q in ours] == [
        (q.name, q.unit, q.kind) for q in known.quantities
    ]


@pytest.mark.parametrize("variance", [1e-6, 1e-2, 1e10])
def test_the_median_is_the_fit_and_samples_stay_physical(variance):
    found = some_fit(PAIR, variance)
    told = measured(PAIR, found, channels=("r",), pixel_scale=0.1)
    profile = PAIR.profile(found.parameters)
    middle = dict(zip(told.names, told.quantiles([0.5])[..., 0].T, strict=True))
    share = profile.flux[:, 0, 0] / profile.flux.sum(1)[:, 0]
    assert torch.allclose(middle["bulge_to_total"], share, atol=1e-5)
    assert torch.allclose(middle["radius_disc"], 0.1 * profile.radius[:, 1], rtol=1e-4)
    assert torch.allclose(middle["sersic_index_bulge"], profile.sersic_index[:, 0], rtol=1e-4)
    angle = wrapped(middle["position_angle_disc"] - profile.position_angle[:, 1])
    assert float(angle.abs().max()) < 0.05
    assert bool(told.samples.isfinite().all())
    for name, low, high in (("bulge_to_total", 0, 1), ("axis_ratio_disc", 0.0, 1)):
        assert float(told.of(name).min()) >= low
        assert float(told.of(name).max()) <= high + 1e-6
    assert float(told.of("radius_bulge").max()) <= 6.5  # the stamp


def test_small_errors_are_those_of_the_covariance():
    """An error of 0.01 in log radius is one of 1 % in the radius; in log flux 0.0109 mag."""
    told = measured(ONE, some_fit(ONE, 1e-4), channels=("r",), pixel_scale=0.1)
    magnitude = told.of("magnitude").std(1)
    assert float((magnitude / 0.010857 - 1).abs().max()) < 0.02
    assert float((told.of("x").std(1) / 0.01 - 1).abs().max()) < 0.01


def test_what_a_fit_does_not_know_is_as_wide_as_the_range_and_no_wider():
    told = measured(ONE, some_fit(ONE, 1e12), channels=("r",), pixel_scale=0.1)
    assert float(told.of("magnitude").std(1).max()) < 3.2
    assert float(told.of("magnitude").std(1).min()) > 1.0


def test_galaxies_are_recovered():
    batch = drawn(sersic, 32)
    posterior = BatchedSersic().predict(batch)["posterior"]
    bright = batch.truth["signal_to_noise"] > 40
    middle, low, high = posterior.quantiles([0.5, 0.16, 0.84])[bright].unbind(2)
    found = dict(zip(posterior.names, middle.T, strict=True))
    truth = {name: batch.truth[name][bright] for name in posterior.names}
    assert float(found["magnitude"].isnan().float().mean()) < 0.05
    assert float((found["magnitude"] - truth["magnitude"]).abs().nanmedian()) < 0.03
    assert float((found["radius"] / truth["radius"]).log10().abs().nanmedian()) < 0.02
    inside = torch.stack(
        [
            (low[:, i] < truth[n]) & (truth[n] < high[:, i])
            for i, n in enumerate(posterior.names)
            if n != "position_angle"
        ]
    )
    assert 0.55 < float(inside.float().mean()) < 0.8


def test_bulge_and_disc_and_a_galaxy_without_pixels():
    batch = drawn(structure, 12)
    batch.values[3] = torch.nan
    answer = BatchedBulgeDisc().predict(batch)
    posterior = answer["posterior"]
    assert bool(posterior.samples[3].isnan().all())
    assert bool(answer["reduced_chi_square"].values[3].isnan())
    others = torch.arange(12) != 3
    assert int(posterior.samples[others].isnan().any(1).any(1).sum()) <= 1
    assert abs(float(answer["reduced_chi_square"].values.nanmedian()) - 1) < 0.05
    error = posterior.quantiles([0.5])[:, 0, 0] - batch.truth["magnitude"]
    assert float(error.abs().nanmedian()) < 0.3


def test_predict_needs_a_psf_and_works_where_derivatives_are_forbidden():
    batch = drawn(sersic, 2)
    with torch.inference_mode():
        first = BatchedSersic().predict(batch)["posterior"]
    again = BatchedSersic().predict(batch)["posterior"]
    assert torch.equal(first.samples, again.samples)
    with pytest.raises(ValueError, match="no PSF"):
        BatchedSersic().predict(type(batch)(batch.ids, batch.values, batch.channels))


def test_names_of_several_bands_and_of_too_many_components():
    names = [q.name for q in quantities(Model(64, (None, 1.0), bands=2), ("g", "r"))]
    assert names[:4] == ["magnitude_g", "magnitude_r", "bulge_to_total_g", "bulge_to_total_r"]
    with pytest.raises(ValueError, match="3 components"):
        quantities(Model(64, (None, 1.0, 0.5)), ("r",))


def test_a_missing_band_leaves_the_shape():
    model = Model(64, bands=2)
    found = some_fit(model, 1e-4, count=3)
    place = model.layout.flux[0][1]
    found.parameters[0, place] = torch.nan
    found.covariance[0, place], found.covariance[0, :, place] = torch.nan, torch.nan
    told = measured(model, found, channels=("g", "r"), pixel_scale=0.1)
    assert bool(told.of("magnitude_r")[0].isnan().all())
    for name in ("magnitude_g", "radius", "position_angle", "x"):
        assert bool(told.of(name)[0].isfinite().all())
    assert float(np.asarray(told.columns()["radius"])[0]) > 0


def test_no_component_is_larger_than_a_stamp_can_tell():
    """A flat sky level looks like a disc without end: its light would be any."""
    batch = drawn(sersic, 6)
    batch.values.add_(3 * batch.variance.sqrt())
    found = BatchedSersic().predict(batch)["posterior"]
    middle = dict(zip(found.names, found.quantiles([0.5])[..., 0].T, strict=True))
    radius, ratio = middle["radius"], middle["axis_ratio"]
    circular = radius * ratio.sqrt() / batch.survey.pixel_scale
    known = circular.isfinite()
    assert bool(known.any()) and float(circular[known].max()) < 32.1
