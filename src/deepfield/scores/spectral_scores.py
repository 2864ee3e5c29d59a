"""Scores of what spectra tell: redshifts to a few hundred km/s, and fluxes of lines in dex."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from deepfield.scores.errors import beyond_of, scatter_of
from deepfield.scores.known import as_array
from deepfield.scores.marginal_scores import marginal_scores
from deepfield.scores.marginals import Samples, marginals
from deepfield.scores.resampled import once

SUCCESS = 0.003
"""largest |z - z_true| / (1 + z_true) of a redshift that is right: 1000 km/s"""


def spectral_scores(posterior: Samples, truth: Mapping[str, Tensor]) -> dict[str, float]:
    """Redshift success and scatter, and errors and calibration of every quantity.

    Args:
        posterior: with ``redshift`` among its quantities.
        truth: with ``redshift``; where its ``kind`` is 0, a star, the redshift is left out of
            ``redshift_success`` and ``sigma_mad``.

    Returns:
        ``redshift_success``, ``redshift_failure`` (beyond 0.003, as a share), ``sigma_mad`` and
        all of ``marginal_scores``.

    Example:
        >>> import torch
        >>> from deepfield.nouns.posterior import Posterior
        >>> from deepfield.nouns.quantity import Quantity
        >>> posterior = Posterior((Quantity("redshift"),), torch.zeros(2, 8, 1))
        >>> truth = {"redshift": torch.tensor([0.001, 0.01]), "kind": torch.tensor([1, 1])}
        >>> spectral_scores(posterior, truth)["redshift_success"]
        0.5
    """
    found = marginals(posterior, truth)
    (redshift,) = (marginal for marginal in found if marginal.name == "redshift")
    residual = redshift.error / (1 + redshift.true)
    if "kind" in truth:
        residual = np.where(as_array(truth["kind"]) == 0, np.nan, residual)
    failed = once(beyond_of(residual, SUCCESS), len(residual))
    return {
        "redshift_success": 1 - failed,
        "redshift_failure": failed,
        "sigma_mad": once(scatter_of(residual), len(residual)),
        **marginal_scores(found),
    }
