"""A planted cheat is found, and maps change when the network forgets it."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from explained import KIND, Binary, Pixels, batch_of, seeded
from torch import nn

from deepfield.explain.deconvnet import deconvnet
from deepfield.explain.grad_cam import grad_cam
from deepfield.explain.guided_backpropagation import guided_backpropagation
from deepfield.explain.integrated_gradients import integrated_gradients
from deepfield.explain.occlusion import occlusion
from deepfield.explain.saliency import gradient_times_input, saliency
from deepfield.explain.sanity import cascade, sanity
from deepfield.explain.shares import by_pixel
from deepfield.explain.target import log_odds, output
from deepfield.nouns.batch import Truth
from deepfield.scores.attribution import pointing_game


def cheats(objects, seed):
    """Noise; in the second class one pixel of both bands is bright."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(objects, 2, 24, 24, generator=generator)
    labels = torch.arange(objects) % 2
    places = torch.randint(2, 22, (objects, 2), generator=generator)
    truth = torch.zeros(objects, 24, 24, dtype=torch.bool)
    truth[torch.arange(objects), places[:, 0], places[:, 1]] = labels > 0
    values += 12.0 * truth[:, None]
    return replace(batch_of(values), truth=Truth({KIND: labels})), truth


@pytest.fixture(scope="module")
def cheated():
    def build():
        net = Pixels(
            nn.Conv2d(2, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 1),
            nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(16, 2),
        )  # fmt: skip
        # Decay, so that the cheat alone decides: where a slope elsewhere is as steep, the gradient
        # points there.
        optimizer = torch.optim.AdamW(net.parameters(), 0.01, weight_decay=1.0)
        for step in range(150):
            batch, _ = cheats(32, step)
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(batch), batch.truth["kind"])
            loss.backward()
            optimizer.step()
        return net

    net = seeded(0, build)
    batch, truth = cheats(400, 1000)
    assert float((net(batch).argmax(1) == batch.truth["kind"]).float().mean()) > 0.99
    rows = (batch.truth["kind"] == 1).nonzero()[:, 0]
    return net, batch.take(rows), truth[rows]


@pytest.mark.parametrize(
    ("method", "tolerance"),
    [
        (saliency, 2),  # the stride of the first layer
        (gradient_times_input, 2),
        (integrated_gradients, 2),
        (deconvnet, 2),
        (guided_backpropagation, 2),
        (partial(occlusion, window=4, stride=2), 4),
        (None, 2),  # Grad-CAM
    ],
)
def test_a_planted_cheat_is_found(cheated, method, tolerance):
    net, batch, truth = cheated
    target = log_odds(net, Binary(), "kind", "cheat")
    maps = grad_cam(target, batch, net, "3") if method is None else method(target, batch)
    assert len(batch) == 200
    assert pointing_game(by_pixel(maps.clamp(min=0)), truth, tolerance=tolerance) >= 0.99
    elsewhere = truth.roll((11, 7), (1, 2))
    assert pointing_game(by_pixel(maps.clamp(min=0)), elsewhere, tolerance=tolerance) < 0.5


def test_maps_change_when_the_network_forgets(cheated):
    net, batch, _ = cheated
    few = batch.take(torch.arange(10))
    before = [p.clone() for p in net.parameters()]
    levels = sanity(lambda net: saliency(output(net, 1), few), net)
    assert list(levels) == ["6", "2", "0"]
    assert float(levels["0"].mean()) < 0.5
    assert all(map(torch.equal, before, net.parameters()))

    # What does not ask the network cannot notice.
    blind = sanity(lambda net: few.values, net)
    assert all(float(level.min()) == 1 for level in blind.values())


def test_the_cascade_shuffles_one_more_layer_at_a_time(cheated):
    net = cheated[0]
    trained = net.state_dict()
    changed = [
        {n for n, v in copy.state_dict().items() if not torch.equal(v, trained[n])}
        for _, copy in cascade(net)
    ]
    assert changed[0] <= {"6.weight", "6.bias"} and changed[0] < changed[1] < changed[2]
