"""The slides' formulas: PyTorch's layers against definitions and hand-computed numbers."""

from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import signal
from torch import nn

from deepfield.nets.convolution import convolution_matrix, convolved, transposed
from deepfield.nets.layers import layer_table
from deepfield.train import schedules

SLIDE = [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


# Convolution


def test_the_mean_of_the_slides_image():
    # The slides print 4.7 in the first row where it is 1.7.
    image, mean = torch.tensor(SLIDE).float(), torch.full((3, 3), 1 / 9)
    golden = torch.tensor([[15, 15, 15], [9, 11, 16], [10, 7, 12]]) / 9
    assert torch.allclose(F.conv2d(image[None, None], mean[None, None])[0, 0], golden)
    pooled = F.avg_pool2d(image[None, None], 3, stride=1)[0, 0]
    assert torch.allclose(pooled, golden)
    rounded = [[1.67, 1.67, 1.67], [1.0, 1.22, 1.78], [1.11, 0.78, 1.33]]
    assert np.allclose(golden, rounded, atol=0.005)


def test_the_slides_one_dimensional_formula_does_not_flip():
    f, g = drawn(12), drawn(5, seed=1)
    by_hand = [sum(f[k] * g[k - x] for k in range(x, x + 5)) for x in range(8)]
    ours = F.conv1d(f[None, None], g[None, None])[0, 0]
    assert torch.allclose(ours, torch.stack(by_hand))
    assert np.allclose(ours, signal.correlate(f, g, "valid"))
    assert np.allclose(ours, signal.convolve(f, g.flip(0), "valid"))


def test_the_slides_two_dimensional_formula_flips():
    f, g = drawn(6, 7), drawn(3, 3, seed=1)
    by_hand = torch.zeros(8, 9, dtype=torch.double)
    for x, y in product(range(8), range(9)):
        inside = product(range(max(x - 2, 0), min(x, 5) + 1), range(max(y - 2, 0), min(y, 6) + 1))
        by_hand[x, y] = sum(f[i, j] * g[x - i, y - j] for i, j in inside)
    assert np.allclose(by_hand, signal.convolve2d(f, g))
    flipped = F.conv2d(f[None, None], g.flip(0, 1)[None, None], padding=2)[0, 0]
    assert torch.allclose(flipped, by_hand)
    unflipped = F.conv2d(f[None, None], g[None, None], padding=2)[0, 0]
    assert np.allclose(unflipped, signal.correlate2d(f, g))
    assert not torch.allclose(unflipped, by_hand)


def test_a_pixel_of_a_map_is_a_neuron_of_its_window():
    layer = nn.Conv2d(3, 4, 5).double()
    image = drawn(1, 3, 9, 8)
    neuron = nn.Linear(3 * 5 * 5, 4).double()
    neuron.load_state_dict({"weight": layer.weight.flatten(1), "bias": layer.bias})
    window = image[0, :, 2:7, 3:8].flatten()
    assert torch.allclose(layer(image)[0, :, 2, 3], neuron(window))


def test_channels_are_summed_and_strides_skip_and_dilation_spreads():
    image, kernel = drawn(1, 3, 12, 12), drawn(2, 3, 3, 3, seed=1)
    full = F.conv2d(image, kernel)
    each = [F.conv2d(image[:, c : c + 1], kernel[:, c : c + 1]) for c in range(3)]
    assert torch.allclose(full, sum(each))
    assert torch.allclose(F.conv2d(image, kernel, stride=2), full[:, :, ::2, ::2])
    spread = torch.zeros(2, 3, 5, 5, dtype=torch.double)
    spread[:, :, ::2, ::2] = kernel
    assert torch.allclose(F.conv2d(image, kernel, dilation=2), F.conv2d(image, spread))


def test_a_shifted_image_gives_shifted_maps():
    image, kernel = drawn(1, 1, 16, 16), drawn(1, 1, 3, 3, seed=1)
    moved = F.conv2d(image.roll((2, 3), (2, 3)), kernel)
    assert torch.allclose(moved[..., 2:, 3:], F.conv2d(image, kernel)[..., :-2, :-3])


@settings(max_examples=100, deadline=None)
@given(*[st.integers(low, high) for low, high in ((1, 40), (1, 7), (1, 4), (0, 3), (1, 3))])
def test_sizes_are_torchs(size, kernel, stride, padding, dilation):
    assume(dilation * (kernel - 1) + 1 <= size + 2 * padding)
    setting = {"stride": stride, "padding": padding, "dilation": dilation}
    image = torch.empty(1, 1, size, device="meta")
    layer = nn.Conv1d(1, 1, kernel, **setting, device="meta")
    out = convolved(size, kernel, **setting)
    assert out == layer(image).shape[-1]
    # Of what is left over by the stride, the transposed convolution has to be told.
    left = size - transposed(out, kernel, **setting)
    assert 0 <= left < stride
    back = nn.ConvTranspose1d(1, 1, kernel, **setting, output_padding=left, device="meta")
    assert back(layer(image)).shape[-1] == size
    assert transposed(out, kernel, **setting, output_padding=left) == size


def test_sizes_of_the_slides():
    assert convolved(5, 3) == 5 - 3 + 1
    assert [convolved(75, 5, padding=2), convolved(75, 2, stride=2)] == [75, 37]
    with pytest.raises(ValueError, match="one that fits"):
        convolved(4, 3, dilation=2)


def test_every_pixel_connected_to_every_other_is_too_much():
    layer = nn.Linear(512 * 512, 512 * 512, bias=False, device="meta")
    assert layer.weight.numel() == 68_719_476_736 == pytest.approx(6.87e10, rel=1e-3)


def test_small_kernels_in_a_row_see_as_far_as_a_large_one():
    for count in (1, 2, 5):
        net = nn.Sequential(*[nn.Conv2d(1, 1, 3) for _ in range(count)])
        assert layer_table(net, torch.zeros(1, 1, 32, 32))[-1].receptive_field == 2 * count + 1
    one = layer_table(nn.Conv2d(1, 1, 5), torch.zeros(1, 1, 32, 32))[0]
    two = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3))
    assert layer_table(two, torch.zeros(1, 1, 32, 32))[-1].receptive_field == one.receptive_field
    pooled = nn.Sequential(nn.Conv2d(1, 1, 3), nn.MaxPool2d(2), nn.Conv2d(1, 1, 3))
    assert layer_table(pooled, torch.zeros(1, 1, 32, 32))[-1].receptive_field == 3 + 1 + 4


