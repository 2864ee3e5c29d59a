"""Scores of redshift posteriors: what the literature of photometric redshifts quotes."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from deepfield.scores.errors import beyond_of, mean_of, scatter_of
from deepfield.scores.marginals import Marginal, Samples, marginals
from deepfield.scores.resampled import Statistic, once
from deepfield.scores.uniformity import ks_of

NAME = "redshift"
OUTLIERS = {"outlier_fraction": 0.05, "outlier_fraction_15": 0.15}
"""|z - z_true| / (1 + z_true) beyond which a redshift is lost: in many bands, and in few"""


def redshift_statistics(redshift: Marginal) -> dict[str, Statistic]:
    """Scores by name, as functions of how often every object counts.

    Args:
        redshift: posterior and truth; its medians are the redshifts that are scored.

    Returns:
        ``sigma_mad``, ``bias`` and ``outlier_fraction`` (beyond 0.05, and ``_15`` beyond 0.15) of
        (z - z_true) / (1 + z_true), mean ``crps``, and ``pit_ks``, the largest gap between the
        distribution of the PIT and the uniform one.

    Source: Pasquet et al. 2019, A&A 621, A26.
    """
    residual = redshift.error / (1 + redshift.true)
    return {
        "sigma_mad": scatter_of(residual),
        "bias": mean_of(residual),
        **{name: beyond_of(residual, limit) for name, limit in OUTLIERS.items()},
        "crps": mean_of(redshift.crps),
        "pit_ks": ks_of(redshift.pit),
    }


def redshift_scores(posterior: Samples, truth: Mapping[str, Tensor]) -> dict[str, float]:
    """The numbers of ``redshift_statistics`` for a posterior.

    Args:
        posterior: with the quantity ``redshift``.
        truth: with ``redshift``, [object], NaN = not known.

    Raises:
        ValueError: one of them has none.
    """
    found = [marginal for marginal in marginals(posterior, truth) if marginal.name == NAME]
    if not found:
        raise ValueError(
            f"posteriors of {', '.join(q.name for q in posterior.quantities)} and truth of "
            f"{', '.join(truth)}; expected {NAME} in both"
        )
    statistics = redshift_statistics(found[0])
    return {name: once(s, len(np.asarray(found[0].true))) for name, s in statistics.items()}
