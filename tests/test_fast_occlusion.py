"""Fast occlusion: what full copies give, whatever the network, without making them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from deepfield.explain.blocks import Blocks
from deepfield.explain.fast_occlusion import fast_losses, fast_occlusion
from deepfield.explain.occlusion import losses, occlusion
from deepfield.explain.spans import Span
from deepfield.explain.target import answer, output
from deepfield.nets.network import Network
from deepfield.nets.thin import thin
from deepfield.nouns.batch import Batch
from deepfield.nouns.prediction import Classes, Prediction
from deepfield.nouns.quantity import Quantity

KIND = Quantity("kind", classes=("smooth", "spiral"))
ACTIVATIONS = [
    nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.SiLU, nn.GELU, nn.ELU, nn.Sigmoid, nn.Tanh, nn.Softplus,
    nn.Hardswish, nn.ReLU6, nn.Identity, nn.Dropout, lambda: nn.ReLU(inplace=True),
]  # fmt: skip


class Pixels(nn.Sequential):
    """Layers on the values of a batch."""

    def forward(self, batch):
        return super().forward(batch.values)


class Residual(nn.Module):
    """x + f(x), or a 1x1 convolution of x where f changes its shape."""

    def __init__(self, layers, shortcut=None):
        super().__init__()
        self.layers, self.shortcut = layers, shortcut or nn.Identity()

    def forward(self, x):
        return self.layers(x) + self.shortcut(x)


class Apply(nn.Module):
    """Any function of a map."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def norm(channels):
    layer = nn.BatchNorm2d(channels)
    with torch.no_grad():
        for values in (layer.weight, layer.bias, layer.running_mean):
            values.normal_()
        layer.running_var.uniform_(0.5, 2)
    return layer


def random_net(seed, channels, height, width):
    """Layers drawn one after the other, as long as there are pixels, and one of three heads."""
    draw = np.random.default_rng(seed)
    layers, pixels = [], torch.zeros(1, channels, height, width)
    for _ in range(draw.integers(2, 7)):
        width_in = pixels.shape[1]
        kernel = tuple(int(k) for k in draw.integers(1, 5, 2))
        kind = draw.choice(["conv", "conv", "conv", "max", "mean", "residual", "up"])
        groups = width_in if draw.random() < 0.2 else 1
        if kind == "conv":
            stride = tuple(int(s) for s in draw.integers(1, 4, 2))
            settings = {"padding": tuple(int(p) for p in draw.integers(0, 4, 2))}
            settings |= {"dilation": int(draw.integers(1, 3)), "groups": groups}
            if draw.random() < 0.3:
                stride, settings["padding"] = 1, "same"
            new = [nn.Conv2d(width_in, 6 * groups, kernel, stride, **settings)]
            new += [norm(6 * groups)] if draw.random() < 0.5 else []
        elif kind in ("max", "mean"):
            stride, ceil = int(draw.integers(1, 4)), bool(draw.random() < 0.3)
            padding = int(draw.integers(0, min(kernel) // 2 + 1))
            pool = nn.MaxPool2d if kind == "max" else nn.AvgPool2d
            new = [pool(kernel, stride, padding, ceil_mode=ceil)]
        elif kind == "up":
            new = [nn.ConvTranspose2d(width_in, 5, kernel, int(draw.integers(1, 3)), padding=1)]
        else:
            inner = nn.Sequential(
                nn.Conv2d(width_in, 7, 3, padding=1), nn.ReLU(), nn.Conv2d(7, 5, 3, padding=1)
            )
            new = [Residual(inner, nn.Conv2d(width_in, 5, 1))]
        new.append(ACTIVATIONS[draw.integers(len(ACTIVATIONS))]())
        try:
            with torch.no_grad():
                following = nn.Sequential(*new).eval()(pixels)
        except RuntimeError:  # no pixels left
            continue
        if following.shape[1:].numel() < 30000:
            layers, pixels = layers + new, following
    pooled = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(pixels.shape[1], 2)]
    flat = [nn.Flatten(), nn.Linear(pixels[0].numel(), 3), nn.ReLU(), nn.Linear(3, 2)]
    coarse = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * pixels.shape[1], 2)]
    return Pixels(*layers, *[pooled, flat, coarse][draw.integers(3)]).eval()


def batch_of(values, **parts):
    ids = np.array([f"{i}" for i in range(len(values))])
    return Batch(ids, values, tuple("grizy"[: values.shape[1]]), **parts)


