"""How near and how well calibrated every quantity of a posterior is."""

from collections.abc import Sequence

import numpy as np

from deepfield.scores.errors import beyond_of, mean_of, rmse_of, scatter_of
from deepfield.scores.marginals import SHARES, Marginal
from deepfield.scores.resampled import Statistic, once
from deepfield.scores.uniformity import ks

OUTLIER = 3.0
"""scatters from the median error, beyond which an error is an outlier"""


def marginal_statistics(measured: Sequence[Marginal]) -> dict[str, Statistic]:
    """Errors and calibration by name, as functions of how often every object counts.

    Args:
        measured: the quantities, of the same objects.

    Returns:
        of every quantity ``rmse_``, ``scatter_``, ``bias_``, ``crps_``, ``coverage_68_`` and
        ``coverage_95_``.

    Example:
        >>> marginal_statistics([])
        {}
    """
    found: dict[str, Statistic] = {}
    for marginal in measured:
        name = marginal.name
        found[f"rmse_{name}"] = rmse_of(marginal.error)
        found[f"scatter_{name}"] = scatter_of(marginal.error)
        found[f"bias_{name}"] = mean_of(marginal.error)
        found[f"crps_{name}"] = mean_of(marginal.crps)
        for share in SHARES:
            found[f"coverage_{share}_{name}"] = mean_of(marginal.held(share))
    return found


def marginal_scores(measured: Sequence[Marginal]) -> dict[str, float]:
    """Errors and calibration of every quantity.

    Args:
        measured: the quantities, of the same objects.

    Returns:
        what ``marginal_statistics`` has, and ``outliers_`` (share of the errors beyond 3 scatters
        from their median; 0.003 if Gaussian), ``pull_mean_`` and ``pull_width_`` (0 and 1 if
        calibrated; widths of their middle 68 %), ``pit_ks_`` and its ``pit_p_``.

    Example:
        >>> marginal_scores([])
        {}
    """
    scores = {}
    for name, statistic in marginal_statistics(measured).items():
        scores[name] = once(statistic, len(measured[0].true))
    for marginal in measured:
        name, count = marginal.name, len(marginal.true)
        known = marginal.error[np.isfinite(marginal.error)]
        middle = float(np.median(known)) if len(known) else float("nan")
        limit = OUTLIER * scores[f"scatter_{name}"]
        scores[f"outliers_{name}"] = once(beyond_of(marginal.error - middle, limit), count)
        scores[f"pull_mean_{name}"] = once(mean_of(marginal.pull), count)
        scores[f"pull_width_{name}"] = pull_width(marginal.pull)
        scores[f"pit_ks_{name}"], scores[f"pit_p_{name}"] = ks(marginal.pit)
    return scores


def pull_width(pulls: np.ndarray) -> float:
    """Half the width of the middle 68.27 % of the pulls: 1 for calibrated Gaussians.

    Args:
        pulls: [object]; NaN is left out.

    Example:
        >>> print(round(pull_width(np.random.default_rng(0).normal(size=100_000)), 2))
        1.0
    """
    known = pulls[np.isfinite(pulls)]
    if not len(known):
        return float("nan")
    low, high = np.quantile(known, [0.158655, 0.841345])
    return float(high - low) / 2
