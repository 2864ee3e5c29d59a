"""Small networks on images, to be explained."""

import numpy as np
import torch
from torch import nn

from deepfield.nouns.batch import Batch
from deepfield.nouns.prediction import Classes, Prediction
from deepfield.nouns.quantity import Quantity

KIND = Quantity("kind", classes=("plain", "cheat"))


class Pixels(nn.Sequential):
    """Layers on the values of a batch."""

    def forward(self, batch):
        return super().forward(batch.values if isinstance(batch, Batch) else batch)


class Binary:
    """Two classes from two outputs."""

    players = ()

    def predict(self, net, batch):
        return Prediction({"kind": Classes(KIND, net(batch).softmax(1))})


def seeded(seed, build):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build().eval()


def batch_of(values, **parts):
    ids = np.array([f"{i}" for i in range(len(values))])
    channels = tuple("grizy"[: values.shape[1]])
    return Batch(ids, values, channels, **parts)


def random_batch(objects=3, channels=2, side=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return batch_of(torch.randn(objects, channels, side, side, generator=generator))


def small_cnn(*, relu=nn.ReLU, pool=nn.MaxPool2d, inplace=False):
    def activation():
        return relu(inplace=inplace) if relu is nn.ReLU else relu()

    return seeded(
        2,
        lambda: Pixels(
            nn.Conv2d(2, 6, 3, padding=1), activation(), pool(2), nn.Conv2d(6, 8, 3, padding=1),
            activation(), pool(2), nn.Flatten(), nn.Linear(8 * 9, 2),
        ),
    )  # fmt: skip
