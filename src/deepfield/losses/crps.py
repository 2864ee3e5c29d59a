"""Continuous ranked probability score of Gaussians and their mixtures, in closed form."""

from math import pi, sqrt

import torch
from torch import Tensor


def crps_gaussian(mean: Tensor, sigma: Tensor, true: Tensor) -> Tensor:
    """Integral over t of (F(t) - [t >= true])^2 with F a Gaussian's cumulative distribution.

    It has the unit of ``true`` and becomes the absolute error when sigma goes to 0.

    Source: Gneiting et al. 2005, Monthly Weather Review 133, 1098.

    Args:
        mean, sigma, true: [...] that broadcast; sigma above 0.

    Returns:
        [...] at least 0, 0 is best.

    Example:
        >>> crps_gaussian(torch.tensor(0.0), torch.tensor(1.0), torch.tensor(0.0))
        tensor(0.2337)
    """
    return _mean_distance(true - mean, sigma) - sigma / sqrt(pi)


def crps_mixture(weights: Tensor, means: Tensor, sigmas: Tensor, true: Tensor) -> Tensor:
    """The same for a mixture of Gaussians.

    Mean distance of a draw from the truth, less half that of two draws from each other.

    Source: Grimit et al. 2006, Q. J. R. Meteorol. Soc. 132, 2925; as a loss of redshifts:
    D'Isanto & Polsterer 2018, A&A 609, A111.

    Args:
        weights: [..., component] that sum to 1.
        means, sigmas: [..., component]; sigmas above 0.
        true: [...].

    Returns:
        [...] at least 0, 0 is best.

    Raises:
        ValueError: components that differ in number.

    Example:
        >>> two = torch.tensor([0.5, 0.5])
        >>> crps_mixture(two, torch.zeros(2), torch.ones(2), torch.tensor(0.0))
        tensor(0.2337)
    """
    if not weights.shape[-1:] == means.shape[-1:] == sigmas.shape[-1:]:
        raise ValueError(
            f"weights, means and sigmas have shapes {tuple(weights.shape)}, {tuple(means.shape)} "
            f"and {tuple(sigmas.shape)}; expected the same number of components last"
        )
    from_truth = (weights * _mean_distance(true[..., None] - means, sigmas)).sum(-1)
    apart = means[..., :, None] - means[..., None, :]
    wide = (sigmas[..., :, None].square() + sigmas[..., None, :].square()).sqrt()
    pairs = weights[..., :, None] * weights[..., None, :]
    return from_truth - (pairs * _mean_distance(apart, wide)).sum((-2, -1)) / 2


def _mean_distance(shift: Tensor, sigma: Tensor) -> Tensor:
    """Mean absolute value of a Gaussian variable of this mean and sigma."""
    scaled = shift / (sigma * sqrt(2))
    return shift * torch.erf(scaled) + sigma * sqrt(2 / pi) * (-scaled.square()).exp()