def images(seed, *shape, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def seeded(seed, build):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build().eval()


def assert_same(target, batch, *arguments, within=1e-12, **settings):
    with torch.no_grad():
        exact = losses(target, batch, *arguments, **settings)
    ours = fast_losses(target, batch, *arguments, **settings)
    assert ours.shape == exact.shape
    assert exact.abs().max() > 1e-6  # there is something to lose
    scale = max(1.0, float(exact.abs().max()))
    assert (ours - exact).abs().max() <= within * scale


def answering(seed, values):
    """The first random network from this seed on whose answer is not the same for any image."""
    for number in range(seed, seed + 3000, 100):
        net = seeded(number, lambda number=number: random_net(number, *values.shape[1:]))
        target = output(net.double(), 1)
        with torch.no_grad():
            if (target(batch_of(values)) - target(batch_of(values + 1))).abs() >= 1e-6:
                return net
    raise AssertionError("no network with an answer")


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("seed", range(30))
def test_any_network_loses_what_it_loses_with_full_copies(seed):
    draw = np.random.default_rng(1000 + seed)
    channels, height, width = (int(n) for n in draw.integers((1, 12, 12), (4, 20, 20)))
    window = int(draw.integers(3, 9))
    stride = int(draw.integers(1 + window // 2, window + 1))
    values = images(seed, 1, channels, height, width)
    net = answering(seed, values)
    target = output(net.double(), 1)
    assert_same(target, batch_of(values), window, stride)
    single = output(net.float(), 1)
    assert_same(single, batch_of(values.float()), window, stride, within=3e-6)


def plain_net(*extra, size=24):
    """Convolutions, poolings, dense layers."""
    return Pixels(
        nn.Conv2d(2, 6, 4, padding=2), nn.ReLU(), nn.Conv2d(6, 8, 3, padding=1), norm(8),
        nn.ReLU(inplace=True), nn.MaxPool2d(2), Residual(nn.Conv2d(8, 8, 3, padding=1)), *extra,
        nn.AvgPool2d(2), nn.SiLU(), nn.Flatten(), nn.Dropout(), nn.Linear(8 * (size // 4) ** 2, 5),
        nn.ReLU(), nn.Linear(5, 2),
    )  # fmt: skip


def test_a_plain_network_never_makes_a_full_map(monkeypatch):
    net = seeded(0, plain_net).double()
    batch = batch_of(images(0, 1, 2, 24, 24))
    exact = losses(output(net, 0), batch, 4, 2)

    def refuse(self):
        raise AssertionError("a full map")

    monkeypatch.setattr(Blocks, "dense", refuse)
    assert (fast_losses(output(net, 0), batch, 4, 2) - exact).abs().max() < 1e-12
    looks_at_all = seeded(0, lambda: plain_net(nn.GroupNorm(2, 8))).double()
    with pytest.raises(AssertionError, match="a full map"):
        fast_losses(output(looks_at_all, 0), batch, 4, 2)


def test_a_block_that_is_a_pixel_too_small_is_seen(monkeypatch):
    net = seeded(0, plain_net).double()
    batch = batch_of(images(0, 1, 2, 24, 24))
    exact = losses(output(net, 0), batch, 4, 2)
    reach = Span.reach

    def short(self, kernel, stride, padding, dilation):
        out = reach(self, kernel, stride, padding, dilation)
        return replace(out, size=out.size - 1) if kernel == stride == 2 else out

    monkeypatch.setattr(Span, "reach", short)
    assert (fast_losses(output(net, 0), batch, 4, 2) - exact).abs().max() > 1e-4


def attention(x):
    tokens = x.flatten(2).transpose(1, 2)
    return F.scaled_dot_product_attention(tokens, tokens, tokens).transpose(1, 2).reshape(x.shape)


def written_through_a_view(x):
    x[:, :3] *= 0.5
    return x + 1


def written_through_an_alias(x):
    y = x.detach()
    y.relu_()
    return x


def written_through_the_flattened(x):
    y = x.flatten(1)
    y.tanh_()
    return x


def read_back(x):
    return x * float(len(x)) / len(x) + x.max().item() * 0  # another program for each chunk


SURROUNDED = {
    "group norm": lambda x: F.group_norm(x, 2),
    "layer norm": lambda x: F.layer_norm(x, x.shape[1:]),
    "attention": attention,
    "channel softmax": lambda x: x.softmax(1),
    "view": written_through_a_view,
    "alias": written_through_an_alias,
    "flattened": written_through_the_flattened,
    "chunk": read_back,
    "upsampled": lambda x: F.avg_pool2d(F.interpolate(x, scale_factor=2), 2),
    "cropped": lambda x: F.pad(x, (-2, 3, 1, -1), value=0.7)[:, :, :12, :12],
    "gate": lambda x: x * x.mean((2, 3), keepdim=True).sigmoid(),
    "joined": lambda x: torch.cat([x[:, :4], x.tanh()[:, 4:]], 1),
    "both": lambda x: torch.cat([x, F.max_pool2d(x, 3, 1, 1)], 1).unflatten(1, (2, 8)).sum(1),
    "map": lambda x: x * torch.linspace(0, 1, 12) + torch.ones(8, 1, 1),
    "rows": lambda x: x + torch.arange(len(x)).reshape(-1, 1, 1, 1).sign() * 0,
    "moved": lambda x: x.roll(3, 2),
    "turned": lambda x: x.transpose(2, 3).contiguous(),
    "into": lambda x: torch.zeros(x.shape, dtype=x.dtype).add_(x),
    "where": lambda x: torch.where(x > 0, x, 0.1 * x),
    "sorted": lambda x: x.flatten(2).sort(2)[0].unflatten(2, (12, 12)),
}


@pytest.mark.parametrize("name", SURROUNDED)
def test_operations_on_the_way(name):
    net = seeded(1, lambda: plain_net(Apply(SURROUNDED[name]))).double()
    assert_same(output(net, 0), batch_of(images(1, 1, 2, 24, 24)), 5, 3)


@pytest.mark.parametrize("chunk", [1, 5, None])
@pytest.mark.parametrize(("window", "stride"), [(8, 4), (5, 3), (24, 24)])
def test_any_chunk_and_window(chunk, window, stride):
    net = seeded(2, plain_net).double()
    assert_same(output(net, 1), batch_of(images(2, 1, 2, 24, 24)), window, stride, chunk=chunk)


def test_objects_bands_and_baselines():
    net = seeded(3, plain_net).double()
    batch, level = batch_of(images(3, 3, 2, 24, 24)), images(4, 3, 2, 1, 1)
    for baseline in (2.0, level, images(5, 24, 24)):
        assert_same(output(net, 1), batch, 8, 8, baseline, bands=[(0,), (1,), (0, 1)])
    assert fast_occlusion(output(net, 0), batch.take(torch.arange(0))).shape == (0, 1, 24, 24)


def test_any_number_of_any_answer():
    class Binary:
        def predict(self, net, batch):
            return Prediction({"kind": Classes(KIND, net(batch).softmax(1))})

    net = seeded(6, plain_net).double()
    batch = batch_of(images(6, 1, 2, 24, 24))
    for target in (
        answer(net, Binary(), "kind", "spiral"),
        lambda batch: batch.values[:, 0, 11, 12],
        lambda batch: batch.values.square().sum((1, 2, 3)),
        lambda batch: batch.values.mean((2, 3))[:, 1],
        lambda batch: net[:3](batch)[:, 2, 5, 5],
    ):
        assert_same(target, batch, 6, 3)
    ours = fast_occlusion(target, batch, 6, 3)
    assert torch.allclose(ours, occlusion(target, batch, 6, 3), rtol=0, atol=1e-12)


def test_our_networks_and_their_stretch():
    values, variance = images(7, 2, 3, 32, 32), images(8, 2, 3, 32, 32).square() + 0.1
    variance[0, 1, 4:9, 6] = torch.inf
    net = seeded(9, lambda: Network(thin(6), outputs=2, channels=3, size=32)).double()
    shared = batch_of(values, variance=variance[:1])
    for batch in (batch_of(values, variance=variance), shared.take(torch.tensor([0]))):
        assert_same(output(net, 0), batch, 8, 8, bands=[(0, 1, 2), (1,)])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 25}, "window of 25 px on stamps of 24 x 24 px; expected 1 to 24"),
        ({"window": 0}, "window of 0 px"),
        ({"stride": 0}, "stride of 0 px"),
        ({"window": 2, "stride": 3}, "pixels would be skipped"),
        ({"chunk": 0}, "chunk is 0"),
        ({"bands": [(2,)]}, "no band 2"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    batch = batch_of(images(0, 1, 2, 24, 24))
    with pytest.raises(ValueError, match=message):
        fast_losses(lambda batch: batch.values.sum((1, 2, 3)), batch, **settings)
