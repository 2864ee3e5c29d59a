"""Scales of what spectra tell: redshifts, and fluxes of lines over their noise."""

from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.nets.frame import Frame
from deepfield.tasks.scales import Flat


@dataclass(frozen=True)
class LogRedshift:
    """Redshifts whose ln(1 + z) is flat between two values: even bins of it are even in velocity.

    Example:
        >>> frame = Frame(torch.ones(1), torch.ones(1), torch.zeros(1), torch.ones(1))
        >>> LogRedshift(0.0, 2.0).to_value(torch.zeros(1), frame)
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
        """Numbers of redshifts, in double precision: a bin is 1e-4 wide."""
        # Redshifts at or below -1 are none, and go to the border.
        logs = value.double().clamp(min=-0.9).log1p()
        return Flat(self.low, self.high).to_normal(logs, frame).float()

    def to_value(self, z: Tensor, frame: Frame) -> Tensor:
        """Redshifts."""
        return torch.expm1(Flat(self.low, self.high).to_value(z.double(), frame)).float()


@dataclass(frozen=True)
class LogFluxOverNoise:
    """log10 of a line's flux, told from the frame's noise, which is in the same unit.

    Args:
        mean, deviation: of log10 of flux over noise in the training data.
    """

    mean: float
    deviation: float

    @property
    def prior(self) -> str:
        """A Gaussian's numbers."""
        return (
            "log10 of flux over noise as in the training data: mean "
            f"{self.mean:g}, deviation {self.deviation:g}"
        )

    def log_prior(self, value: Tensor) -> Tensor:
        """Not known."""
        raise ValueError(f"the training prior is {self.prior}: it cannot be taken out again")

    def to_normal(self, value: Tensor, frame: Frame) -> Tensor:
        """Numbers of log10 fluxes; NaN where the line was not covered."""
        return (value - frame.noise.log10() - self.mean) / self.deviation

    def to_value(self, z: Tensor, frame: Frame) -> Tensor:
        """log10 of fluxes."""
        return self.mean + self.deviation * z + frame.noise.log10()[:, None]
