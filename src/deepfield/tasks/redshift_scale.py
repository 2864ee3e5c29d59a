"""Scales of redshifts, all in ln(1 + z): errors of photometric ones grow with 1 + z."""

from dataclasses import dataclass
from math import log1p

import torch
from torch import Tensor

from deepfield.nets.frame import Frame
from deepfield.tasks.scales import Flat

SELECTED = "the redshifts of the training objects, as they were selected"


@dataclass(frozen=True)
class LogRedshift:
    """ln(1 + redshift), less a mean, over a deviation; for samples of a narrow range.

    What a Gaussian puts below redshift 0 is put at 0.

    Args:
        mean, deviation: of ln(1 + redshift) of what is measured, roughly.

    Raises:
        ValueError: a deviation that is not above 0.

    Example:
        >>> frame = Frame(torch.ones(2), torch.ones(2), torch.zeros(2), torch.ones(2))
        >>> scale, redshift = LogRedshift(), torch.tensor([0.1, 1.5])
        >>> again = scale.to_value(scale.to_normal(redshift, frame), frame)
        >>> torch.allclose(again, redshift)
        True
    """

    mean: float = 0.3
    deviation: float = 0.2

    def __post_init__(self) -> None:
        if not self.deviation > 0:
            raise ValueError(f"deviation is {self.deviation}; expected above 0")

    @property
    def prior(self) -> str:
        """As the training objects are."""
        return SELECTED

    def to_normal(self, value: Tensor, frame: Frame) -> Tensor:
        """Numbers of redshifts above -1."""
        return (torch.log1p(value) - self.mean) / self.deviation

    def to_value(self, z: Tensor, frame: Frame) -> Tensor:
        """Redshifts from 0."""
        return torch.expm1(self.mean + self.deviation * z).clamp(min=0)

    def log_prior(self, value: Tensor) -> Tensor:
        """Not known."""
        raise ValueError(f"the prior is {SELECTED}; no formula of it is known")


@dataclass(frozen=True)
class RedshiftUpTo:
    """ln(1 + redshift) between that of 0 and that of the highest, for samples of any depth.

    However wide a density is, no redshift is below 0 or beyond the highest.

    Args:
        highest: redshift.

    Raises:
        ValueError: it is not above 0.

    Example:
        >>> frame = Frame(torch.ones(2), torch.ones(2), torch.zeros(2), torch.ones(2))
        >>> scale, redshift = RedshiftUpTo(7.0), torch.tensor([0.1, 1.5])
        >>> again = scale.to_value(scale.to_normal(redshift, frame), frame)
        >>> torch.allclose(again, redshift, atol=1e-5)
        True
    """

    highest: float

    def __post_init__(self) -> None:
        if not self.highest > 0:
            raise ValueError(f"the highest redshift is {self.highest}; expected above 0")

    @property
    def prior(self) -> str:
        """As the training objects are."""
        return SELECTED

    def to_normal(self, value: Tensor, frame: Frame) -> Tensor:
        """Numbers of redshifts; those outside are put at the border."""
        return self._flat.to_normal(torch.log1p(value), frame)

    def to_value(self, z: Tensor, frame: Frame) -> Tensor:
        """Redshifts, from 0 to the highest."""
        return torch.expm1(self._flat.to_value(z, frame))

    def log_prior(self, value: Tensor) -> Tensor:
        """Not known."""
        raise ValueError(f"the prior is {SELECTED}; no formula of it is known")

    @property
    def _flat(self) -> Flat:
        return Flat(0.0, log1p(self.highest))


@dataclass(frozen=True)
class EvenInVelocity:
    """Redshifts whose ln(1 + z) is flat between two values: even bins of it are even in velocity.

    Example:
        >>> frame = Frame(torch.ones(1), torch.ones(1), torch.zeros(1), torch.ones(1))
        >>> EvenInVelocity(0.0, 2.0).to_value(torch.zeros(1), frame)
        tensor([1.7183])
    """

    low: float
    high: float

    @property
    def prior(self) -> str:
        """The range."""
        return f"ln(1 + z) flat from {self.low:g} to {self.high:g}"

    def log_prior(self, value: Tensor) -> Tensor:
        """Of a redshift whose ln(1 + z) is flat."""
        return -torch.log1p(value)

    def to_normal(self, value: Tensor, frame: Frame) -> Tensor:
        """Numbers of redshifts, in double precision: a bin of a spectrum is 1e-4 wide."""
        # Redshifts at or below -1 are none, and go to the border.
        logs = value.double().clamp(min=-0.9).log1p()
        return Flat(self.low, self.high).to_normal(logs, frame).float()

    def to_value(self, z: Tensor, frame: Frame) -> Tensor:
        """Redshifts."""
        return torch.expm1(Flat(self.low, self.high).to_value(z.double(), frame)).float()
