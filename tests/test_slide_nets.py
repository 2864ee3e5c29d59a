"""Networks of the slides, layer by layer, and what initial weights do to depth."""

import warnings
from math import sqrt

import numpy as np
import pytest
import torch
from torch import nn

from deepfield.nets.blocks import ResidualBlock
from deepfield.nets.deepmerge import DeepMerge
from deepfield.nets.dominguez_sanchez import dominguez_sanchez, three_layers
from deepfield.nets.initial import normal, truncated_normal
from deepfield.nets.layers import layer_table
from deepfield.nets.network import Network
from deepfield.nets.seeded import seeded
from deepfield.nets.stretch import AsinhStretch
from deepfield.nouns.batch import Batch


def batch(channels=3, size=75, objects=2):
    values = torch.randn(objects, channels, size, size, generator=torch.Generator().manual_seed(0))
    names = tuple("ugrizy"[:channels])
    return Batch(np.arange(objects).astype(str), values, names, variance=torch.ones_like(values))


def answers(net, batch):
    """Its numbers, after looking that they reach every parameter."""
    numbers = net(batch)
    numbers.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    return numbers


# DeepMerge


def test_deepmerge_is_the_slides_table():
    table = [
        ("Conv2d", (8, 75, 75), 608),
        ("BatchNorm2d", (8, 75, 75), 16),
        ("MaxPool2d", (8, 37, 37), 0),
        ("Conv2d", (16, 37, 37), 1168),
        ("BatchNorm2d", (16, 37, 37), 32),
        ("MaxPool2d", (16, 18, 18), 0),
        ("Conv2d", (32, 18, 18), 4640),
        ("BatchNorm2d", (32, 18, 18), 64),
        ("MaxPool2d", (32, 9, 9), 0),
        ("Flatten", (2592,), 0),
        ("Linear", (64,), 165_952),
        ("Linear", (32,), 2080),
        ("Linear", (2,), 66),
    ]
    rows = layer_table(DeepMerge(), batch())
    assert rows[0].shape == (3, 75, 75)
    rows = [(row.kind, row.shape, row.parameters) for row in rows[1:] if row.kind != "ReLU"]
    assert rows == table
    assert sum(row[2] for row in rows) == 174_626


def test_deepmerge_in_the_authors_order():
    kinds = [type(layer).__name__ for layer in DeepMerge().trunk]
    assert kinds == ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"] * 3 + ["Flatten"]


