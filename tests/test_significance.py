"""Whether anything is there: stamps of noise are told from faint galaxies."""

import numpy as np
import pytest
import torch

from deepfield.data.arrays import from_arrays
from deepfield.data.significance import NOTHING, significance
from deepfield.mocks.kinds import kinds
from deepfield.nouns.flags import Flag


def test_noise_is_nothing_and_its_significance_is_that_of_a_gaussian() -> None:
    noise = torch.randn(4000, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    found = significance(noise, torch.ones(1, 1, 1, 1))
    # The largest of a few correlated unit Gaussians.
    assert 0.3 < float(found.mean()) < 1.1
    assert float((found > NOTHING).float().mean()) < 2e-3


def test_the_bands_count_by_their_noise_and_missing_ones_do_not() -> None:
    values = torch.zeros(1, 2, 32, 32)
    values[:, :, 15:17, 15:17] = 1
    both = significance(values, torch.tensor([0.04, 0.04]).view(1, 2, 1, 1))
    one = significance(values, torch.tensor([0.04, torch.inf]).view(1, 2, 1, 1))
    assert float(both) == pytest.approx(2**0.5 * float(one))
    nothing = torch.full((1, 2, 1, 1), torch.inf)
    assert float(significance(values, nothing)) == 0


def test_galaxies_of_the_mock_sky_are_seen_and_blank_sky_is_flagged() -> None:
    batch = kinds(objects={"test": 300}, seed=5).part("test").take(torch.arange(300), 0)
    ratio, seen = batch.truth["signal_to_noise"], significance(batch.values, batch.variance)
    assert float((seen > NOTHING)[ratio > 10].float().mean()) > 0.99
    blank = np.random.default_rng(2).normal(size=(20, 1, 64, 64)).astype(np.float32)
    galaxy = blank.copy()
    galaxy[:, :, 28:36, 28:36] += 2
    for images, flagged in ((blank, 20), (galaxy, 0)):
        flags = from_arrays(images).take(torch.arange(20), 0).flags
        assert int(((flags & int(Flag.NOTHING_SEEN)) > 0).sum()) == flagged
