"""How errors change with brightness, inclination, redshift and signal-to-noise."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from deepfield.evaluate.compare import Comparison
from deepfield.evaluate.measurements import Measurements
from deepfield.nouns.quantity import Quantity
from deepfield.scores.errors import GAUSSIAN
from deepfield.scores.known import as_array

FEWEST = 8
"""objects of a bin that has a scatter"""
MEDIAN_ERROR = 1.2533
"""standard error of a median, in sigma / sqrt(objects), Gaussian"""


@dataclass(frozen=True)
class ErrorTrend:
    """Bias and scatter of one quantity in bins of another.

    Args:
        target: name of what is measured, in ``unit``.
        unit: of the errors.
        quantity: along the horizontal axis.
        centre: [bin] median of that.
        bias: by method, [bin] median error; NaN where there are too few objects.
        bias_error: by method, [bin] 95 % half-width.
        scatter: by method, [bin] 1.4826 times the median distance from the median error.
    """

    target: str
    unit: str
    quantity: Quantity
    centre: np.ndarray
    bias: dict[str, np.ndarray]
    bias_error: dict[str, np.ndarray]
    scatter: dict[str, np.ndarray]


def error_trends(
    comparison: Comparison,
    every: Mapping[str, Measurements],
    targets: Iterable[str],
    against: Iterable[str],
    *,
    bins: int = 8,
) -> list[ErrorTrend]:
    """Errors of each target against each quantity that the truth knows.

    Args:
        comparison: of a network and its rivals.
        every: its measurements, by method.
        targets: names of measured quantities, such as ``log_radius_disc``; unknown ones are
            passed over.
        against: names in the truth; those that do not vary are passed over.
        bins: of equally many objects.
    """
    found = []
    for target in targets:
        methods = {m: f.quantities[target] for m, f in every.items() if target in f.quantities}
        for name in against:
            if not methods or name not in comparison.truth:
                continue
            values = as_array(comparison.truth[name]).astype(float)
            known = values[np.isfinite(values)]
            if not len(known):
                continue
            edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)))
            if len(edges) < 3:
                continue
            place = np.digitize(values, edges[1:-1])
            place[~np.isfinite(values)] = -1
            centre = np.array([np.median(values[place == k]) for k in range(len(edges) - 1)])
            bias: dict[str, np.ndarray] = {}
            error: dict[str, np.ndarray] = {}
            scatter: dict[str, np.ndarray] = {}
            for method, marginal in methods.items():
                mine = place[as_array(comparison.rows[method])]
                table = np.array([_spread(marginal.error[mine == k]) for k in range(len(centre))])
                bias[method], scatter[method], error[method] = table.T
            quantity = comparison.truth.quantity(name)
            unit = next(iter(methods.values())).unit
            found.append(ErrorTrend(target, unit, quantity, centre, bias, error, scatter))
    return found


def _spread(errors: np.ndarray) -> tuple[float, float, float]:
    """Median, scatter, and the half-width of the median's 95 % interval."""
    known = errors[np.isfinite(errors)]
    if len(known) < FEWEST:
        return (float("nan"),) * 3
    middle = float(np.median(known))
    scatter = GAUSSIAN * float(np.median(np.abs(known - middle)))
    return middle, scatter, 1.96 * MEDIAN_ERROR * scatter / np.sqrt(len(known))
