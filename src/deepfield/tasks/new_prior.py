"""New prior: a posterior as it would be had the training objects been others."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from deepfield.nouns.posterior import Posterior
from deepfield.tasks.density import Density


class Prior(Protocol):
    """The density of one quantity before any pixel was seen."""

    def log_density(self, value: Tensor) -> Tensor:
        """Up to a constant; minus infinity where it cannot be."""
        ...


@dataclass(frozen=True)
class Between:
    """Flat between two values."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"prior from {self.low} to {self.high}; expected them to ascend")

    def log_density(self, value: Tensor) -> Tensor:
        """0 inside."""
        inside = (value >= self.low) & (value <= self.high)
        return torch.where(inside, 0.0, -math.inf)


@dataclass(frozen=True)
class Normal:
    """A Gaussian."""

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        if not self.deviation > 0:
            raise ValueError(f"prior's deviation is {self.deviation}; expected above 0")

    def log_density(self, value: Tensor) -> Tensor:
        """Of its bell."""
        return -0.5 * ((value - self.mean) / self.deviation).square()


def read_priors(content: Mapping[str, Mapping[str, float]]) -> dict[str, Prior]:
    """Priors of quantities by name, as a JSON file holds them.

    Args:
        content: by quantity ``{"low": ..., "high": ...}`` or ``{"mean": ..., "deviation": ...}``.

    Raises:
        ValueError: anything else.

    Example:
        >>> read_priors({"bulge_to_total": {"mean": 0.3, "deviation": 0.2}})
        {'bulge_to_total': Normal(mean=0.3, deviation=0.2)}
    """
    found: dict[str, Prior] = {}
    for name, numbers in content.items():
        if isinstance(numbers, Mapping) and set(numbers) == {"low", "high"}:
            found[name] = Between(**numbers)
        elif isinstance(numbers, Mapping) and set(numbers) == {"mean", "deviation"}:
            found[name] = Normal(**numbers)
        else:
            raise ValueError(
                f"prior of {name} is {numbers}; expected low and high, or mean and deviation"
            )
    return found


def under(posterior: Posterior, task: Density, priors: Mapping[str, Prior]) -> Posterior:
    """The posterior under other priors of some of its quantities.

    Its samples are weighted by the new prior over the training prior. Look at the effective
    samples: where few are left, the new prior contradicts the pixels or the old one.

    Args:
        posterior: of the task.
        task: knows the training priors.
        priors: of quantities by name; the others keep theirs.

    Raises:
        ValueError: a quantity that is not measured, or whose training prior is not known.

    Example:
        >>> from deepfield.nouns.quantity import Quantity
        >>> from deepfield.tasks.scales import Flat
        >>> share = Quantity("bulge_to_total")
        >>> task = Density((share,), (Flat(0.0, 1.0),))
        >>> known = Posterior((share,), torch.linspace(0, 1, 101)[None, :, None])
        >>> under(known, task, {"bulge_to_total": Between(0.0, 0.5)}).means()
        tensor([[0.2500]])
    """
    ratio = torch.zeros(posterior.samples.shape[:2])
    for name, prior in priors.items():
        values = posterior.of(name)
        scale = task.scales[[quantity.name for quantity in task.quantities].index(name)]
        ratio = ratio + prior.log_density(values) - scale.log_prior(values)
    return posterior.reweighted(ratio)
