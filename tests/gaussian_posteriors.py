"""Predictors whose posteriors are Gaussians of known calibration, on a sky of numbers."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deepfield.nets.heads.contract import sobol
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.quantity import Quantity

DEPTH = Quantity("magnitude", "mag")
RADIUS = Quantity("radius_disc", "arcsec", "length")
ANGLE = Quantity("position_angle_disc", "deg", "angle")
SNR = Quantity("signal_to_noise")
QUANTITIES = (DEPTH, RADIUS, ANGLE)
NOISE = torch.tensor([0.1, 0.05, 8.0])
"""of magnitude, log radius and angle; the first two hang together"""
TOGETHER = torch.tensor([[1.0, 0.0, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])


def world(values: Tensor) -> Tensor:
    """From magnitude, log10 radius and angle to what a catalogue has."""
    away = torch.remainder(values[..., 2], 180)
    return torch.stack([values[..., 0], 10 ** values[..., 1], away], -1)


class Sky:
    """Numbers that were measured with Gaussian noise: the stamp's pixels hold the measurement."""

    channels = ("r",)
    grid = ("y", "x")

    def __init__(self, objects: int, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)

        def normal() -> Tensor:
            return torch.randn(objects, 3, generator=generator)

        centre = torch.tensor([20.0, 0.0, 0.0])
        self.ids = np.array([f"galaxy {i}" for i in range(objects)])
        # A flat prior is as good as one that is much wider than the noise.
        true = centre + normal() * torch.tensor([2.0, 1.0, 1000.0])
        self.measured = true + (normal() @ TOGETHER.T) * NOISE
        levels = torch.tensor([10.0, 20.0, 50.0, 100.0, 200.0])
        self.truth = {
            **dict(zip(QUANTITIES, world(true).T, strict=True)),
            SNR: levels[torch.arange(objects) % 5],
        }

    def __len__(self) -> int:
        return len(self.ids)

    def quantity(self, name: str) -> Quantity:
        return {q.name: q for q in self.truth}[name]

    def part(self, split: str) -> "Sky":
        return self

    def take(self, indices: Tensor, epoch: int) -> Batch:
        truth = Truth({q: values[indices] for q, values in self.truth.items()})
        pixels = self.measured[indices].reshape(-1, 1, 1, 3)
        return Batch(self.ids[indices.numpy()], pixels, ("r",), truth=truth)


@dataclass(frozen=True)
class Gaussian:
    """Calibrated for ``width`` 1 and ``shift`` 0; ``blind`` to some objects."""

    width: float = 1.0
    shift: float = 0.0
    draws: int = 256
    blind: tuple[str, ...] = ()

    def fit(self, source: Sky) -> "Gaussian":
        return self

    def predict(self, batch: Batch) -> Prediction:
        points = np.sqrt(2) * torch.erfinv(2 * sobol(self.draws, 3) - 1)
        spread = (points @ TOGETHER.T) * NOISE * self.width + self.shift * NOISE
        samples = world(batch.values[:, 0, 0, None] + spread)
        posterior = Posterior(QUANTITIES, samples)
        lost = torch.from_numpy(np.isin(batch.ids, self.blind))
        return Prediction({"posterior": posterior.blank(lost)})


@dataclass(frozen=True)
class Affordable(Gaussian):
    """Slow: asked of so many objects only."""

    affordable: int = 50
