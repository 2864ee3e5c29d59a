"""Scores of a galaxy's structure, at every signal-to-noise that the field quotes."""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from deepfield.scores.errors import rmse_of, scatter_of
from deepfield.scores.marginal_scores import marginal_statistics
from deepfield.scores.marginals import SHARES, Marginal, Samples, marginals
from deepfield.scores.noise_levels import LEVELS, noise_levels
from deepfield.scores.resampled import Statistic, once

QUANTITIES = frozenset(
    {
        *("magnitude", "bulge_to_total", "log_radius_bulge", "log_radius_disc"),
        *("sersic_index_bulge", "axis_ratio_bulge", "axis_ratio_disc"),
        *("log_radius", "sersic_index", "axis_ratio"),
    }
)
"""of a bulge in a disc, and of one profile: what ``coverage_68`` is the mean of"""
EACH = ("rmse", "scatter")


def structure_statistics(
    measured: Sequence[Marginal], signal_to_noise: Tensor | np.ndarray | None = None
) -> dict[str, Statistic]:
    """Scores by name, as functions of how often every object counts.

    Args:
        measured: the quantities, of the same objects.
        signal_to_noise: [object]; None = no scores by it.

    Returns:
        ``rmse_`` and ``scatter_`` of every quantity, the same by signal-to-noise (``_sn20``:
        see ``noise_levels``), ``coverage_68_`` and ``coverage_95_`` of every quantity, and
        ``coverage_68`` and ``coverage_95``: their mean over ``QUANTITIES``.

    Example:
        >>> structure_statistics([])
        {}
    """
    every = marginal_statistics(measured)
    kinds = (*EACH, "coverage")
    found = {name: s for name, s in every.items() if name.split("_")[0] in kinds}
    for share in SHARES:
        chosen = [m.name for m in measured if m.name in QUANTITIES]
        if chosen:
            found[f"coverage_{share}"] = _mean([every[f"coverage_{share}_{q}"] for q in chosen])
    if signal_to_noise is None:
        return found
    levels = noise_levels(signal_to_noise)
    for level in LEVELS:
        if not (levels == level).any():
            continue
        for marginal in measured:
            error = np.where(levels == level, marginal.error, np.nan)
            found[f"rmse_{marginal.name}_sn{level}"] = rmse_of(error)
            found[f"scatter_{marginal.name}_sn{level}"] = scatter_of(error)
    return found


def structure_scores(posterior: Samples, truth: Mapping[str, Tensor]) -> dict[str, float]:
    """The numbers of ``structure_statistics`` for a posterior.

    Args:
        posterior: of the objects.
        truth: [object] by name, of the same objects; with ``signal_to_noise`` for scores by it.
    """
    measured = marginals(posterior, truth)
    statistics = structure_statistics(measured, truth.get("signal_to_noise"))
    return {name: once(s, len(posterior.samples)) for name, s in statistics.items()}


def _mean(statistics: Sequence[Statistic]) -> Statistic:
    def statistic(weights: np.ndarray) -> np.ndarray:
        return np.mean([each(weights) for each in statistics], 0)

    return statistic
