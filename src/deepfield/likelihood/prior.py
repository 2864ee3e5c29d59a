"""Prior: what is known of the parameters before the fit."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Prior:
    """A Gaussian, in a model's own parameters: with it a fit finds the posterior's maximum.

    Args:
        mean: [object or 1, parameter].
        precision: [object or 1, parameter, parameter] inverse covariance; 0 where nothing is
            known.

    Raises:
        ValueError: shapes that do not fit together.

    Example:
        >>> import torch
        >>> prior = Prior(torch.zeros(1, 2), 4 * torch.eye(2)[None])
        >>> prior.chi_square(torch.ones(3, 2)).tolist()
        [8.0, 8.0, 8.0]
    """

    mean: Tensor
    precision: Tensor

    def __post_init__(self) -> None:
        count = self.mean.shape[-1]
        if self.mean.ndim != 2 or self.precision.shape[1:] != (count, count):
            raise ValueError(
                f"mean has shape {tuple(self.mean.shape)} and precision "
                f"{tuple(self.precision.shape)}; expected [object or 1, parameter] and "
                "[object or 1, parameter, parameter]"
            )

    def take(self, rows: Tensor) -> "Prior":
        """Of some objects."""
        mean = self.mean if len(self.mean) == 1 else self.mean[rows]
        precision = self.precision if len(self.precision) == 1 else self.precision[rows]
        return Prior(mean, precision)

    def slope(self, parameters: Tensor) -> Tensor:
        """[object, parameter] -d chi^2 / 2 d parameters."""
        return ((self.mean - parameters)[:, None] @ self.precision)[:, 0]

    def chi_square(self, parameters: Tensor) -> Tensor:
        """[object] of parameters [object, parameter]."""
        return ((self.mean - parameters) * self.slope(parameters)).sum(1)
