"""A multilayer perceptron on raw pixels: a network that does not know what an image is."""

from collections.abc import Sequence
from copy import copy, deepcopy
from functools import partial
from itertools import pairwise
from math import cos, pi
from typing import NamedTuple, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepfield.nouns.batch import Batch
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source
from deepfield.rivals.examples import Examples, answer, collect
from deepfield.rivals.features.pixels import Pixels

BATCH = 64


class Shape(NamedTuple):
    """What of a perceptron is chosen on validation objects."""

    block: int
    """pixels a side that are averaged before anything is learnt"""
    hidden: tuple[int, ...]
    """neurons of every hidden layer"""


class Perceptron:
    """Classes from all pixels by fully connected layers (Rumelhart, Hinton & Williams 1986).

    Every pixel of the stamp has its own weight to every neuron, so that a galaxy elsewhere in the
    stamp is another input altogether. ReLU and dropout after every hidden layer, Adam with
    decoupled weight decay, one warm-up and a cosine; images are turned by quarters and mirrored at
    random. It keeps the epoch with the best validation loss, and of several shapes the best on
    validation objects, tried for a quarter of the epochs. Soft labels count as their largest
    class, weighted by its fraction.

    Args:
        name: of the quantity to learn.
        limit: most training objects.
        held_out: most validation objects.
        shapes: of the network to try.
        epochs: to learn.
        rate: highest learning rate.
        dropout: share of the hidden neurons that are silent in a step.
        weight_decay: decoupled.
        shift: px; training images are shifted by up to so many along both axes, and what leaves
            at one edge comes in at the other.
        seed: of the weights and of every draw.

    Example:
        >>> Perceptron("kind").limit
        20000
    """

    quantity: Quantity
    shape: Shape
    net: nn.Sequential

    def __init__(
        self,
        name: str,
        *,
        limit: int | None = 20000,
        held_out: int = 2000,
        shapes: Sequence[Shape] = (Shape(1, (256,)), Shape(2, (256,))),
        epochs: int = 20,
        rate: float = 1e-3,
        dropout: float = 0.5,
        weight_decay: float = 0.1,
        shift: int = 0,
        seed: int = 0,
    ) -> None:
        self.name = name
        self.limit = limit
        self.held_out = held_out
        self.shapes = tuple(shapes)
        self.epochs = epochs
        self.rate = rate
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.shift = shift
        self.seed = seed

    def fit(self, source: Source) -> Self:
        """Choose the shape and learn.

        Raises:
            ValueError: no labelled objects.
        """
        fitted = copy(self)
        fitted.quantity = source.quantity(self.name)
        train, held_out = source.part("train"), source.part("validation")
        parts: dict[int, tuple[Examples, Examples]] = {}
        for block in {shape.block for shape in self.shapes}:
            images = Pixels(1.0, block).images
            parts[block] = (
                collect(train, self.name, self.limit, images),
                collect(held_out, self.name, self.held_out, images),
            )
        fitted.shape = self.shapes[0]
        if len(self.shapes) > 1:
            few = max(1, self.epochs // 4)
            tried = [fitted._learn(*parts[shape.block], shape, few)[1] for shape in self.shapes]
            fitted.shape = self.shapes[int(np.argmin(tried))]
        fitted.net, _ = fitted._learn(*parts[fitted.shape.block], fitted.shape, self.epochs)
        return fitted

    def predict(self, batch: Batch) -> Prediction:
        """Class probabilities; NaN for objects without pixels."""
        images = torch.from_numpy(Pixels(1.0, self.shape.block).images(batch))
        with torch.inference_mode():
            found = self.net(images.nan_to_num()).softmax(1).numpy()
        return answer(self.quantity, found, ~images.flatten(1).isnan().all(1))

    def parameters(self) -> int:
        """Weights and offsets of the fitted network."""
        return sum(p.numel() for p in self.net.parameters())

    def _learn(
        self, train: Examples, held_out: Examples, shape: Shape, epochs: int
    ) -> tuple[nn.Sequential, float]:
        """A network and its best validation loss."""
        images, labels, weights = _tensors(train)
        others = _tensors(held_out)
        steps = epochs * max(1, len(images) // BATCH)
        # Turning a stamp that is not square by a quarter changes its shape.
        codes = torch.arange(0, 8, 1 if images.shape[-1] == images.shape[-2] else 2)
        reach = self.shift // shape.block
        draw = torch.Generator().manual_seed(self.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            net = network(
                images[0].numel(), shape.hidden, len(self.quantity.classes), self.dropout
            )
            optimizer = torch.optim.AdamW(
                net.parameters(), self.rate, weight_decay=self.weight_decay, fused=True
            )
            schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(_warm, steps=steps))
            best, kept = np.inf, net.state_dict()
            for _ in range(epochs):
                net.train()
                order = torch.randperm(len(images), generator=draw)
                for rows in order[: max(BATCH, len(order) // BATCH * BATCH)].split(BATCH):
                    code = codes[torch.randint(len(codes), (1,), generator=draw)]
                    moved = torch.randint(-reach, reach + 1, (2,), generator=draw).tolist()
                    seen = turned(images[rows], int(code)).roll(moved, (-2, -1))
                    loss = _loss(net, seen, labels[rows], weights[rows])
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    schedule.step()
                net.eval()
                with torch.no_grad():
                    value = float(_loss(net, *others))
                if value < best:
                    best, kept = value, deepcopy(net.state_dict())
        net.load_state_dict(kept)
        return net, best


def network(
    inputs: int, hidden: Sequence[int], outputs: int, dropout: float = 0.0
) -> nn.Sequential:
    """Fully connected layers with ReLU and dropout between them.

    Args:
        inputs: numbers of an object.
        hidden: neurons of every hidden layer.
        outputs: classes.
        dropout: share of silent neurons in training.

    Example:
        >>> sum(p.numel() for p in network(64 * 64, (32,), 5).parameters())  # 4097 * 32 + 33 * 5
        131269
    """
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in pairwise((inputs, *hidden)):
        layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear((inputs, *hidden)[-1], outputs))


def turned(images: Tensor, code: int) -> Tensor:
    """Images [..., y, x] turned by quarters, and mirrored for a code of 4 to 7.

    Example:
        >>> turned(torch.tensor([[1, 2], [3, 4]]), 4).tolist()
        [[2, 1], [4, 3]]
    """
    return (images.flip(-1) if code >= 4 else images).rot90(code % 4, (-2, -1))


def _warm(step: int, *, steps: int) -> float:
    """Factor of the highest rate: a tenth of the steps to warm up, then a cosine to nothing."""
    return min((step + 1) / (0.1 * steps + 1), 0.5 + 0.5 * cos(pi * min(step / steps, 1.0)))


def _tensors(examples: Examples) -> tuple[Tensor, Tensor, Tensor]:
    return (
        torch.from_numpy(examples.features),
        torch.from_numpy(examples.labels).long(),
        torch.from_numpy(examples.weights).float(),
    )


def _loss(net: nn.Module, images: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    each = F.cross_entropy(net(images), labels, reduction="none")
    return (each * weights).sum() / weights.sum()
