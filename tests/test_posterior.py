"""Posteriors: quantiles, angles, weights, ranks and columns."""

import pytest
import torch

from deepfield.nouns.posterior import Posterior, wrapped
from deepfield.nouns.quantity import Quantity

SIZE = Quantity("radius", "arcsec", "length")
ANGLE = Quantity("position_angle", "deg", "angle")


def normal(objects=3, count=4001, shift=0.0):
    uniform = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    values = torch.special.ndtri(uniform) + shift
    return values.float().expand(objects, count)[..., None]


def test_quantiles_of_a_normal_sample_are_those_of_the_normal():
    found = Posterior((SIZE,), normal()).quantiles([0.16, 0.5, 0.975])
    expected = torch.special.ndtri(torch.tensor([0.16, 0.5, 0.975]))
    assert torch.allclose(found, expected.expand(3, 1, 3), atol=2e-3)


def test_weights_do_what_repeating_would():
    values = torch.tensor([[1.0, 2.0, 3.0, 4.0]])[..., None]
    weights = torch.tensor([[0.1, 0.2, 0.3, 0.4]])
    weighted = Posterior((SIZE,), values, weights)
    repeated = Posterior((SIZE,), values.repeat_interleave(torch.tensor([100, 200, 300, 400]), 1))
    assert torch.allclose(weighted.means(), repeated.means(), atol=1e-5)
    assert torch.allclose(weighted.ranks(torch.tensor([[2.5]])), torch.tensor([[0.3]]))
    assert weighted.effective_samples().item() == pytest.approx(1 / 0.3)
    assert weighted.scalar("radius").item() == pytest.approx(3.0)


def test_weighted_normal_has_its_own_quantiles():
    values = torch.linspace(-6, 6, 6001)[None, :, None]
    weights = (-0.5 * (values[..., 0] - 1).square()).softmax(1)
    found = Posterior((SIZE,), values, weights).quantiles([0.16, 0.84])
    assert torch.allclose(found, 1 + torch.special.ndtri(torch.tensor([0.16, 0.84])), atol=3e-3)


@pytest.mark.parametrize("centre", [0.0, 3.0, 90.0, 178.0])
def test_an_angles_interval_passes_through_north(centre):
    samples = torch.remainder(centre + 5 * normal(1), 180)
    posterior = Posterior((ANGLE,), samples)
    row = posterior.columns()[0]
    assert abs(wrapped(torch.tensor(row["position_angle"] - centre))) < 0.1
    width = row["position_angle_upper68"] - row["position_angle_lower68"]
    assert width == pytest.approx(10 * 0.9945, rel=0.01)
    above = torch.remainder(torch.tensor([[centre + 5.0]]), 180)
    assert posterior.ranks(above).item() == pytest.approx(0.841, abs=0.01)


def test_rows_that_are_not_measured_stay_so():
    posterior = Posterior((SIZE,), normal()).blank(torch.tensor([False, True, False]))
    table = posterior.columns()
    assert torch.isnan(torch.tensor(table["radius"])).tolist() == [False, True, False]
    assert posterior.ranks(torch.zeros(3, 1)).isnan()[:, 0].tolist() == [False, True, False]
    assert posterior.ranks(torch.full((3, 1), torch.nan)).isnan().all()


def test_join_and_pool_keep_every_sample():
    low, high = Posterior((SIZE,), normal(shift=-3.0)), Posterior((SIZE,), normal(shift=3.0))
    assert len(Posterior.join([low, high])) == 6
    both = Posterior.pool([low, high])
    assert torch.allclose(both.means(), torch.zeros(3, 1), atol=1e-4)
    weighted = Posterior.pool([low, Posterior((SIZE,), high.samples, _even(high))])
    assert torch.allclose(weighted.means(), both.means(), atol=1e-4)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="expected \\[object, sample, 1 quantities\\]"):
        Posterior((SIZE,), torch.zeros(3, 4, 2))
    with pytest.raises(ValueError, match="no posterior of 'mass'; there is radius"):
        Posterior((SIZE,), normal()).of("mass")


def _even(posterior):
    return torch.full(posterior.samples.shape[:2], 1 / posterior.samples.shape[1])
