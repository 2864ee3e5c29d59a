"""What the training loop costs: ours beside a bare PyTorch loop, per step, in one process.

Both train the same tiny network on the same source with the same optimizer. The bare loop has
what nobody can leave out: take, losses, zero_grad, backward, step. Ours adds the shuffle, seeds
for exact resume, the schedule, checks that nothing is infinite, sums and the display. Validation,
once an epoch, is a single object. Times are of the processor, so that a busy machine matters less;
repeats alternate and the medians are compared; the last line is JSON.
"""

import json
import os
import statistics
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.prediction import Classes, Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.train.loop import Training, adam, fit

STEPS, BATCH, REPEATS = 2000, 4, 7
KIND = Quantity("kind", classes=("a", "b"))


class Noise:
    """Images in memory."""

    channels, grid = ("g",), ("y", "x")

    def __init__(self, count):
        self.ids = np.array([str(i) for i in range(count)])
        self.images = torch.randn(count, 1, 16, 16)
        self.labels = torch.arange(count) % 2

    def __len__(self):
        return len(self.ids)

    def quantity(self, name):
        """The one question."""
        return KIND

    def part(self, split):
        """All of it to train on, one object to validate on."""
        return self if split == "train" else Noise(1)

    def take(self, indices, epoch):
        """Some images."""
        truth = Truth({KIND: self.labels[indices]})
        return Batch(self.ids[indices.numpy()], self.images[indices], ("g",), truth=truth)


class Net(nn.Module):
    """A convolution of stride 4 and a linear layer."""

    def __init__(self):
        super().__init__()
        self.trunk = nn.Conv2d(1, 8, 4, stride=4)
        self.head = nn.Linear(8 * 16, 2)

    def forward(self, batch):
        """[object, class]."""
        return self.head(self.trunk(batch.values).relu().flatten(1))


class Question:
    """Classification."""

    players = ()

    def losses(self, net, batch):
        """Cross-entropy."""
        return {"cross_entropy": F.cross_entropy(net(batch), batch.truth["kind"])}

    def predict(self, net, batch):
        """Probabilities."""
        return Prediction({"kind": Classes(KIND, net(batch).softmax(1))})

    def score(self, prediction, truth):
        """Nothing."""
        return {}


def ours(source):
    """Milliseconds a step of ``fit``."""
    net, training = Net(), Training(epochs=1, batch_size=BATCH, optimizer=adam(1e-3))
    began = time.process_time()
    fit(net, Question(), source, training, progress=False)
    return (time.process_time() - began) / STEPS * 1e3


def bare(source):
    """Milliseconds a step of the shortest loop."""
    net, task = Net(), Question()
    optimizer = adam(1e-3)(net.parameters())
    began = time.process_time()
    for rows in torch.randperm(len(source)).split(BATCH):
        optimizer.zero_grad()
        task.losses(net, source.take(rows, 0))["cross_entropy"].backward()
        optimizer.step()
    return (time.process_time() - began) / STEPS * 1e3


def main():
    """Measure, print a table and one line of JSON."""
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.manual_seed(0)
    source = Noise(STEPS * BATCH)
    ours(source), bare(source)  # first calls import and allocate
    times = [(ours(source), bare(source)) for _ in range(REPEATS)]
    mine, peer = (statistics.median(column) for column in zip(*times, strict=True))
    overhead = statistics.median(a - b for a, b in times)
    print(f"{'':10}{'ms/step':>9}   (median of {REPEATS} x {STEPS} steps of {BATCH} objects)")
    print(f"{'bare':10}{peer:9.4f}\n{'deepfield':10}{mine:9.4f}\n{'overhead':10}{overhead:9.4f}")
    figures = {"ratio": mine / peer, "ours": mine, "peer": peer, "overhead_ms": overhead}
    print(json.dumps({"name": "loop", **{k: round(v, 4) for k, v in figures.items()}}))


if __name__ == "__main__":
    main()
