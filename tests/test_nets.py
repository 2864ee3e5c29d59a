"""Networks: shapes, the stretch, and the layer table."""

import numpy as np
import pytest
import timm
import torch
from torch import nn

from deepfield.nets.layers import layer_table
from deepfield.nets.network import Network, stretched_channels
from deepfield.nets.seeded import seeded
from deepfield.nets.stretch import AsinhStretch
from deepfield.nets.thin import thin
from deepfield.nouns.batch import Batch


def batch(channels=3, size=64, objects=2, variance=4.0):
    values = torch.randn(objects, channels, size, size, generator=torch.Generator().manual_seed(0))
    return Batch(
        np.arange(objects).astype(str),
        2 * values,
        tuple("ugrizy"[:channels]),
        variance=torch.full_like(values, variance),
    )


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("size", [48, 64])
@pytest.mark.parametrize("backbone", ["thin", "resnet18"])
def test_any_bands_and_sizes(channels, size, backbone):
    stretched = stretched_channels(channels)
    trunk = (
        thin(stretched)
        if backbone == "thin"
        else timm.create_model(backbone, in_chans=stretched, num_classes=0)
    )
    net = Network(trunk, outputs=5, channels=channels, size=size)
    logits = net(batch(channels, size))
    assert logits.shape == (2, 5)
    logits.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    with torch.no_grad():
        first, again = (net.eval()(batch(channels, size)) for _ in range(2))
    assert torch.equal(first, again)


def test_a_trunk_of_other_channels_is_refused():
    with pytest.raises(ValueError, match="the trunk does not take"):
        Network(thin(6), outputs=2, channels=5)
    with pytest.raises(ValueError, match=r"expected .object, feature."):
        Network(nn.Conv2d(6, 4, 3), outputs=2, channels=3)


def test_the_stretch_does_not_depend_on_the_flux_unit():
    one = batch()
    other = Batch(one.ids, one.values * 1000, one.channels, variance=one.variance * 1e6)
    assert torch.allclose(AsinhStretch()(one), AsinhStretch()(other), atol=1e-5)


def test_missing_pixels_and_bands_are_sky():
    full = batch()
    holes = full.variance.clone()
    holes[0, 1] = torch.inf
    holes[1, :, :10] = torch.inf
    values = full.values.clone()
    values[0, 1] = torch.nan
    stretched = AsinhStretch((1.0,))(Batch(full.ids, values, full.channels, variance=holes))
    assert stretched.isfinite().all()
    assert (stretched[0, 1] == 0).all() and (stretched[1, :, :10] == 0).all()
    kept = AsinhStretch((1.0,))(full)
    assert torch.allclose(stretched[1, :, 10:], kept[1, :, 10:], atol=1e-5)
    assert torch.allclose(stretched[0, 0], kept[0, 0], atol=1e-5)


def test_without_noise_the_stretch_says_so():
    with pytest.raises(ValueError, match="no variance"):
        AsinhStretch()(Batch(np.array(["a"]), torch.zeros(1, 1, 8, 8), ("r",)))


def test_the_default_is_thin():
    net = Network(thin(stretched_channels(3)), outputs=5, channels=3)
    rows = layer_table(net, batch(objects=1))
    assert 8e6 < sum(row.multiply_adds for row in rows) < 15e6
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in net.parameters())


def test_the_layer_table_by_hand():
    net = nn.Sequential(
        nn.Conv2d(3, 8, 5, padding=2), nn.MaxPool2d(2), nn.Conv2d(8, 4, 3), nn.Flatten()
    )
    rows = layer_table(net, torch.zeros(1, 3, 16, 16))
    assert [row.shape for row in rows] == [(8, 16, 16), (8, 8, 8), (4, 6, 6), (144,)]
    assert [row.receptive_field for row in rows[:3]] == [5, 6, 10]
    assert rows[0].parameters == 3 * 8 * 25 + 8
    assert rows[2].multiply_adds == 4 * 6 * 6 * 8 * 9


def test_the_receptive_field_is_what_an_output_can_see():
    trunk = thin(1, (4, 4, 4))[:-2].eval()
    row = layer_table(trunk, torch.zeros(1, 1, 128, 128))[-1]
    image = torch.randn(1, 1, 128, 128, generator=torch.Generator().manual_seed(1))
    image.requires_grad_()
    for parameter in trunk.parameters():
        nn.init.constant_(parameter, 0.1)
    trunk(image)[0, 0, 8, 8].backward()
    seen = image.grad[0, 0].abs().sum(0).nonzero()
    assert seen.max() - seen.min() + 1 == row.receptive_field


def test_initial_weights_come_from_the_seed_alone():
    torch.manual_seed(1)
    first = seeded(lambda: thin(1), 5)
    drawn = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(drawn, torch.rand(1)), "the global generator moved"
    second = seeded(lambda: thin(1), 5)
    other = seeded(lambda: thin(1), 6)
    assert torch.equal(first[0].weight, second[0].weight)
    assert not torch.equal(first[0].weight, other[0].weight)
