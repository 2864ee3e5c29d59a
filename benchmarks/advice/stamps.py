"""Stamps: the small sets of mock galaxies that all experiments learn from, rendered once.

Galaxies of five kinds (``sky.kinds``) in SDSS r, summed over 2 x 2 px and cut out to 24 px, in
units of the sky's sigma; pure functions of their index. They are kept without noise, so that an
experiment can choose it.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Split
from deepfield.nouns.whole import whole
from deepfield.render.noise import sky_variance
from deepfield.render.psf import survey_psf
from deepfield.sky.kinds import Kinds
from deepfield.sky.population import KIND, Population
from deepfield.sky.surveys import sdss

SIZE = 24
BINNED = 2
RENDERED = 64
"""px, before binning: galaxies may be a sixth of it large"""
CHUNK = 128
SKY = 9
"""seed of the galaxies; a run's own seed chooses among them"""
VALIDATION = 200
NOISE = {"train": 1, "validation": 2, "test": 3}


@dataclass(frozen=True)
class Galaxies:
    """Noiseless stamps of some galaxies, and what is known of them.

    Args:
        images: [object, 1, y, x] float32, in sigmas of the sky.
        kind: [object] class.
        signal: [object] signal-to-noise ratio of half the light.
        split: of their random numbers.
    """

    images: Tensor
    kind: Tensor
    signal: Tensor
    split: str

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, rows: Tensor) -> "Galaxies":
        """Some of them."""
        return replace(
            self, images=self.images[rows], kind=self.kind[rows], signal=self.signal[rows]
        )

    def at_signal(self, signal: float) -> "Galaxies":
        """The same galaxies, all as bright as this signal-to-noise ratio."""
        factor = (signal / self.signal)[:, None, None, None]
        return replace(
            self, images=self.images * factor, signal=torch.full_like(self.signal, signal)
        )


def galaxies(folder: Path, split: str, count: int) -> Galaxies:
    """The first galaxies of a split, from the folder's cache or rendered into it.

    Args:
        folder: where ``stamps_<split>.npz`` is, or will be.
        split: train, validation or test.
        count: how many; a longer cache is used, a shorter one replaced.
    """
    path = folder / f"stamps_{split}.npz"
    if path.exists():
        with np.load(path) as kept:
            if len(kept["kind"]) >= count:
                columns = [torch.from_numpy(kept[n][:count]) for n in ("images", "kind", "signal")]
                return Galaxies(columns[0].float(), columns[1], columns[2], split)
    found = _rendered(split, count)
    with whole(path) as temporary:
        np.savez(
            temporary,
            images=found.images.half().numpy(),
            kind=found.kind.numpy(),
            signal=found.signal.numpy(),
        )
    return galaxies(folder, split, count)


def _rendered(split: str, count: int) -> Galaxies:
    survey = sdss().select(("r",))
    sky = Kinds(Population(signal_to_noise=(20.0, 1000.0), radius=(1.3, 3.2)), overlapping=0.1)
    sigma = BINNED * sky_variance(survey).sqrt().item()
    edge = (RENDERED // BINNED - SIZE) // 2
    images, kinds, signals = [], [], []
    for rows in np.array_split(np.arange(count), -(-count // CHUNK)):
        light = sky.draw(
            rows, survey, seed=SKY, split=split, size=RENDERED, psf=survey_psf(survey)
        )
        binned = F.avg_pool2d(light.image, BINNED) * (BINNED**2 / sigma)
        images.append(binned[..., edge:-edge, edge:-edge])
        kinds.append(light.truth["kind"])
        signals.append(light.truth["signal_to_noise"])
    return Galaxies(torch.cat(images), torch.cat(kinds), torch.cat(signals), split)


class Stamps:
    """Images in memory under white noise of one sigma, as a source of one part.

    Args:
        galaxies: without noise.
        seed: of the noise.
        fresh: whether every epoch sees them under new noise, as only a mock sky can.
        question: what the classes are.
    """

    channels = ("r",)
    grid = ("y", "x")

    def __init__(
        self, galaxies: Galaxies, seed: int = 0, fresh: bool = False, question: Quantity = KIND
    ) -> None:
        self.galaxies = galaxies
        self.seed = seed
        self.fresh = fresh
        self.question = question
        self.ids = np.array([f"{galaxies.split}-{i}" for i in range(len(galaxies))])
        self._seen: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self.galaxies)

    def quantity(self, name: str) -> Quantity:
        """The question."""
        return self.question

    def part(self, split: Split) -> "Stamps":
        """Itself: it has one part."""
        return self

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """Some images."""
        truth = Truth({self.question: self.galaxies.kind[indices]})
        return Batch(
            self.ids[indices.numpy()],
            self._noisy(epoch if self.fresh else 0)[indices],
            self.channels,
            variance=torch.ones(1, 1, 1, 1),
            truth=truth,
        )

    def _noisy(self, epoch: int) -> Tensor:
        if epoch not in self._seen:
            self._seen.clear()
            start = NOISE[self.galaxies.split] + 10 * self.seed + 1000 * epoch
            noise = torch.randn(
                self.galaxies.images.shape, generator=torch.Generator().manual_seed(start)
            )
            self._seen[epoch] = self.galaxies.images + noise
        return self._seen[epoch]


@dataclass(frozen=True)
class Lesson:
    """What is learnt from, chosen on and judged on.

    Args:
        train, validation, test: of different galaxies.
    """

    train: Stamps
    validation: Stamps
    test: Stamps

    channels = Stamps.channels
    grid = Stamps.grid

    @property
    def ids(self) -> np.ndarray:
        """Of the training objects."""
        return self.train.ids

    def __len__(self) -> int:
        return len(self.train)

    def quantity(self, name: str) -> Quantity:
        """The question."""
        return self.train.quantity(name)

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """Some training objects."""
        return self.train.take(indices, epoch)

    def part(self, split: Split) -> Stamps:
        """The objects of one split."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[split]


def lesson(
    folder: Path, objects: int, seed: int, *, pool: int, tested: int, fresh: bool = False
) -> Lesson:
    """A training set that the seed draws from the pool; validation and test are always the same.

    Args:
        folder: of the cache.
        objects: to train on.
        seed: of which they are, and of their noise.
        pool: galaxies to choose among.
        tested: galaxies to judge on.
        fresh: as in ``Stamps``.
    """
    order = torch.randperm(pool, generator=torch.Generator().manual_seed(1000 + seed))
    return Lesson(
        Stamps(galaxies(folder, "train", pool).take(order[:objects]), seed, fresh),
        Stamps(galaxies(folder, "validation", VALIDATION)),
        Stamps(galaxies(folder, "test", tested)),
    )
