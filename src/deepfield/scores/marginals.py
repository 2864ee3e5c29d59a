"""Marginal: one quantity of a posterior beside its truth, on the scale where it is scored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from deepfield.scores.coverage import held
from deepfield.scores.crps import crps_samples
from deepfield.scores.errors import turned
from deepfield.scores.known import as_array

SHARES = {"68": (0.16, 0.84), "95": (0.025, 0.975)}
CHUNK = 2048
"""objects at a time"""


class Measured(Protocol):
    """What a quantity has to say of itself."""

    @property
    def name(self) -> str:
        """Standard name."""

    @property
    def unit(self) -> str:
        """Of its values."""

    @property
    def kind(self) -> str:
        """``length``, ``angle`` or another."""


class Samples(Protocol):
    """What a posterior has to offer."""

    @property
    def quantities(self) -> Sequence[Measured]:
        """In the order of the last axis of the samples."""

    @property
    def samples(self) -> Tensor:
        """[object, sample, quantity]."""

    @property
    def weights(self) -> Tensor | None:
        """[object, sample]; None = all alike."""

    def quantiles(self, levels: Sequence[float]) -> Tensor:
        """[object, quantity, level]."""

    def ranks(self, truth: Tensor) -> Tensor:
        """[object, quantity] probability below the true values of that shape."""


@dataclass(frozen=True)
class Marginal:
    """One quantity of many objects: lengths as log10, angles unrolled around their median.

    Args:
        name: of the scores: the quantity's own, with ``log_`` before a length.
        unit: of the values; ``dex`` of a length.
        predicted: [object] posterior medians.
        true: [object]; NaN = not known.
        limits: by share in per cent, lower and upper credible limits, [object] each.
        pit: [object] posterior probability below the truth.
        samples: [object, sample].
        weights: [object, sample]; None = all alike.
    """

    name: str
    unit: str
    predicted: np.ndarray
    true: np.ndarray
    limits: Mapping[str, tuple[np.ndarray, np.ndarray]]
    pit: np.ndarray
    samples: Tensor
    weights: Tensor | None = None

    def at(self, rows: np.ndarray) -> "Marginal":
        """The same quantity of some objects.

        Args:
            rows: [object] their positions.
        """
        return replace(
            self,
            predicted=self.predicted[rows],
            true=self.true[rows],
            limits={share: (low[rows], high[rows]) for share, (low, high) in self.limits.items()},
            pit=self.pit[rows],
            samples=self.samples[torch.from_numpy(rows)],
            weights=None if self.weights is None else self.weights[torch.from_numpy(rows)],
        )

    @property
    def error(self) -> np.ndarray:
        """[object] median minus truth."""
        return self.predicted - self.true

    def held(self, share: str) -> np.ndarray:
        """[object] 1 where the credible interval of this share holds the truth, else 0, or NaN."""
        return held(*self.limits[share], self.true)

    @cached_property
    def pull(self) -> np.ndarray:
        """[object] posterior mean minus truth, over the posterior's standard deviation."""
        if self.weights is None:
            mean, square = self.samples.mean(1), self.samples.var(1, unbiased=False)
        else:
            mean = (self.samples * self.weights).sum(1)
            square = ((self.samples - mean[:, None]).square() * self.weights).sum(1)
        width = as_array(square.sqrt())
        away = as_array(mean) - self.true
        return np.divide(away, width, out=np.full(len(away), np.nan), where=width > 0)

    @cached_property
    def crps(self) -> np.ndarray:
        """[object] continuous ranked probability score."""
        parts = []
        for rows in torch.arange(len(self.true)).split(CHUNK):
            weights = None if self.weights is None else self.weights[rows]
            parts.append(crps_samples(self.samples[rows], self.true[rows.numpy()], weights))
        return np.concatenate(parts) if parts else np.zeros(0)


def marginals(posterior: Samples, truth: Mapping[str, Tensor]) -> list[Marginal]:
    """Every quantity of a posterior that the truth knows.

    Args:
        posterior: of the objects.
        truth: [object] by name, of the same objects.

    Raises:
        ValueError: another number of objects.

    Example:
        >>> from types import SimpleNamespace
        >>> posterior = SimpleNamespace(
        ...     quantities=[SimpleNamespace(name="radius", unit="arcsec", kind="length")],
        ...     samples=torch.tensor([[[1.0], [10.0], [100.0]]]),
        ...     weights=None,
        ...     quantiles=lambda levels: torch.full((1, 1, len(levels)), 10.0),
        ...     ranks=lambda truth: torch.full((1, 1), 0.5),
        ... )
        >>> (found,) = marginals(posterior, {"radius": torch.tensor([10.0])})
        >>> found.name, found.error.tolist(), found.pull.round(3).tolist()
        ('log_radius', [0.0], [0.0])
    """
    count = len(posterior.samples)
    known = [
        (i, quantity) for i, quantity in enumerate(posterior.quantities) if quantity.name in truth
    ]
    for _, quantity in known:
        if tuple(truth[quantity.name].shape) != (count,):
            raise ValueError(
                f"{quantity.name} has shape {tuple(truth[quantity.name].shape)} for {count} "
                "posteriors; expected [object]"
            )
    true = torch.full((count, len(posterior.quantities)), torch.nan)
    for i, quantity in known:
        true[:, i] = truth[quantity.name]
    pits = as_array(posterior.ranks(true))
    levels = [0.5, *(level for limits in SHARES.values() for level in limits)]
    quantiles = as_array(posterior.quantiles(levels))
    found = []
    for i, quantity in known:
        own, values, samples = as_array(true[:, i]), quantiles[:, i], posterior.samples[:, :, i]
        name, unit = quantity.name, quantity.unit
        if quantity.kind == "length":
            name, unit = f"log_{name}", "dex"
            samples = samples.clamp(min=1e-30).log10()
            with np.errstate(invalid="ignore", divide="ignore"):
                own, values = np.log10(own), np.log10(values)
        if quantity.kind == "angle":
            middle = values[:, 0]
            own = middle + turned(own, middle)
            around = torch.as_tensor(middle)[:, None].to(samples)
            samples = around + torch.remainder(samples - around + 90, 180) - 90
        limits = {
            share: (values[:, 1 + 2 * j], values[:, 2 + 2 * j]) for j, share in enumerate(SHARES)
        }
        found.append(
            Marginal(name, unit, values[:, 0], own, limits, pits[:, i], samples, posterior.weights)
        )
    return found
