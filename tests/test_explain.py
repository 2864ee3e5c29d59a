"""Attribution methods: on networks whose evidence is known, they find it."""

import warnings
from dataclasses import replace
from functools import partial

import pytest
import torch
from captum.attr import Deconvolution, GuidedBackprop, IntegratedGradients, LayerGradCam, Occlusion
from explained import Binary, Pixels, batch_of, random_batch, seeded, small_cnn
from torch import nn

from deepfield.explain.chunks import chunk_for, in_chunks
from deepfield.explain.deconvnet import deconvnet
from deepfield.explain.dream import dream
from deepfield.explain.grad_cam import class_activation, grad_cam
from deepfield.explain.guided_backpropagation import guided_backpropagation
from deepfield.explain.integrated_gradients import (
    complete_gradients,
    completeness,
    integrated_gradients,
)
from deepfield.explain.occlusion import losses, occlusion
from deepfield.explain.octaves import dream_on
from deepfield.explain.quadrature import faint_first, gauss_legendre, left_riemann
from deepfield.explain.relu_rule import ReluRule
from deepfield.explain.saliency import gradient, gradient_times_input, saliency
from deepfield.explain.shares import by_band, by_pixel
from deepfield.explain.target import answer, evaluate, log_odds, output
from deepfield.explain.units import energy, map_mean, strongest_unit

# A linear answer: every method gives its weights.

WEIGHT = torch.randn(2, 12, 12, generator=torch.Generator().manual_seed(7))


def linear(batch):
    return (batch.values * WEIGHT).sum((1, 2, 3)) + 3.0


def test_gradients_of_a_linear_answer_are_its_weights():
    batch = random_batch()
    torch.testing.assert_close(gradient(linear, batch), WEIGHT.expand(3, -1, -1, -1))
    torch.testing.assert_close(saliency(linear, batch), WEIGHT.abs().expand(3, -1, -1, -1))
    torch.testing.assert_close(deconvnet(linear, batch), WEIGHT.expand(3, -1, -1, -1))
    torch.testing.assert_close(gradient_times_input(linear, batch), WEIGHT * batch.values)
    for rule in (faint_first, gauss_legendre, left_riemann):
        maps = integrated_gradients(linear, batch, baseline=0.5, steps=20, rule=rule)
        torch.testing.assert_close(maps, (batch.values - 0.5) * WEIGHT, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("window", "stride"), [(4, 4), (5, 3), (3, 1), (12, 12)])
def test_occlusion_of_a_linear_answer_is_what_the_window_holds(window, stride):
    batch = random_batch()
    held = (batch.values - 0.25) * WEIGHT
    starts = [*range(0, 12 - window, stride), 12 - window]
    for bands, sums in (
        (None, held.sum(1, keepdim=True)),
        ([(0,), (1,)], held),
        ([(1,)], held[:, 1:]),
    ):
        lost = losses(linear, batch, window, stride, 0.25, bands=bands, chunk=7)
        for i, y in enumerate(starts):
            for j, x in enumerate(starts):
                expected = sums[:, :, y : y + window, x : x + window].sum((2, 3))
                torch.testing.assert_close(lost[:, :, i, j], expected, atol=2e-5, rtol=1e-4)


def test_the_dream_of_a_linear_answer_is_its_weights_over_two_lambda():
    batch = random_batch(objects=2)
    best = dream(linear, batch, penalty=0.4)
    expected = (WEIGHT / 0.8).expand(2, -1, -1, -1)
    cosine = torch.cosine_similarity(best.flatten(1), expected.flatten(1))
    assert float(cosine.min()) >= 0.9999
    torch.testing.assert_close(best, expected, atol=0.01, rtol=0.01)


def test_dreams_count_pixels_in_units_of_the_noise():
    batch = random_batch(objects=1)
    sigma = torch.tensor([0.5, 2.0])[None, :, None, None]
    best = dream(linear, replace(batch, variance=sigma**2), penalty=0.4, rate=0.2)
    # S = sum w sigma u, so u = w sigma / (2 lambda) and I = sigma u.
    torch.testing.assert_close(best, WEIGHT[None] * sigma**2 / 0.8, atol=0.02, rtol=0.02)


# Identities on networks.


