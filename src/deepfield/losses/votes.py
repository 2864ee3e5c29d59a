"""Likelihoods of votes: multinomial, and Dirichlet-multinomial for fractions that are not sure.

Both are exact negative log probabilities, with the combinatorial factor, so that their values can
be compared with each other and with ``scipy.stats``. A question that nobody was asked costs 0.
"""

import torch
from torch import Tensor


def multinomial(log_fractions: Tensor, votes: Tensor) -> Tensor:
    """Minus log probability of the votes, given each answer's probability.

    Args:
        log_fractions: [..., answer] log probabilities.
        votes: [..., answer] counts, at least 0.

    Returns:
        [...].

    Example:
        >>> coin = torch.tensor([0.5, 0.5]).log()
        >>> multinomial(coin, torch.tensor([1.0, 1.0])).exp()
        tensor(2.)
    """
    return -ways(votes) - (votes * log_fractions).sum(-1)


def dirichlet_multinomial(fractions: Tensor, concentration: Tensor, votes: Tensor) -> Tensor:
    """Minus log probability of the votes, if the probabilities themselves are Dirichlet.

    The larger the concentration, the surer the fractions; as it grows without limit this becomes
    the multinomial.

    Source: Mosimann 1962, Biometrika 49, 65; for Galaxy Zoo Walmsley et al. 2022, MNRAS 509, 3966.

    Args:
        fractions: [..., answer] means of the Dirichlet, above 0, summing to 1.
        concentration: [...] sum of its parameters.
        votes: [..., answer] counts, at least 0.

    Returns:
        [...].

    Example:
        >>> flat = torch.tensor([0.5, 0.5])  # with concentration 2 all counts are equally likely
        >>> dirichlet_multinomial(flat, torch.tensor(2.0), torch.tensor([3.0, 1.0])).exp()
        tensor(5.)
    """
    alpha = concentration[..., None] * fractions
    asked = votes.sum(-1)
    found = torch.lgamma(concentration) - torch.lgamma(concentration + asked)
    each = (torch.lgamma(alpha + votes) - torch.lgamma(alpha)).sum(-1)
    return -(ways(votes) + found + each)


def ways(votes: Tensor) -> Tensor:
    """Log of the number of orders in which these votes can come.

    Args:
        votes: [..., answer] counts.

    Example:
        >>> ways(torch.tensor([2.0, 1.0])).exp().round()
        tensor(3.)
    """
    return torch.lgamma(votes.sum(-1) + 1) - torch.lgamma(votes + 1).sum(-1)