# The matrix of a convolution, and its transpose


def test_a_convolution_is_a_4_by_16_matrix():
    kernel = torch.arange(1.0, 10.0).reshape(3, 3)
    matrix = convolution_matrix(kernel, (4, 4))
    assert matrix.shape == (4, 16)
    assert matrix[0].tolist() == [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0]
    assert matrix[3].tolist() == [0, 0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9]


@pytest.mark.parametrize(("size", "stride"), [((4, 4), 1), ((7, 5), 1), ((9, 8), 2), ((9, 9), 3)])
def test_the_matrix_and_its_transpose_are_torchs_layers(size, stride):
    kernel, image = drawn(3, 2), drawn(*size, seed=1)
    matrix = convolution_matrix(kernel, size, stride=stride)
    maps = F.conv2d(image[None, None], kernel[None, None], stride=stride)[0, 0]
    assert torch.allclose(matrix @ image.flatten(), maps.flatten())
    other = drawn(*maps.shape, seed=2)
    back = matrix.T @ other.flatten()
    left = [s - transposed(m, k, stride=stride)
            for s, m, k in zip(size, maps.shape, (3, 2), strict=True)]  # fmt: skip
    torchs = F.conv_transpose2d(
        other[None, None], kernel[None, None], stride=stride, output_padding=left
    )
    assert torch.allclose(back.reshape(size), torchs[0, 0])
    assert torch.allclose(maps.flatten() @ other.flatten(), image.flatten() @ back)


