"""What is scored of posteriors, whatever their task: errors and calibration are always checked."""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from deepfield.nouns.batch import Truth
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction
from deepfield.scores.joint_scores import joint_scores
from deepfield.scores.marginal_scores import marginal_scores, marginal_statistics
from deepfield.scores.marginals import Marginal, marginals
from deepfield.scores.redshift_scores import NAME, redshift_statistics
from deepfield.scores.resampled import Statistic
from deepfield.scores.structure import structure_statistics

Measured = Mapping[str, Sequence[Marginal]]
"""by answer: its quantities that the truth knows"""


def measured(prediction: Prediction, truth: Truth) -> dict[str, list[Marginal]]:
    """The posteriors of a prediction, quantity by quantity, beside the truth.

    Args:
        prediction: of all objects.
        truth: of the same objects.

    Returns:
        by answer; empty where no posterior's truth is known.

    Example:
        >>> import torch
        >>> from deepfield.nouns.quantity import Quantity
        >>> redshift = Quantity("redshift")
        >>> posterior = Posterior((redshift,), torch.zeros(2, 8, 1))
        >>> found = measured(Prediction({"pdf": posterior}), Truth({redshift: torch.ones(2)}))
        >>> found["pdf"][0].error.tolist()
        [-1.0, -1.0]
    """
    found = {
        name: marginals(answer, truth)
        for name, answer in prediction.items()
        if isinstance(answer, Posterior)
    }
    return {name: several for name, several in found.items() if several}


def posterior_scores(found: Measured) -> dict[str, float]:
    """Errors and calibration of every quantity, and of every joint posterior.

    Args:
        found: what ``measured`` gives; where it has several posteriors, the scores of each joint
            one end with its name.

    Example:
        >>> posterior_scores({})
        {}
    """
    scores: dict[str, float] = {}
    for answer, several in found.items():
        end = f"_{answer}" if len(found) > 1 else ""
        scores |= marginal_scores(several)
        scores |= {f"{name}{end}": value for name, value in joint_scores(several).items()}
    return scores


def posterior_statistics(
    found: Measured, signal_to_noise: Tensor | np.ndarray | None = None
) -> dict[str, Statistic]:
    """Every score of posteriors that can be resampled, of whatever task asks for it.

    Args:
        found: what ``measured`` gives.
        signal_to_noise: [object], where it is known.

    Example:
        >>> posterior_statistics({})
        {}
    """
    statistics: dict[str, Statistic] = {}
    for several in found.values():
        statistics |= marginal_statistics(several)
        statistics |= structure_statistics(several, signal_to_noise)
        for marginal in several:
            if marginal.name == NAME:
                statistics |= redshift_statistics(marginal)
    return statistics
