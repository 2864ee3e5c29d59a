"""Moment network: a loss whose best answer is the posterior's mean and standard deviation."""

import torch
from torch import Tensor


def moment_loss(mean: Tensor, sigma: Tensor, true: Tensor) -> Tensor:
    """Sum over parameters of the logarithms of two squared errors, summed over the batch.

    The first is of the mean, the second of its variance as the squared error's expectation. The
    logarithms make parameters of any unit count alike.

    Source: Jeffrey & Wandelt 2020, arXiv:2011.05991; with logarithms: Villaescusa-Navarro et al.
    2021, arXiv:2109.09747.

    Args:
        mean, sigma: [object, parameter] of the posterior, as the network says.
        true: [object, parameter].

    Returns:
        the loss; minus infinity where a whole batch is exactly right.

    Raises:
        ValueError: shapes that differ, which would broadcast to nonsense.

    Example:
        >>> mean, true = torch.zeros(2, 1), torch.tensor([[1.0], [-2.0]])
        >>> print(round(float(moment_loss(mean, torch.ones(2, 1), true)), 4))  # ln 5 + ln 9
        3.8067
    """
    if not mean.shape == sigma.shape == true.shape or mean.ndim != 2:
        raise ValueError(
            f"mean, sigma and true have shapes {tuple(mean.shape)}, {tuple(sigma.shape)} and "
            f"{tuple(true.shape)}; expected [object, parameter] for all"
        )
    error = (mean - true).square()
    terms = torch.stack([error, (error - sigma.square()).square()])
    return terms.sum(1).log().sum()
