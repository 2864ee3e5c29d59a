"""Does a deeper network learn better? Plain, with batch norm, and residual (He+16, CVPR).

A stem that brings the stamps to 6 x 6 px, so many 3x3 convolutions of 8 channels, and an average.
Weights start as He's, so the plain network's trouble is not its initialisation. The loss on the
training objects tells: a network that only overfitted would have a lower one. A plain network
learns at two rates, and the one that leaves the lower loss counts; the others learn at one.
"""

from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from experiment import Budget, Choice, Experiment, Results, main, over_seeds
from learn import RATE, network, on_stamps
from torch import nn

from deepfield.nets.blocks import ResidualBlock
from deepfield.nets.initial import normal
from deepfield.train.players import adam

CHANNELS = 8
BATCH = 64
RATES = {"plain": (2e-3, RATE), "batch norm": (RATE,), "residual": (RATE,)}
"""of Adam: what is plain may choose"""
CURVES = ("plain", "batch norm", "residual")


def trunk(kind: str, depth: int) -> nn.Sequential:
    """A stem, ``depth`` convolutions of a kind, and the average."""
    layers: list[nn.Module] = [
        nn.Conv2d(1, CHANNELS, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(CHANNELS, CHANNELS, 3, stride=2, padding=1),
        nn.ReLU(),
    ]
    if kind == "residual":
        layers += [ResidualBlock(CHANNELS) for _ in range(depth // 2)]
    else:
        for _ in range(depth):
            layers.append(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=kind == "plain"))
            layers += [nn.BatchNorm2d(CHANNELS)] if kind == "batch norm" else []
            layers.append(nn.ReLU())
    return normal(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()))


BUDGET = Budget(updates=320)


def experiment(
    budget: Budget = BUDGET,
    depths: tuple[int, ...] = (2, 8, 24),
) -> Experiment:
    """The experiment at this budget; depths are even."""

    def run(curve: str, depth: Choice, seed: int, folder: Path) -> dict[str, float]:
        tried = []
        for rate in RATES[curve]:
            net = network(lambda: trunk(curve, int(depth)), seed)
            found = on_stamps(net, seed, folder, budget, batch=BATCH, optimizer=adam(rate))
            tried.append(found)
        # A rate that made the loss infinite has no training loss.
        return min(tried, key=lambda scores: scores.get("train_loss", inf))

    def conclude(results: Results) -> dict[str, Any]:
        def gap(curve: str, shallow: int) -> np.ndarray:
            deep = results.of("train_loss", curve, depths[-1])
            return deep - results.of("train_loss", curve, shallow)

        return {
            f"{curve}, train_loss at {depths[-1]} minus at {shallow}": list(
                over_seeds(gap(curve, shallow))
            )
            for curve in CURVES
            for shallow in depths[:-1]
        }

    return Experiment(
        name="depth",
        question=__doc__.splitlines()[0],
        curves=CURVES,
        choices=depths,
        x="3x3 convolutions",
        metrics={"train_loss": "loss on training objects", "accuracy": "accuracy"},
        run=run,
        ours=("residual", depths[-1]),
        peer=("plain", depths[-1]),
        settings=f"{budget}, {CHANNELS} channels, {BATCH} objects, {RATES}",
        log_x=True,
        conclude=conclude,
    )


if __name__ == "__main__":
    main(experiment())