def test_occlusion_is_captums():
    net, batch = small_cnn(), random_batch()
    ours = occlusion(output(net, 1), batch, window=4, stride=2, chunk=5)
    theirs = Occlusion(net).attribute(
        batch.values, sliding_window_shapes=(2, 4, 4), strides=(2, 2, 2), baselines=0.0, target=1
    )
    torch.testing.assert_close(ours, theirs[:, :1], atol=1e-6, rtol=1e-5)


def test_integrated_gradients_are_captums_and_complete():
    net, batch = small_cnn(relu=nn.Softplus, pool=nn.AvgPool2d), random_batch()
    ours = integrated_gradients(output(net, 1), batch, rule=gauss_legendre)
    theirs = IntegratedGradients(net).attribute(batch.values, target=1, n_steps=50)
    torch.testing.assert_close(ours, theirs.float(), atol=1e-6, rtol=1e-4)
    for rule in (gauss_legendre, faint_first):
        maps = integrated_gradients(output(net, 1), batch, rule=rule, baseline=-0.5)
        gap = completeness(maps, output(net, 1), batch, baseline=-0.5)
        assert float(gap.max()) <= 0.01


def test_objects_that_are_not_complete_get_more_steps():
    net, batch = small_cnn(), random_batch(20)
    target = output(net, 1)
    asked = []

    def rule(steps):
        asked.append(steps)
        return faint_first(steps)

    few = completeness(integrated_gradients(target, batch, steps=10), target, batch)
    maps = complete_gradients(target, batch, tolerance=0.02, steps=10, most=2000, rule=rule)
    assert float(few.max()) > 0.02 >= float(completeness(maps, target, batch).max())
    assert asked == [10 * 2**n for n in range(len(asked))] and len(asked) > 1
    enough = few <= 0.02
    kept = integrated_gradients(target, batch.take(enough.nonzero()[:, 0]), steps=10)
    torch.testing.assert_close(maps[enough], kept)
    stopped = complete_gradients(lambda batch: target(batch) * 0, batch, steps=10, most=40)
    assert bool((stopped == 0).all())


@pytest.mark.parametrize("steps", [5, 50])
def test_the_left_riemann_sum_is_short_by_one_over_n(steps):
    batch = batch_of(random_batch().values.double())

    def squares(batch):
        return batch.values.square().sum((1, 2, 3))

    maps = integrated_gradients(squares, batch, steps=steps, rule=left_riemann)
    relative = 1 - maps.sum((1, 2, 3)) / squares(batch)
    torch.testing.assert_close(relative, torch.full_like(relative, 1 / steps))


def test_networks_that_do_the_same_are_explained_the_same():
    # Twice as many units of half the weight, and a scale that moves from one layer to the next.
    net = small_cnn()
    other = Pixels(
        nn.Conv2d(2, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(12, 8, 3, padding=1),
        nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 2),
    ).eval()  # fmt: skip
    with torch.no_grad():
        other[0].weight.copy_(net[0].weight.repeat(2, 1, 1, 1) * 4)
        other[0].bias.copy_(net[0].bias.repeat(2) * 4)
        other[3].weight.copy_(net[3].weight.repeat(1, 2, 1, 1) / 8)
        other[3].bias.copy_(net[3].bias)
        other[7].load_state_dict(net[7].state_dict())
    batch = random_batch()
    for method in (saliency, integrated_gradients, partial(occlusion, window=4)):
        one, two = method(output(net, 1), batch), method(output(other, 1), batch)
        torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-4)


def test_a_pixel_that_decides_has_evidence_and_one_that_is_ignored_has_none():
    batch = random_batch(channels=1, side=8).values.abs()
    batch = batch_of(batch)

    def target(batch):
        return batch.values[:, 0, 2, 5].square()

    for method in (saliency, integrated_gradients, partial(occlusion, window=1, stride=1)):
        maps = by_pixel(method(target, batch)).flatten(1) != 0
        assert maps.nonzero()[:, 1].tolist() == [2 * 8 + 5] * 3


