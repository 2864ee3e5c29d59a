"""A tiny source, task and network: two classes of 8x8 images, learnt in a second."""

import os
import signal
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.prediction import Classes, Prediction
from deepfield.nouns.quantity import Quantity

KIND = Quantity("kind", classes=("left", "right"))


class ToySource:
    """Noise with a bright half; a process can be made to die when it asks for the n-th batch."""

    channels = ("g",)
    grid = ("y", "x")

    def __init__(self, die_at=None, objects=41, split="train", spoil=None):
        self.die_at, self.split, self.spoil = die_at, split, spoil
        self.objects = objects
        self.ids = np.array([f"{split}-{i}" for i in range(len(self))])

    def __len__(self):
        return self.objects if self.split == "train" else 20

    def quantity(self, name):
        return KIND

    def part(self, split):
        return ToySource(self.die_at, self.objects, split, self.spoil)

    def take(self, indices, epoch):
        if self.split == "train" and self.die_at is not None:
            self.die_at -= 1
            if self.die_at == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        seed = 1 if self.split == "train" else 2
        images = torch.randn(len(self), 1, 8, 8, generator=torch.Generator().manual_seed(seed))
        labels = torch.arange(len(self)) % 2
        images[labels == 0, :, :, :4] += 0.5
        images[labels == 1, :, :, 4:] += 0.5
        if self.spoil is not None:
            images = self.spoil(images, epoch)
        return Batch(
            self.ids[indices.numpy()],
            images[indices],
            ("g",),
            truth=Truth({KIND: labels[indices]}),
        )


class SmallNet(nn.Module):
    """Batch norm and dropout included."""

    def __init__(self, channels=1, width=4, outputs=2):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride=2), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, 4, 3), nn.Flatten(), nn.Dropout(0.3),
        )  # fmt: skip
        self.head = nn.Linear(4, outputs)

    def forward(self, batch):
        return self.head(self.trunk(batch.values))


def small_net(**settings) -> SmallNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return SmallNet(**settings)


@dataclass(frozen=True)
class Toy:
    """Classification, as short as it can be."""

    players: tuple[str, ...] = ()
    quantities: tuple[Quantity, ...] = (KIND,)

    def losses(self, net, batch) -> dict[str, Tensor]:
        return {"cross_entropy": F.cross_entropy(net(batch).float(), batch.truth["kind"])}

    def calibrate(self, net, source) -> None:
        pass

    def predict(self, net, batch) -> Prediction:
        return Prediction({"kind": Classes(KIND, net(batch).softmax(1))})

    def score(self, prediction, truth) -> dict[str, float]:
        right = prediction["kind"].probabilities.argmax(1) == truth["kind"]
        return {"accuracy": float(right.float().mean())}


@dataclass(frozen=True)
class Scripted(Toy):
    """Scores that are written down beforehand, one an epoch."""

    script: tuple[float, ...] = ()
    told: list[float] = field(default_factory=list)

    def score(self, prediction, truth) -> dict[str, float]:
        self.told.append(self.script[len(self.told)])
        return {"accuracy": self.told[-1]}


def noisy(batch: Batch, generator: torch.Generator) -> Batch:
    """An augmentation."""
    noise = torch.randn(batch.values.shape, generator=generator)
    return replace(batch, values=batch.values + 0.1 * noise)
