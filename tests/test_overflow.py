"""What is larger than its stamp: told from how the light falls off at its edge."""

import pytest
import torch

from deepfield.data.arrays import from_arrays
from deepfield.data.overflow import TOO_MUCH, overflow
from deepfield.nouns.flags import Flag
from deepfield.recipes.structure import mock

SIDE = 64
AXIS = torch.arange(SIDE) - (SIDE - 1) / 2
NOISE = torch.ones(1, 1, 1, 1)


def disc(length: float, x: float = 0.0, peak: float = 100.0) -> torch.Tensor:
    """[1, 1, y, x] with noise of one."""
    radius = torch.hypot(AXIS[:, None], AXIS[None] - x)
    noise = torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    return (peak * (-radius / length).exp() + noise)[None, None]


@pytest.mark.parametrize("length", [14.0, 20.0, 40.0])
def test_the_light_of_a_disc_beyond_its_stamp_is_known(length: float) -> None:
    edge = SIDE / 2 / length
    truth = (1 + edge) * torch.exp(torch.tensor(-edge))
    assert float(overflow(disc(length), NOISE)) == pytest.approx(float(truth), abs=0.12)


def test_what_fits_in_is_not_larger_and_neighbours_are_not_its_light() -> None:
    assert float(overflow(disc(5.0), NOISE)) < 0.05
    assert float(overflow(disc(5.0) + disc(4.0, x=24), 2 * NOISE)) < 0.05


def test_neither_the_level_of_the_sky_nor_missing_pixels_matter() -> None:
    image = disc(30.0)
    shared = overflow(image, NOISE)
    assert torch.allclose(overflow(image - 40, NOISE), shared, atol=1e-3)
    gone = NOISE.repeat(1, 1, SIDE, SIDE)
    gone[..., :20] = torch.inf
    assert torch.allclose(overflow(torch.where(gone.isinf(), 1e6, image), gone), shared, atol=0.1)
    bands = torch.cat([image, torch.full_like(image, 1e6)], 1)
    variance = torch.tensor([1.0, torch.inf]).view(1, 2, 1, 1)
    assert torch.allclose(overflow(bands, variance), shared)
    assert float(overflow(image, torch.full((1, 1, 1, 1), torch.inf))) == 0


def test_noise_and_galaxies_of_the_mock_sky_are_rarely_too_large() -> None:
    noise = torch.randn(2000, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    assert float((overflow(noise, NOISE) > TOO_MUCH).float().mean()) < 1e-3
    batch = mock(objects={"test": 400}, seed=51).part("test").take(torch.arange(400), 0)
    large = (batch.flags & int(Flag.TOO_LARGE)) > 0
    found = overflow(batch.values, batch.variance) > TOO_MUCH
    assert float(found[~large].float().mean()) < 0.02


def test_stamps_are_flagged() -> None:
    images = torch.cat([disc(length) for length in (4.0, 60.0)]).numpy()
    flags = from_arrays(images).take(torch.arange(2), 0).flags
    assert [Flag.TOO_LARGE in Flag(int(each)) for each in flags] == [False, True]
