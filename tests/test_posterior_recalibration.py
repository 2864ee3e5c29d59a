"""Recalibration and conformal intervals: their guarantees, on objects that they never saw."""

import numpy as np
import pytest
import torch
from gaussian_posteriors import Gaussian, Sky
from torch import Tensor

from deepfield.evaluate.conformal import Conformal
from deepfield.evaluate.recalibrated import Recalibrated
from deepfield.evaluate.recalibration import Recalibration
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.quantity import Quantity
from deepfield.scores.binomial import binomial_interval
from deepfield.scores.errors import turned
from deepfield.scores.marginals import marginals
from deepfield.tasks.measures import general_measures

HELD_OUT = 2000
UNSEEN = Sky(1500, seed=7)
WRONG = [Gaussian(width=0.5), Gaussian(width=1.7), Gaussian(shift=0.7)]


class Skies(Sky):
    """Another sky in every split."""

    def part(self, split: str) -> Sky:
        return Sky(HELD_OUT, seed={"calibrate": 5}[split])


def asked(method, sky: Sky) -> tuple[Posterior, Tensor]:
    batch = sky.take(torch.arange(len(sky)), 0)
    answer = method.predict(batch)["posterior"]
    return answer, torch.stack([batch.truth[name] for name in answer.names], 1)


@pytest.mark.parametrize("wrong", WRONG)
def test_recalibrated_posteriors_pass_the_checks_that_they_failed(wrong: Gaussian) -> None:
    mended = Recalibrated(wrong).fit(Skies(1))
    batch = UNSEEN.take(torch.arange(len(UNSEEN)), 0)
    before = general_measures(wrong.predict(batch)["posterior"], batch.truth)
    after = general_measures(mended.predict(batch)["posterior"], batch.truth)
    for name in ("magnitude", "log_radius_disc", "position_angle_disc"):
        assert before[f"pit_ks_{name}"] > 0.09
        # Two samples of a few thousand differ by a few hundredths.
        assert after[f"pit_ks_{name}"] < 0.05
        assert after[f"coverage_68_{name}"] == pytest.approx(0.68, abs=0.05)
        assert after[f"coverage_95_{name}"] == pytest.approx(0.95, abs=0.025)
        assert after[f"crps_{name}"] < before[f"crps_{name}"]
    assert after["joint_ks"] < before["joint_ks"]


def test_a_calibrated_posterior_stays_as_it_is() -> None:
    posterior, true = asked(Gaussian(), UNSEEN)
    same = Recalibration.fit(posterior, true).apply(posterior)
    # To the noise of two thousand objects.
    old, new = (marginals(p, dict(zip(p.names, true.T, strict=True))) for p in (posterior, same))
    for before, after in zip(old, new, strict=True):
        away = after.predicted - before.predicted
        shift = (away if before.unit != "deg" else turned(away, 0 * away)) / np.std(before.error)
        assert np.abs(shift).max() < 0.1
        widths = [np.subtract(*m.limits["68"]) for m in (before, after)]
        assert widths[1] / widths[0] == pytest.approx(np.ones(len(true)), abs=0.12)


def test_quantities_go_on_hanging_together() -> None:
    posterior, true = asked(Gaussian(width=0.5), UNSEEN)
    mended = Recalibration.fit(posterior, true).apply(posterior)
    for rows in (posterior, mended):
        magnitude, radius = rows.samples[3, :, 0], rows.samples[3, :, 1].log10()
        together = torch.corrcoef(torch.stack([magnitude, radius]))[0, 1]
        assert float(together) == pytest.approx(0.8, abs=0.05)


def test_weights_stay_and_say_the_same_as_repeated_samples() -> None:
    generator = torch.Generator().manual_seed(0)
    samples = torch.randn(400, 60, 1, generator=generator)
    counts = torch.randint(1, 4, (60,), generator=generator)
    true = 2 * torch.randn(400, 1, generator=generator)
    quantity = (Quantity("redshift"),)
    weights = (counts / counts.sum()).expand(400, 60)
    weighted = Posterior(quantity, samples, weights)
    repeated = Posterior(quantity, samples.repeat_interleave(counts, 1))
    one, other = (Recalibration.fit(p, true).apply(p) for p in (weighted, repeated))
    assert one.weights is weighted.weights
    assert float((one.means() - other.means()).abs().mean()) < 0.1
    widths = [p.quantiles([0.16, 0.84]).diff(dim=2) for p in (one, other)]
    assert float((widths[0] / widths[1] - 1).abs().median()) < 0.05


