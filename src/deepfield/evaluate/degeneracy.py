"""Which object's joint posterior to show: one whose quantities hang together."""

from collections.abc import Sequence

import numpy as np

from deepfield.scores.known import as_array
from deepfield.scores.marginals import Marginal

TYPICAL_OF_THE_DEGENERATE = 0.9
"""share of the objects whose quantities hang together less than those of the one that is shown"""


def degenerate(together: Sequence[Marginal], *, most: int = 5) -> tuple[int, list[str]]:
    """An object with a degenerate posterior, and the quantities that hang together most in it.

    Of all objects it is the one at the 90th percentile of the total correlation, the information
    that quantities have of each other in a Gaussian of the samples' covariance.

    Args:
        together: the quantities of one joint posterior, of the same objects.
        most: quantities at most.

    Returns:
        the object's row, and names in the order in which they came.

    Raises:
        ValueError: fewer than two quantities, or no object with a posterior.
    """
    if len(together) < 2:
        raise ValueError(f"{len(together)} quantities; expected at least 2 that can hang together")
    samples = np.stack([as_array(marginal.samples) for marginal in together], 1)
    weights = together[0].weights
    share = None if weights is None else as_array(weights)
    correlations = [
        _correlation(values, None if share is None else share[row])
        for row, values in enumerate(samples)
    ]
    totals = np.array([-np.linalg.slogdet(c)[1] for c in correlations])
    known = np.flatnonzero(np.isfinite(totals))
    if not len(known):
        raise ValueError("no object has a joint posterior; expected at least one")
    order = known[np.argsort(totals[known], kind="stable")]
    chosen = int(order[int(TYPICAL_OF_THE_DEGENERATE * (len(order) - 1))])
    strength = np.square(correlations[chosen]).sum(0)
    names = [together[i].name for i in sorted(np.argsort(-strength, kind="stable")[:most])]
    return chosen, names


def _correlation(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Of [quantity, sample]; NaN where the posterior is."""
    covariance = np.cov(values, aweights=weights)
    width = np.sqrt(np.diag(covariance))
    # Quantities that the posterior does not spread say nothing of the others.
    width = np.where(width > 0, width, np.inf)
    found = covariance / np.outer(width, width)
    return found + np.diag(1 + 1e-9 - np.diag(found))
