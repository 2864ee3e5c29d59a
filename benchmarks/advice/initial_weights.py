"""How large should random weights be at the start, and does it matter?

Images pass through convolutions with ReLU that have not learnt: ``signal`` is the root mean square
of what comes out of a layer over that of the first. A layer of variance gain / n multiplies it by
sqrt(gain / 2): 1 / n loses half of the square in every layer, 2 / n (He+15, arXiv:1502.01852)
keeps it, 4 / n explodes, a sigma of 0.01 whatever the inputs vanishes; cut is a Gaussian that is
truncated at two sigma. And a plain network of 8 convolutions learns from each start.
"""

from collections.abc import Callable
from functools import partial
from math import log10, sqrt
from pathlib import Path
from typing import Any

import torch
from depth import BATCH, trunk
from experiment import Budget, Choice, Experiment, Results, main
from learn import network, on_stamps
from torch import nn

from deepfield.nets.initial import normal, truncated_normal
from deepfield.nets.seeded import seeded

SIDE, WIDTH = 8, 32
"""px and channels of the images that only pass through"""


def narrow(net: nn.Module) -> nn.Module:
    """N(0, 0.01): a standard deviation of 0.01 whatever the number of inputs; biases 0."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, std=0.01)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return net


STARTS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "1/n": partial(normal, gain=1.0),
    "2/n": normal,
    "2/n, cut": truncated_normal,
    "4/n": partial(normal, gain=4.0),
    "0.01": narrow,
}


def passed(start: Callable[[nn.Module], nn.Module], layers: int, seed: int) -> float:
    """Root mean square of the last layer's output, before its ReLU, over that of the first.

    Args:
        start: sets the weights.
        layers: how many, at least 1.
        seed: of weights and images.
    """
    # Around the edge the image goes on, so that no layer loses light there.
    convolution = partial(
        nn.Conv2d, WIDTH, WIDTH, 3, padding=1, padding_mode="circular", bias=False
    )
    net = seeded(lambda: start(nn.ModuleList(convolution() for _ in range(layers))), seed)
    x = torch.randn(8, WIDTH, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    sizes = []
    with torch.no_grad():
        for layer in net.children():
            x = layer(x)
            sizes.append(float(x.double().square().mean().sqrt()))
            x = x.relu()
    return sizes[-1] / sizes[0]


def expected(name: str, layers: int) -> float:
    """What theory says ``passed`` is."""
    gains = {"1/n": 1.0, "4/n": 4.0, "0.01": 9 * WIDTH * 1e-4}
    return sqrt(gains.get(name, 2.0) / 2) ** (layers - 1)


LEARNT = 8
"""convolutions of the network that learns"""
BUDGET = Budget(updates=80)


def experiment(
    budget: Budget = BUDGET,
    depths: tuple[int, ...] = (2, 8, 16, 32),
) -> Experiment:
    """The experiment at this budget."""
    names = {f"{depth} layers": depth for depth in depths}

    def run(curve: str, name: Choice, seed: int, folder: Path) -> dict[str, float]:
        depth, start = names[curve], STARTS[str(name)]
        signal = {"signal": log10(passed(start, depth, seed))}
        if depth != LEARNT:
            return signal
        net = network(lambda: start(trunk("plain", LEARNT)), seed)
        return {**on_stamps(net, seed, folder, budget, batch=BATCH), **signal}

    def conclude(results: Results) -> dict[str, Any]:
        deepest, most = list(names.items())[-1]
        return {
            "log10_signal_expected": [log10(expected(name, most)) for name in STARTS],
            "log10_signal_measured": [
                float(results.of("signal", deepest, name).mean()) for name in STARTS
            ],
        }

    return Experiment(
        name="initial_weights",
        question=__doc__.splitlines()[0],
        curves=tuple(names),
        choices=tuple(STARTS),
        x="initial weights",
        metrics={
            "train_loss": "loss on training objects",
            "accuracy": "accuracy",
            "signal": "log10 of the signal before training",
        },
        run=run,
        ours=(f"{LEARNT} layers", "2/n"),
        peer=(f"{LEARNT} layers", "1/n"),
        settings=f"{budget}, {BATCH} objects",
        conclude=conclude,
    )


if __name__ == "__main__":
    main(experiment())