def test_the_transpose_is_no_inverse():
    matrix, image = convolution_matrix(drawn(3, 3), (4, 4)), drawn(16, seed=1)
    assert not torch.allclose(matrix.T @ (matrix @ image), image, atol=0.1)


def test_the_matrix_passes_gradients_to_the_kernel():
    kernel, image = drawn(3, 3).requires_grad_(), drawn(6, 6, seed=1)
    (convolution_matrix(kernel, (6, 6)) @ image.flatten()).square().sum().backward()
    through_matrix, kernel.grad = kernel.grad, None
    F.conv2d(image[None, None], kernel[None, None]).square().sum().backward()
    assert torch.allclose(kernel.grad, through_matrix)


# Pooling and unpooling


@pytest.mark.parametrize("grid", [(12,), (8, 6)])
def test_pooling_is_a_sum_a_root_of_squares_or_the_largest(grid):
    image, dimensions = drawn(2, 3, *grid), len(grid)
    windows = image.unfold(2, 2, 2)
    windows = windows if dimensions == 1 else windows.unfold(3, 2, 2).flatten(-2)
    power, largest = (
        (nn.LPPool1d, nn.MaxPool1d) if dimensions == 1 else (nn.LPPool2d, nn.MaxPool2d)
    )
    assert torch.allclose(power(1, 2)(image), windows.sum(-1))
    assert torch.allclose(power(2, 2)(image), windows.square().sum(-1).sqrt())
    assert torch.equal(largest(2)(image), windows.amax(-1))


@pytest.mark.parametrize("pool", [nn.LPPool1d(2, 2), nn.LPPool2d(2, 2)])
def test_square_sums_of_nothing_have_a_gradient(pool):
    empty = torch.zeros((1, 1, 4) if isinstance(pool, nn.LPPool1d) else (1, 1, 4, 4))
    empty.requires_grad_()
    pool(empty).sum().backward()
    assert (empty.grad == 0).all()


def test_unpooling_copies_a_pixel_over_its_window():
    small = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    golden = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    large = nn.Upsample(scale_factor=2)(small)
    assert large[0, 0].tolist() == golden
    assert torch.equal(F.avg_pool2d(large, 2), small)


def test_unpooling_by_switches_puts_it_back_where_it_was():
    image = torch.tensor([[1.0, 5, 2, 0], [3, 4, 1, 6], [0, 1, 9, 2], [7, 2, 3, 1]])[None, None]
    pooled, switches = nn.MaxPool2d(2, return_indices=True)(image)
    golden = [[0, 5, 0, 0], [0, 0, 0, 6], [0, 0, 9, 0], [7, 0, 0, 0]]
    large = nn.MaxUnpool2d(2)(pooled, switches)
    assert large[0, 0].tolist() == golden
    assert torch.equal(nn.MaxPool2d(2)(large), pooled)
    image.requires_grad_()
    (upstream,) = torch.autograd.grad(nn.MaxPool2d(2)(image), image, pooled)
    assert torch.equal(upstream, large)


# Batch norm and dropout


def test_batch_norm_is_the_slides():
    layer, maps = nn.BatchNorm2d(3, momentum=1.0).double(), 5 + 3 * drawn(8, 3, 6, 6)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([1.0, 2.0, 0.5]))
        layer.bias.copy_(torch.tensor([0.0, -1.0, 3.0]))
    out, m = layer(maps), 8 * 6 * 6
    mean = maps.mean((0, 2, 3), keepdim=True)
    variance = (maps - mean).square().sum((0, 2, 3), keepdim=True) / m
    normal = (maps - mean) / (variance + layer.eps).sqrt()
    scale, shift = (p.reshape(1, 3, 1, 1) for p in (layer.weight, layer.bias))
    assert torch.allclose(out, scale * normal + shift)
    assert torch.allclose(out.mean((0, 2, 3)), layer.bias)
    assert torch.allclose(out.std((0, 2, 3), correction=0), layer.weight, atol=1e-5)
    # What it remembers for later is the unbiased variance.
    assert torch.allclose(layer.running_mean, mean.flatten())
    assert torch.allclose(layer.running_var, variance.flatten() * m / (m - 1))
    later = (maps - mean) / (layer.running_var.reshape(1, 3, 1, 1) + layer.eps).sqrt()
    assert torch.allclose(layer.eval()(maps), scale * later + shift)


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_dropout_keeps_the_mean_and_adds_a_known_variance(rate):
    torch.manual_seed(0)
    x, layer = torch.tensor([1.0, -3.0]), nn.Dropout(rate)
    draws = layer(x.expand(200_000, 2))
    assert torch.allclose(draws.mean(0), x, atol=0.03)
    assert torch.allclose(draws.var(0), x.square() * rate / (1 - rate), rtol=0.02)
    kept = draws[draws != 0]
    assert torch.allclose(kept.abs().unique(), x.abs() / (1 - rate))
    assert torch.equal(layer.eval()(x), x)


