"""More layers or more channels? What matters is whether the receptive field holds the feature.

A toy whose answer is known: pairs of points, side by side (0) or one above the other (1), a given
number of pixels apart, in noise. Images repeat beyond their edges, so that nothing else tells the
classes apart. A unit that sees fewer than separation + 1 pixels sees one point at a time, and an
average over such units is the same for both classes, however many channels they have.
"""

from pathlib import Path

import numpy as np
import torch
from experiment import Budget, Choice, Experiment, main
from learn import network, taught
from stamps import Galaxies, Lesson, Stamps
from torch import Tensor, nn

from deepfield.nets.initial import normal
from deepfield.nets.stretch import AsinhStretch
from deepfield.nouns.quantity import Quantity
from deepfield.train.players import adam

SIDE, PAIRS, HEIGHT = 14, 4, 6.0
"""px of an image, pairs in it, and sigmas of a point"""
DIRECTION = Quantity("direction", classes=("side by side", "one above the other"))
NETS = {
    "1 layer, field 3": (3, (1,), 8),
    "1 layer, 32 channels": (3, (1,), 32),
    "3 layers, field 7": (3, (1, 1, 1), 8),
    "2 layers, dilated, field 7": (3, (1, 2), 8),
}
"""kernel, dilation of every layer, channels"""
RATE = 3e-2
BUDGET = Budget(objects=1500, updates=240, tested=500)


def field(kernel: int, dilations: tuple[int, ...]) -> int:
    """Receptive field of the last layer, px."""
    return 1 + (kernel - 1) * sum(dilations)


def pairs(separation: int, count: int, split: str, seed: int) -> Stamps:
    """Images of pairs of points this far apart, as a source.

    Args:
        separation: px, below half of the side.
        count: images.
        split: train, validation or test: of the noise.
        seed: of where the pairs lie.
    """
    rng = np.random.default_rng([seed, separation, len(split)])
    kind = rng.integers(2, size=count)
    image = np.zeros((count, 1, SIDE, SIDE), np.float32)
    row = np.arange(count)
    for _ in range(PAIRS):
        y, x = rng.integers(SIDE, size=(2, count))
        for step in (0, separation):
            at = (y + step * kind) % SIDE, (x + step * (1 - kind)) % SIDE
            np.add.at(image[:, 0], (row, *at), HEIGHT)
    known = torch.from_numpy(kind)
    stamps = Galaxies(torch.from_numpy(image), known, torch.ones(count), split)
    return Stamps(stamps, seed, question=DIRECTION)


def trunk(kernel: int, dilations: tuple[int, ...], channels: int) -> nn.Sequential:
    """Convolutions that go on beyond the edge, and the average over all places."""
    layers: list[nn.Module] = []
    inputs = 1
    for dilation in dilations:
        layers += [
            nn.Conv2d(
                inputs,
                channels,
                kernel,
                padding=dilation * (kernel // 2),
                padding_mode="circular",
                dilation=dilation,
            ),
            nn.ReLU(),
        ]
        inputs = channels
    return normal(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()))


class AsTheyAre(AsinhStretch):
    """No stretch: points have one height."""

    def __init__(self) -> None:
        super().__init__((1.0,))

    def forward(self, batch: object) -> Tensor:
        """The values over the height of a point."""
        return batch.values / HEIGHT  # type: ignore[attr-defined]


def experiment(
    budget: Budget = BUDGET,
    separations: tuple[int, ...] = (2, 4),
) -> Experiment:
    """The experiment at this budget."""

    def run(curve: str, separation: Choice, seed: int, folder: Path) -> dict[str, float]:
        apart = int(separation)
        given = Lesson(
            pairs(apart, budget.objects, "train", seed),
            pairs(apart, min(200, budget.tested), "validation", seed),
            pairs(apart, budget.tested, "test", seed),
        )
        net = network(lambda: trunk(*NETS[curve]), seed, stretch=AsTheyAre(), outputs=2, size=SIDE)
        return taught(net, given, seed, updates=budget.updates, augment=None, optimizer=adam(RATE))

    return Experiment(
        name="receptive_field",
        question=__doc__.splitlines()[0],
        curves=tuple(NETS),
        choices=separations,
        x="separation of the points (px)",
        metrics={"accuracy": "accuracy"},
        run=run,
        ours=("3 layers, field 7", separations[-1]),
        peer=("1 layer, 32 channels", separations[-1]),
        settings=f"{budget}, {NETS}, {PAIRS} pairs, rate {RATE}",
    )


if __name__ == "__main__":
    main(experiment())
