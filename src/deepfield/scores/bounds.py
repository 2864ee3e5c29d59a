"""Errors in units of the smallest that the noise allows."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from deepfield.scores.errors import rmse_of
from deepfield.scores.known import as_array
from deepfield.scores.marginals import Samples
from deepfield.scores.noise_levels import LEVELS, noise_levels
from deepfield.scores.resampled import once

BOUND = "cramer_rao_"
"""the truth of this name and a quantity's is its Cramer-Rao bound"""
TOLD = 0.25
"""of the population's spread: where the bound is larger, the prior tells most"""


def bound_scores(posterior: Samples, truth: Mapping[str, Tensor]) -> dict[str, float]:
    """Root mean square of error over Cramer-Rao bound, of the objects that tell something.

    The bound holds for unbiased measurements; the posterior's median also knows the prior, and
    can be a little better near its edges. So only those objects count whose bound is below a
    quarter of the standard deviation of the truth, where a flat prior takes less than 2 % off the
    error away from its edges.

    Args:
        posterior: of the objects.
        truth: of the same objects, with ``cramer_rao_<quantity>``, and ``signal_to_noise`` for
            the scores of every level.

    Returns:
        ``cramer_rao_ratio_<quantity>``, 1 is best; ``cramer_rao_share_<quantity>``, of the
        objects that count; ``cramer_rao_ratio_<quantity>_sn10`` and so on for the levels of
        ``noise_levels``.

    Source: Cramer 1946, Mathematical Methods of Statistics, 32.

    Example:
        >>> import torch
        >>> from deepfield.nouns.posterior import Posterior
        >>> from deepfield.nouns.quantity import Quantity
        >>> samples = torch.tensor([0.1, 1.1, 1.9])[:, None, None]
        >>> truth = {"x": torch.tensor([0.0, 1.0, 2.0]), "cramer_rao_x": torch.full((3,), 0.1)}
        >>> found = bound_scores(Posterior((Quantity("x"),), samples), truth)
        >>> print(round(found["cramer_rao_ratio_x"], 3))
        1.0
    """
    scores: dict[str, float] = {}
    medians = as_array(posterior.quantiles([0.5]))[:, :, 0]
    for i, quantity in enumerate(posterior.quantities):
        name = quantity.name
        if name not in truth or BOUND + name not in truth:
            continue
        true, bound = as_array(truth[name]), as_array(truth[BOUND + name])
        told = bound < TOLD * np.nanstd(true)
        pull = np.where(told, (medians[:, i] - true) / bound, np.nan)
        rms = rmse_of(pull)
        scores[f"cramer_rao_ratio_{name}"] = once(rms, len(pull))
        scores[f"cramer_rao_share_{name}"] = float(told.mean())
        if "signal_to_noise" in truth:
            level = noise_levels(truth["signal_to_noise"])
            for noise in LEVELS:
                if (told & (level == noise)).any():
                    weights = (level == noise).astype(float)[None]
                    scores[f"cramer_rao_ratio_{name}_sn{noise}"] = float(rms(weights)[0])
    return scores
