"""Scale of emission lines: fluxes over their noise."""

from dataclasses import dataclass

from torch import Tensor

from deepfield.nets.frame import Frame


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