def test_deconvnet_is_the_gradient_without_relus():
    net, batch = small_cnn(relu=nn.Identity), random_batch()
    target = output(net, 1)
    torch.testing.assert_close(
        deconvnet(target, batch), gradient(target, batch), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("inplace", [False, True])
def test_relu_rules_are_the_papers(inplace):
    batch, reference = random_batch(), small_cnn()
    target = output(small_cnn(inplace=inplace), 1)
    plain = gradient(target, batch)
    # Captum cannot do in-place ReLUs: the network with the same weights that has none answers.
    for ours, theirs in ((deconvnet, Deconvolution), (guided_backpropagation, GuidedBackprop)):
        maps = ours(target, batch)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # captum says that it hooks
            expected = theirs(reference).attribute(batch.values, target=1)
        torch.testing.assert_close(maps, expected, atol=1e-6, rtol=1e-5)
        assert not torch.allclose(maps, plain, atol=1e-3)
    torch.testing.assert_close(gradient(target, batch), plain)


def test_relu_rules_see_functions_too():
    x = torch.tensor([-1.0, 2.0, 3.0], requires_grad=True)
    for relu in (torch.relu, nn.functional.relu, lambda x: (x * 1).relu_(), torch.Tensor.relu):
        with ReluRule(lambda entered, arriving: arriving.clamp(min=0)):
            y = relu(x)
        assert y.tolist() == [0, 2, 3]
        (back,) = torch.autograd.grad((y * torch.tensor([1.0, -1.0, 2.0])).sum(), x)
        assert back.tolist() == [1, 0, 2]


@pytest.mark.parametrize("layer", ["0", "3", "4"])
def test_class_activation_is_captums(layer):
    net, batch = small_cnn(), random_batch()
    ours = class_activation(output(net, 1), batch, net, layer)
    theirs = LayerGradCam(net, net[int(layer)]).attribute(
        batch.values, target=1, relu_attributions=True
    )
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


def test_class_activation_is_not_misled_by_what_happens_in_place():
    batch = random_batch()
    same = [
        class_activation(output(net, 1), batch, net, "3")
        for net in (small_cnn(), small_cnn(inplace=True))
    ]
    torch.testing.assert_close(*same)


def test_grad_cam_lies_where_its_units_look():
    # Stride 2 with padding 1: unit i looks at 2 i, not at the middle of the i-th half.
    net = seeded(0, lambda: Pixels(nn.Conv2d(1, 1, 3, stride=2, padding=1)))
    nn.init.constant_(net[0].weight, 1.0)
    nn.init.constant_(net[0].bias, 0.0)
    values = torch.zeros(1, 1, 16, 16)
    values[0, 0, 10, 4] = 1
    maps = grad_cam(lambda batch: net(batch).sum((1, 2, 3)), batch_of(values), net, "0")
    assert divmod(int(maps[0, 0].argmax()), 16) == (10, 4)
    torch.testing.assert_close(maps[0, 0, 10, 3:6], torch.tensor([0.5, 1.0, 0.5]))


# Any answer, any band, any amount of memory.


def test_any_number_can_be_explained():
    net, batch = small_cnn(), random_batch()

    def width(batch):
        return net(batch).std(1)

    for target in (
        width,
        log_odds(net, Binary(), "kind", "cheat"),
        lambda batch: batch.values[:, 0, 3, 3] * net(batch)[:, 0],
        map_mean(net, "3", 2),
        strongest_unit(net, "3", 2),
        energy(net, "1"),
    ):
        for method in (saliency, deconvnet, integrated_gradients):
            assert method(target, batch).shape == batch.values.shape
        assert occlusion(target, batch, window=6, stride=6).shape == (3, 1, 12, 12)


def test_bands_share_the_evidence():
    batch = random_batch()

    def red(batch):
        return batch.values[:, 1].square().sum((1, 2))

    for maps in (
        saliency(red, batch),
        integrated_gradients(red, batch),
        occlusion(red, batch, window=4, bands=[(0,), (1,)]),
    ):
        torch.testing.assert_close(by_band(maps), torch.tensor([[0.0, 1.0]]).expand(3, 2))


def test_chunks_change_nothing_and_the_batch_stays_as_it_is():
    net = small_cnn()
    batch = replace(random_batch(5), variance=torch.rand(5, 2, 1, 1) + 0.5)
    before = batch.values.clone()
    target = output(net, 0)
    for method in (saliency, integrated_gradients, deconvnet, partial(occlusion, window=4)):
        torch.testing.assert_close(method(target, batch, chunk=2), method(target, batch, chunk=99))
    for method in (partial(dream, steps=3), partial(dream_on, octaves=1, steps=2)):
        torch.testing.assert_close(method(target, batch, chunk=2), method(target, batch, chunk=99))
    assert bool((batch.values == before).all())
    assert saliency(target, batch.take(torch.arange(0))).shape == (0, 2, 12, 12)
    assert occlusion(target, batch.take(torch.arange(0)), window=4).shape == (0, 1, 12, 12)


def test_a_chunk_that_does_not_fit_is_halved():
    sizes = []

    def compute(rows):
        sizes.append(len(rows))
        if len(rows) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return rows

    assert in_chunks(compute, 20, chunk=16).tolist() == list(range(20))
    assert sizes[:3] == [16, 8, 4] and max(sizes[3:]) == 2

    def hopeless(rows):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    with pytest.raises(RuntimeError, match="allocate"):
        in_chunks(hopeless, 4, chunk=4)


def test_larger_stamps_come_fewer_at_a_time():
    few = [chunk_for(random_batch(1, 3, side), None) for side in (32, 64, 128, 512)]
    assert few == sorted(few, reverse=True) and few[0] > few[-1] == 1


def test_masked_pixels_do_not_spoil_a_map():
    batch = random_batch()
    batch.values[0, 0, 3, 3] = torch.nan
    for method in (saliency, integrated_gradients, partial(occlusion, window=4)):
        assert bool(method(output(small_cnn(), 0), batch).isfinite().all())


# What cannot be answered is said in one line.


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda net, b: grad_cam(output(net, 0), b, net, "9"), r"no layer '9'; it has 0 \(Conv2d"),
        (lambda net, b: grad_cam(output(net, 0), b, net, "7"), "has no maps but"),
        (lambda net, b: saliency(output(net, 5), b), "no output 5; the network gives 0 to 1"),
        (
            lambda net, b: saliency(answer(net, Binary(), "shape", "a"), b),
            "no answer 'shape'; it has kind",
        ),
        (
            lambda net, b: saliency(answer(net, Binary(), "kind", "spiral"), b),
            "no class 'spiral'; it has plain, cheat",
        ),
        (
            lambda net, b: saliency(answer(net, Binary(), "kind", "cheat", size=8), b),
            "stamps are 12 px; the network has seen 8 px",
        ),
        (lambda net, b: saliency(net, b), "expected one number each"),
        (lambda net, b: saliency(lambda b: b.values.detach().sum((1, 2, 3)), b), "not different"),
        (
            lambda net, b: occlusion(output(net, 0), b, window=13),
            "window of 13 px on stamps of 12",
        ),
        (lambda net, b: occlusion(output(net, 0), b, window=0), "window of 0 px"),
        (lambda net, b: occlusion(output(net, 0), b, 2, 3), "pixels would be skipped"),
        (lambda net, b: occlusion(output(net, 0), b, bands=[(2,)]), r"band 2"),
        (lambda net, b: saliency(output(net, 0), b, chunk=0), "chunk is 0"),
        (lambda net, b: integrated_gradients(output(net, 0), b, steps=0), "0 steps"),
        (lambda net, b: complete_gradients(output(net, 0), b, tolerance=0), "tolerance of 0"),
        (lambda net, b: dream(output(net, 0), b, penalty=-1.0), "penalty is -1.0"),
        (lambda net, b: dream_on(output(net, 0), b, zoom=1.0), "above 1"),
        (lambda net, b: dream_on(output(net, 0), b, octaves=2), "takes? .*octaves=1|octaves=1"),
        (lambda net, b: saliency(output(net, 0), replace(b, grid=("x", "y"))), "expected images"),
        (lambda net, b: map_mean(net, "0", 6)(b), "layer '0' has no map 6; it has 6"),
    ],
)
def test_bad_input_is_refused_in_one_line(call, words):
    with pytest.raises(ValueError, match=words) as caught:
        call(small_cnn(), random_batch())
    assert "\n" not in str(caught.value)


def test_evaluate_returns_what_the_target_gives():
    assert evaluate(linear, random_batch()).shape == (3,)
