"""Real stamps beside mock ones: the same code measures both, and tuned priors come closer."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("DEEPFIELD_DATA", ROOT.parent / "shared" / "data"))
pytestmark = pytest.mark.skipif(
    not (DATA / "des_backgrounds").is_dir(),
    reason="the shared survey data are not here: set DEEPFIELD_DATA to their folder",
)


@pytest.fixture(scope="module")
def benchmark():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import real_against_mock
    finally:
        sys.path.pop(0)
    real_against_mock.FOREST = 40
    return real_against_mock


def halves(values):
    return values[::2], values[1::2]


def test_no_forest_tells_one_mock_sky_from_another(benchmark):
    case = benchmark.both.hsc_blends()
    one, other = (benchmark.measure(case.default(60, seed), case) for seed in (1, 2))
    area, _ = benchmark.told_apart(one, other, strict=False)
    assert area.low < 0.5 < area.high


def test_the_default_sky_is_told_from_the_real_one_and_a_tuned_one_comes_closer(benchmark):
    case = benchmark.both.des_backgrounds()
    assert case.real.shape == (46, 5, 91, 91)
    tuning, judged = (benchmark.measure(half, case) for half in halves(case.real))
    priors = benchmark.tune(case, tuning, trials=3, closer=0)
    before = benchmark.measure(case.default(23, 9), case)
    after = benchmark.measure(case.tuned(priors, 23, 9), case)
    apart, closer = (benchmark.distances(judged, mock).sum() for mock in (before, after))
    assert closer < 0.75 * apart
    assert benchmark.told_apart(judged, before, strict=False)[0].low > 0.8
    assert all(low <= priors[name] <= high for name, (low, high) in case.ranges.items())


def test_isolated_peaks_of_hsc_are_isolated_and_of_the_noise_that_the_mock_has(benchmark):
    case = benchmark.both.hsc_blends()
    assert len(case.ids) == len(set(case.ids)) > 150
    assert case.real.isfinite().all()
    middle = {name: np.mean(limits) for name, limits in case.ranges.items()}
    drawn = case.tuned(middle, 40, 0)
    assert drawn.shape[1:] == case.real.shape[1:]
    sigma = [benchmark.sky(stamps)[1].median(0).values for stamps in (case.real, drawn)]
    assert torch.allclose(sigma[0], sigma[1], rtol=0.3)


def test_pictures_and_jwst_stamps_have_quantities(benchmark, monkeypatch):
    monkeypatch.setattr(benchmark.both, "JPEGS", 24)
    for make in (benchmark.both.jwst_stamps, benchmark.both.galaxy_zoo_votes):
        case = make()
        found = benchmark.measure(case.real[:12], case)
        assert np.isfinite(found.values).all()
        assert found.names[:4] == ("log size", "concentration", "asymmetry", "log S/N")
        assert (found.values[:, 3] > 1).mean() > 0.9
