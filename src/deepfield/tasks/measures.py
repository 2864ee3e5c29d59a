"""Measures: what posteriors are scored by; each a function (posterior, truth) -> numbers."""

from deepfield.nouns.batch import Truth
from deepfield.nouns.posterior import Posterior
from deepfield.scores.joint_scores import joint_scores
from deepfield.scores.marginal_scores import marginal_scores
from deepfield.scores.marginals import marginals
from deepfield.scores.redshift_scores import redshift_scores
from deepfield.scores.structure import structure_scores


def general_measures(posterior: Posterior, truth: Truth) -> dict[str, float]:
    """Errors and calibration of every quantity, and of all of them together.

    Args:
        posterior: of the objects.
        truth: of the same objects; quantities that it does not know are passed over.

    Example:
        >>> import torch
        >>> from deepfield.nouns.quantity import Quantity
        >>> depth = Quantity("depth", "mag")
        >>> posterior = Posterior((depth,), torch.randn(50, 64, 1))
        >>> scores = general_measures(posterior, Truth({depth: torch.zeros(50)}))
        >>> 0 < scores["rmse_depth"] < 1
        True
    """
    measured = marginals(posterior, truth)
    return {**marginal_scores(measured), **joint_scores(measured)}


def structure_measures(posterior: Posterior, truth: Truth) -> dict[str, float]:
    """Errors of every quantity, at every signal-to-noise, and coverage: ``structure_scores``."""
    return structure_scores(posterior, truth)


def redshift_measures(posterior: Posterior, truth: Truth) -> dict[str, float]:
    """Scatter, bias, outliers, CRPS and calibration of redshifts: ``redshift_scores``."""
    return redshift_scores(posterior, truth)
