"""Scores of redshifts: scatter, bias and outliers of (z - z_true) / (1 + z_true)."""

import numpy as np
from torch import Tensor

from deepfield.scores.known import as_array


def residuals(predicted: Tensor | np.ndarray, true: Tensor | np.ndarray) -> np.ndarray:
    """(z - z_true) / (1 + z_true) of the objects that have both.

    Args:
        predicted, true: [object] redshifts; NaN = not known, and left out.

    Returns:
        [known object].

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> residuals(np.array([1.2, np.nan]), np.array([1.0, 0.5])).round(3)
        array([0.1])
    """
    predicted, true = (as_array(z).astype(np.float64) for z in (predicted, true))
    if predicted.shape != true.shape or predicted.ndim != 1:
        raise ValueError(
            f"redshifts have shapes {predicted.shape} and {true.shape}; expected [object] both"
        )
    scaled = (predicted - true) / (1 + true)
    return scaled[np.isfinite(scaled)]


def sigma_mad(predicted: Tensor | np.ndarray, true: Tensor | np.ndarray) -> float:
    """1.4826 times the median distance of the residuals from their median.

    It is the standard deviation of Gaussian residuals, and hardly sees outliers or a bias.

    Source: as in Pasquet et al. 2019, A&A 621, A26.

    Args:
        predicted, true: as in ``residuals``.

    Returns:
        at least 0; NaN without objects.

    Example:
        >>> print(round(sigma_mad(np.array([0.1, 0.2, 0.6]), np.zeros(3)), 5))
        0.14826
    """
    values = residuals(predicted, true)
    if not len(values):
        return float("nan")
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def bias(predicted: Tensor | np.ndarray, true: Tensor | np.ndarray) -> float:
    """Mean residual; above 0 where redshifts are too high.

    Args:
        predicted, true: as in ``residuals``.

    Returns:
        NaN without objects.

    Example:
        >>> print(round(bias(np.array([0.1, 0.3]), np.zeros(2)), 3))
        0.2
    """
    values = residuals(predicted, true)
    return float(values.mean()) if len(values) else float("nan")


def outlier_fraction(
    predicted: Tensor | np.ndarray, true: Tensor | np.ndarray, *, beyond: float = 0.05
) -> float:
    """Share of objects whose residual is larger than a limit, to either side.

    Args:
        predicted, true: as in ``residuals``.
        beyond: 0.05 where redshifts are as good as in Pasquet+19, 0.15 where they come from
            few bands.

    Returns:
        between 0 and 1; NaN without objects.

    Example:
        >>> outlier_fraction(np.array([0.1, 0.01]), np.zeros(2))
        0.5
    """
    values = residuals(predicted, true)
    return float((np.abs(values) > beyond).mean()) if len(values) else float("nan")