@pytest.mark.parametrize(("channels", "size", "outputs"), [(3, 75, 2), (1, 64, 3), (4, 8, 1)])
def test_deepmerge_takes_other_bands_and_sizes(channels, size, outputs):
    net = DeepMerge(channels=channels, size=size, outputs=outputs)
    images = batch(channels, size)
    assert answers(net, images).shape == (2, outputs)
    assert net.embed(images).shape == (2, 32 * (size // 8) ** 2)
    wide = DeepMerge(channels=channels, size=size, stretch=AsinhStretch())
    assert wide.trunk[0].in_channels == 2 * channels


# Dominguez Sanchez+18


def test_the_sdss_network_layer_by_layer():
    trunk = dominguez_sanchez(3)
    net = Network(trunk, outputs=1, channels=3, size=69, dropout=0.5, stretch=AsinhStretch((1.0,)))
    rows = [r for r in layer_table(net, batch(size=69)) if r.kind in ("Conv2d", "Linear")]
    assert [(row.shape, row.parameters) for row in rows] == [
        ((32, 69, 69), 32 * 3 * 36 + 32),
        ((64, 69, 69), 64 * 32 * 25 + 64),
        ((128, 34, 34), 128 * 64 * 4 + 128),
        ((128, 17, 17), 128 * 128 * 9 + 128),
        ((64,), 128 * 17 * 17 * 64 + 64),
        ((1,), 65),
    ]
    assert sum(p.numel() for p in net.parameters()) == 2_602_849
    rates = [layer.p for layer in net.modules() if isinstance(layer, nn.Dropout)]
    assert sorted(rates) == [0.25, 0.25, 0.25, 0.5, 0.5]


def test_even_kernels_keep_sides_as_torchs_same_padding_does():
    trunk, image = dominguez_sanchez(2, size=16), batch(2, 16).values
    layer = trunk[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says once a process that it pads a copy
        same = nn.functional.conv2d(image, layer.weight, layer.bias, padding="same")
    assert torch.allclose(trunk[:2](image), same, atol=1e-6)


@pytest.mark.parametrize("size", [32, 69])
def test_tensors_of_the_three_layers_shrink_and_deepen(size):
    net = Network(three_layers(3), outputs=5, channels=3, size=size, stretch=AsinhStretch((1.0,)))
    rows = layer_table(net, batch(size=size))
    assert [row.kind for row in rows if row.kind != "ZeroPad2d"] == [
        *["AsinhStretch", *["Conv2d", "ReLU", "MaxPool2d"] * 3, "Flatten", "Dropout", "Linear"]
    ]
    shapes = [row.shape for row in rows if row.kind == "MaxPool2d"]
    assert shapes == [(w, size >> i, size >> i) for i, w in enumerate((32, 64, 128), start=1)]
    assert answers(net, batch(size=size)).shape == (2, 5)


def test_stamps_that_are_too_small_are_refused():
    for build in (lambda: DeepMerge(size=7), lambda: dominguez_sanchez(3, size=3)):
        with pytest.raises(ValueError, match=r"stamps of \d px; expected"):
            build()


# Residual blocks


def test_any_depth_of_residual_blocks_starts_as_nothing():
    net = nn.Sequential(*[ResidualBlock(4) for _ in range(20)])
    image = torch.rand(2, 4, 8, 8, requires_grad=True)
    assert torch.equal(net(image), image)
    (gradient,) = torch.autograd.grad(net(image).sum(), image)
    assert torch.equal(gradient, torch.ones_like(image))
    negative = ResidualBlock(4)(-image)
    assert (negative == 0).all()


def test_residual_blocks_learn_although_their_gain_starts_at_zero():
    torch.manual_seed(0)
    block, image = ResidualBlock(4), torch.rand(2, 4, 8, 8)
    optimizer = torch.optim.SGD(block.parameters(), lr=0.1)
    before = [p.detach().clone() for p in block.parameters()]
    for _ in range(2):
        optimizer.zero_grad()
        (block(image) - image.flip(2)).square().mean().backward()
        optimizer.step()
    assert not any(
        torch.equal(old, new) for old, new in zip(before, block.parameters(), strict=True)
    )


# Initial weights


def mean_square_after(layers, gain, activation, draw=normal):
    width = 400
    net = seeded(
        lambda: draw(
            nn.Sequential(
                *[
                    module
                    for _ in range(layers)
                    for module in (nn.Linear(width, width), activation())
                ]
            ),
            gain=gain,
        ),
        seed=0,
    )
    signal = torch.randn(64, width, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return float(net(signal).square().mean() / signal.square().mean())


@pytest.mark.parametrize("draw", [normal, truncated_normal])
@pytest.mark.parametrize(
    ("gain", "activation", "factor"),
    [(2, nn.ReLU, 1.0), (1, nn.ReLU, 0.5), (1, nn.Identity, 1.0), (4, nn.ReLU, 2.0)],
)
def test_thirty_layers_keep_halve_or_double_a_signal(draw, gain, activation, factor):
    after = mean_square_after(30, gain, activation, draw)
    assert after ** (1 / 30) == pytest.approx(factor, rel=0.05)


@pytest.mark.parametrize(
    ("weight", "low", "high"), [(0.5, 0, 1e-60), (1, 1, 1), (1.5, 1e35, 1e36)]
)
def test_a_product_of_many_weights_vanishes_or_explodes(weight, low, high):
    # The slides' diagonal network of 200 layers: y = x times the product of its weights.
    layer = weight * torch.eye(2, dtype=torch.double)
    x = torch.ones(2, dtype=torch.double, requires_grad=True)
    y = x
    for _ in range(200):
        y = layer @ y
    (gradient,) = torch.autograd.grad(y.sum(), x)
    for numbers in (y, gradient):
        assert numbers.tolist() == pytest.approx([weight**200] * 2)
        assert all(low <= number <= high for number in numbers.tolist())


@pytest.mark.parametrize("gain", [1, 2])
@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (nn.Linear(400, 300), 400),
        (nn.Conv2d(40, 300, 3), 40 * 9),
        (nn.Conv2d(40, 600, 3, groups=4), 10 * 9),
        (nn.Conv3d(16, 300, 3), 16 * 27),
    ],
)
def test_the_variance_is_gain_over_inputs_truncated_or_not(layer, inputs, gain):
    torch.manual_seed(0)
    free = normal(layer, gain=gain).weight.detach().clone()
    cut = truncated_normal(layer, gain=gain).weight.detach()
    sigma = sqrt(gain / inputs)
    assert float(free.std()) == pytest.approx(sigma, rel=0.02)
    assert float(cut.std()) == pytest.approx(sigma, rel=0.02)
    assert float(cut.abs().max()) == pytest.approx(2 * sigma / 0.87963, rel=0.01)
    assert float(free.abs().max()) > 3 * sigma
    assert (layer.bias == 0).all()


def test_other_layers_keep_what_they_have():
    net = nn.Sequential(nn.BatchNorm2d(3), nn.ConvTranspose2d(3, 3, 2))
    before = [p.detach().clone() for p in net.parameters()]
    assert normal(net) is net
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


@pytest.mark.parametrize("gain", [0, -1, float("nan")])
def test_impossible_gains_are_refused(gain):
    for draw in (normal, truncated_normal):
        with pytest.raises(ValueError, match="gain is"):
            draw(nn.Linear(2, 2), gain=gain)
