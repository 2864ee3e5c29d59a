"""Pictures as an augmentation."""

import numpy as np
import torch

from deepfield.data.augment import Dihedral
from deepfield.data.display import Display, InTurn, blurred
from deepfield.nouns.batch import Batch


def noise(objects=40, sigma=5.0):
    values = sigma * torch.randn(objects, 2, 48, 48, generator=torch.Generator().manual_seed(0))
    variance = torch.full_like(values, sigma**2)
    return Batch(np.arange(objects).astype(str), values, ("g", "r"), variance=variance)


def test_the_stated_noise_is_the_noise():
    shown = Display(share=1.0, softening=(1e4, 1e4))(noise(), torch.Generator().manual_seed(1))
    inner = shown.values[..., 6:-6, 6:-6]
    assert abs(float(inner.std()) - 1) < 0.03 and (shown.variance == 1).all()
    beside = (inner[..., 1:] * inner[..., :-1]).mean()
    assert beside > 0.2, "neighbouring pixels are correlated"


def test_a_blur_keeps_flux_and_says_what_it_does_to_noise():
    point = torch.zeros(2, 1, 21, 21)
    point[:, :, 10, 10] = 1.0
    smooth, gain = blurred(point, torch.tensor([0.5, 1.2]))
    assert torch.allclose(smooth.sum((1, 2, 3)), torch.ones(2), atol=1e-5)
    assert torch.allclose(smooth.square().sum((1, 2, 3)).sqrt(), gain, atol=1e-5)


def test_only_a_share_changes_and_it_is_compressed_and_in_levels():
    batch = noise()
    batch.values[:, :, 20:28, 20:28] = 5000.0
    shown = Display(share=0.5)(batch, torch.Generator().manual_seed(2))
    same = (shown.values == batch.values).flatten(1).all(1)
    assert 10 < same.sum() < 30
    picture = shown.values[~same]
    assert picture.amax() < 1000 / 2
    assert all(len(x.unique()) <= 2 * 256 for x in picture)


def test_missing_pixels_stay_missing():
    batch = noise()
    batch.variance[:, 1] = torch.inf
    shown = Display(share=1.0)(batch, torch.Generator().manual_seed(3))
    assert shown.variance[:, 1].isinf().all() and shown.variance[:, 0].isfinite().all()
    assert shown.values.isfinite().all()


def test_in_turn_is_one_after_the_other():
    batch, steps = noise(4), (Dihedral(), Display(share=1.0))
    both = InTurn(steps)(batch, torch.Generator().manual_seed(4))
    generator = torch.Generator().manual_seed(4)
    by_hand = steps[1](steps[0](batch, generator), generator)
    assert torch.equal(both.values, by_hand.values)
