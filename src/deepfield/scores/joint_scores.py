"""Whether a joint posterior of several quantities is calibrated, in two numbers."""

from collections.abc import Sequence

import numpy as np
import torch

from deepfield.scores.joint_ranks import joint_ranks
from deepfield.scores.marginals import Marginal
from deepfield.scores.tarp import tarp_ranks
from deepfield.scores.uniformity import ks


def joint(measured: Sequence[Marginal]) -> tuple[np.ndarray, np.ndarray]:
    """Ranks of the truths in their joint posteriors: around random points and around the mean.

    Args:
        measured: all quantities, of the same objects.

    Returns:
        those of ``tarp_ranks`` and of ``joint_ranks``, [object] each.
    """
    samples = torch.stack([marginal.samples for marginal in measured], 2)
    true = np.stack([marginal.true for marginal in measured], 1)
    weights = measured[0].weights
    return tarp_ranks(samples, true, weights), joint_ranks(samples, true, weights)


def joint_scores(measured: Sequence[Marginal]) -> dict[str, float]:
    """``tarp_ks`` and ``joint_ks``, largest gaps of the joint ranks to uniform, and p-values.

    Args:
        measured: the quantities, of the same objects.

    Returns:
        nothing where there are fewer than two quantities.

    Example:
        >>> joint_scores([])
        {}
    """
    if len(measured) < 2:
        return {}
    scores = {}
    for name, ranks in zip(("tarp", "joint"), joint(measured), strict=True):
        scores[f"{name}_ks"], scores[f"{name}_p"] = ks(ranks)
    return scores