def test_what_is_not_measured_stays_so_and_does_not_harm() -> None:
    posterior, true = asked(Gaussian(width=0.5), UNSEEN)
    lost = torch.arange(len(true)) < 5
    mended = Recalibration.fit(posterior.blank(lost), true).apply(posterior.blank(lost))
    assert mended.samples[:5].isnan().all()
    assert mended.samples[5:].isfinite().all()
    alike = Posterior(posterior.quantities, posterior.samples[:, :1].expand(-1, 9, -1))
    same = Recalibration.fit(posterior, true).apply(alike)
    assert torch.allclose(same.samples[:, :, 0], alike.samples[:, :, 0], atol=1e-3)
    with pytest.raises(ValueError, match="needs 100 or more"):
        Recalibration.fit(posterior[:50], true[:50])
    with pytest.raises(ValueError, match="maps are of"):
        Recalibration(("redshift",), torch.zeros(1, 5), torch.zeros(1, 2)).apply(posterior)
    with pytest.raises(ValueError, match="fit it to a source first"):
        Recalibrated(Gaussian()).predict(UNSEEN.take(torch.arange(2), 0))


def test_no_sample_leaves_the_range_of_what_there_is() -> None:
    share = Quantity("bulge_to_total")
    generator = torch.Generator().manual_seed(0)
    true = torch.rand(500, 1, generator=generator)
    noise = 0.02 * torch.randn(500, 64, generator=generator)
    surely = (true + 0.2 * torch.randn(500, 1, generator=generator) + noise).clamp(0, 1)
    posterior = Posterior((share,), surely[..., None])
    mended = Recalibration.fit(posterior, true).apply(posterior)
    assert float(mended.samples.min()) >= 0
    assert float(mended.samples.max()) <= 1
    assert float(mended.samples.std(1).mean()) > 3 * float(posterior.samples.std(1).mean())


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("level", [0.68, 0.95])
def test_conformal_intervals_hold_what_they_guarantee(wrong: Gaussian, level: float) -> None:
    kept = Conformal.fit(*asked(wrong, Sky(HELD_OUT, seed=5)), level=level)
    posterior, true = asked(wrong, UNSEEN)
    low, high = kept.intervals(posterior)
    for i in range(3):
        away = true[:, i] - (low + high)[:, i] / 2
        if i == 2:
            away = torch.remainder(away + 90, 180) - 90
        inside = int((away.abs() <= (high - low)[:, i] / 2).sum())
        # Both the held-out and the unseen objects are a sample.
        count = 1 / (1 / HELD_OUT + 1 / len(true))
        limits = binomial_interval(inside / len(true) * count, count, level=0.999)
        assert limits[0] < level < limits[1]


def test_conformal_intervals_guarantee_on_average_for_few_objects() -> None:
    generator = torch.Generator().manual_seed(1)
    quantity = (Quantity("redshift"),)
    held = []
    for _ in range(400):
        samples = torch.randn(40, 32, 1, generator=generator) * 0.3
        true = torch.randn(40, 1, generator=generator)
        posterior = Posterior(quantity, samples)
        low, high = Conformal.fit(posterior[:20], true[:20], level=0.8).intervals(posterior[20:])
        held.append(float(((low <= true[20:]) & (true[20:] <= high)).float().mean()))
    # Between the level and 1 / 21 more, to the noise of four hundred repetitions.
    assert 0.8 - 0.015 < np.mean(held) < 0.8 + 1 / 21 + 0.015


def test_too_few_objects_guarantee_nothing_and_say_so() -> None:
    posterior, true = asked(Gaussian(), UNSEEN)
    low, high = Conformal.fit(posterior[:10], true[:10], level=0.95).intervals(posterior)
    assert (high == torch.inf).all()
    assert (low == -torch.inf).all()
    with pytest.raises(ValueError, match="between 0 and 1"):
        Conformal.fit(posterior, true, level=1.0)