def test_dropout_averages_two_to_the_n_networks():
    inputs, weights = drawn(6), drawn(6, seed=1)
    masks = list(product((0, 1), repeat=6))
    answers = [2 * (torch.tensor(mask) * inputs) @ weights for mask in masks]
    assert len(answers) == 2**6
    assert torch.allclose(sum(answers) / 64, inputs @ weights)


# Decays of the learning rate: t counts epochs or updates


def test_the_slides_decays():
    rate, epochs, k = 0.1, 40, 0.07
    exponential = schedules.exponential(end=np.exp(-k * epochs))
    inverse = schedules.inverse(decay=k * epochs)
    for t in range(epochs + 1):
        assert rate * exponential(t / epochs) == pytest.approx(rate * np.exp(-k * t))
        assert rate * inverse(t / epochs) == pytest.approx(rate / (1 + k * t))
    fixed = schedules.drops(at=tuple(t / epochs for t in range(10, 40, 10)), amount=0.3)
    assert [fixed(t / epochs) for t in (0, 9, 10, 20, 30, 40)] == pytest.approx(
        [1, 1, 0.7, 0.4, 0.1, 0.1]
    )
    assert schedules.drops(at=(0.1, 0.2), amount=0.8)(0.5) == 0


@pytest.mark.parametrize("updates", [1, 7, 30])
def test_decays_an_epoch_are_torchs(updates):
    # Of 22 epochs, some begin a rounding error before their fraction of the run.
    epochs = 22
    weight = nn.Parameter(torch.zeros(1))
    pairs = [
        (
            schedules.steps(at=tuple(t / epochs for t in (4, 8, 12, 16, 20)), factor=0.5),
            lambda o: torch.optim.lr_scheduler.StepLR(o, 4, 0.5),
        ),
        (
            schedules.each_epoch(schedules.exponential(end=0.8**epochs), epochs),
            lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.8),
        ),
    ]
    for ours, torchs in pairs:
        optimizer = torch.optim.SGD([weight], lr=1.0)
        schedule = torchs(optimizer)
        for epoch in range(epochs):
            for update in range(updates):
                done = (epoch * updates + update) / (epochs * updates)
                assert ours(done) == pytest.approx(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()


def test_keras_decay_is_the_inverse_law_an_update():
    decay, epochs, updates = 1e-3, 5, 20
    law = schedules.inverse(decay=decay * epochs * updates)
    rates = [1 / (1 + decay * n) for n in range(epochs * updates)]
    assert [law(n / len(rates)) for n in range(len(rates))] == pytest.approx(rates)
    slow = schedules.each_epoch(law, epochs)
    assert [slow(n / len(rates)) for n in range(len(rates))] == pytest.approx(
        np.repeat(rates[::updates], updates)
    )


def test_impossible_decays_are_refused():
    for build in (
        lambda: schedules.drops(amount=0),
        lambda: schedules.drops(amount=float("nan")),
        lambda: schedules.drops(at=(1.5,)),
        lambda: schedules.each_epoch(schedules.constant(), 0),
    ):
        with pytest.raises(ValueError, match="expected a number"):
            build()
