"""Evidence lower bound of a variational autoencoder, with its divergence in closed form."""

import torch
from torch import Tensor


def divergence(
    mean: Tensor,
    log_variance: Tensor,
    prior_mean: Tensor | float = 0.0,
    prior_log_variance: Tensor | float = 0.0,
) -> Tensor:
    """Kullback-Leibler divergence of a Gaussian with independent axes from another.

    Args:
        mean, log_variance: [object, latent] of the approximate posterior q.
        prior_mean, prior_log_variance: [object, latent] of the prior p; a unit Gaussian where
            not given.

    Returns:
        [object] KL(q | p), nats, at least 0.

    Source: Kingma & Welling 2014 (ICLR), arXiv:1312.6114, appendix B; with a learnt prior: Kohl
    et al. 2018 (NeurIPS).

    Example:
        >>> divergence(torch.tensor([[3.0]]), torch.tensor([[0.0]]))
        tensor([4.5000])
    """
    prior = torch.as_tensor(prior_log_variance).to(mean)
    ratio = log_variance - prior
    shift = (mean - prior_mean).square() * (-prior).exp()
    return (ratio.exp() + shift - 1 - ratio).sum(-1) / 2


def elbo(
    log_likelihood: Tensor, mean: Tensor, log_variance: Tensor, *, beta: float = 1.0
) -> Tensor:
    """Mean log-likelihood under the posterior, less its divergence from a unit Gaussian.

    With ``beta=1`` it bounds the log-evidence from below, and reaches it at the true posterior.

    Args:
        log_likelihood: [object] of the data, nats, summed over pixels; at a draw of the latents.
        mean, log_variance: [object, latent] of the approximate posterior.
        beta: weight of the divergence (Higgins et al. 2017, ICLR).

    Returns:
        [object] nats, to be made large.

    Raises:
        ValueError: log-likelihoods that are not one an object.

    Example:
        >>> elbo(torch.tensor([-10.0]), torch.zeros(1, 4), torch.zeros(1, 4))
        tensor([-10.])
    """
    if log_likelihood.shape != mean.shape[:-1]:
        raise ValueError(
            f"log_likelihood has shape {tuple(log_likelihood.shape)} for latents "
            f"{tuple(mean.shape)}; expected [object]: sum it over channels and pixels"
        )
    return log_likelihood - beta * divergence(mean, log_variance)
