"""Sersic profiles as a fixed, geometric ladder of Gaussians.

Every term has half the variance of the next one, so a term's exponential is the square of its
neighbour's: one ``exp`` serves a whole profile. Only the weights depend on the Sersic index. The
idea of Gaussian mixtures for galaxy profiles is of Hogg & Lang (2013); the weights are ours, from
``fit_ladder.py``.
"""

import math
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

TABLE = Path(__file__).with_name("ladder.safetensors")
LOWEST, HIGHEST = 0.5, 6.2
"""Sersic indices that the table covers."""
TERMS = 24
NARROWEST = 1 / math.sqrt(2 * math.log(2)) / 2**6.5
"""Standard deviation of the first term in half-light radii; a Gaussian galaxy is term 13."""
FRESH = 13
"""Squarings before a new ``exp``: every one doubles the relative rounding error."""

SMALLEST = -126
"""Exponent of the smallest normal float32."""


def deviations() -> Tensor:
    """Standard deviations [term] of the ladder, half-light radii, ascending, float64.

    Example:
        >>> [round(float(s), 4) for s in deviations()[[0, 13, 23]]]
        [0.0094, 0.8493, 27.1783]
    """
    return NARROWEST * 2 ** (torch.arange(TERMS, dtype=torch.float64) / 2)


def weights(sersic_index: Tensor) -> Tensor:
    """Share of the flux in every term; negative ones are possible, the sum is 1.

    A Chebyshev series in log n, so smooth and differentiable; outside 0.5 to 6.2 the weights stay
    those of the border.

    Args:
        sersic_index: [object].

    Returns:
        [object, term].

    Example:
        >>> shares = weights(torch.tensor([1.0, 4.0]))
        >>> shares.shape, [round(float(s), 4) for s in shares.sum(1)]
        (torch.Size([2, 24]), [1.0, 1.0])
    """
    series = _series().to(sersic_index)
    place, _ = _place(sersic_index)
    orders = [torch.ones_like(place), place]
    while len(orders) < len(series):
        orders.append(2 * place * orders[-1] - orders[-2])
    return torch.stack(orders, -1) @ series


def weight_slopes(sersic_index: Tensor) -> Tensor:
    """Derivative of the :func:`weights` by the logarithm of the Sersic index.

    That of a Chebyshev polynomial T_m is m U_(m-1); beyond the table's borders it is 0.

    Args:
        sersic_index: [object].

    Returns:
        [object, term].

    Example:
        >>> slopes = weight_slopes(torch.tensor([1.0, 4.0]))
        >>> slopes.shape, bool((slopes.sum(1).abs() < 1e-4).all())  # no flux is lost
        (torch.Size([2, 24]), True)
    """
    series = _series().to(sersic_index)
    place, scale = _place(sersic_index)
    second = [torch.ones_like(place), 2 * place]
    while len(second) < len(series) - 1:
        second.append(2 * place * second[-1] - second[-2])
    slopes = [order * one for order, one in enumerate(second, 1)]
    return torch.stack(slopes, -1) * (scale * (place.abs() < 1))[..., None] @ series[1:]


def mixture(exponent: Tensor, shares: Tensor) -> Tensor:
    """Sum over terms t of shares[t] 2^(-2^t exponent), with few exponentials.

    First derivatives only; ``torch.func`` transforms do not pass through.

    Args:
        exponent: [object, *point], not negative.
        shares: [object, term].

    Returns:
        [object, *point].

    Example:
        >>> total = mixture(torch.ones(1, 1), torch.tensor([[1.0, 1.0]]))
        >>> float(total)  # 1/2 + 1/4
        0.75
    """
    return _Mixture.apply(exponent, shares)


def mixtures(exponent: Tensor, shares: Tensor) -> list[Tensor]:
    """Several mixtures of the same Gaussians, each as :func:`mixture`, in one climb; no gradients.

    Args:
        exponent: [object, *point], not negative.
        shares: [object, mixture, term].

    Returns:
        of every mixture [object, *point].

    Example:
        >>> [float(m) for m in mixtures(torch.ones(1, 1), torch.tensor([[[1.0, 1], [0, 4]]]))]
        [0.75, 1.0]
    """
    columns = [_columns(one, exponent.ndim) for one in shares.unbind(1)]
    totals = [torch.empty_like(exponent) for _ in columns]
    for t, term in _climb(exponent, shares.shape[2]):
        for share, total in zip(columns, totals, strict=True):
            if t == 0:
                torch.mul(share[0], term, out=total)
            else:
                total.addcmul_(share[t], term)
    return totals


class _Mixture(torch.autograd.Function):
    """In place both ways: no term is kept, the backward pass climbs the ladder again."""

    @staticmethod
    def forward(context: Any, exponent: Tensor, shares: Tensor) -> Tensor:
        context.save_for_backward(exponent, shares)
        share = _columns(shares, exponent.ndim)
        out = torch.empty_like(exponent)
        for t, term in _climb(exponent, shares.shape[1]):
            if t == 0:
                torch.mul(share[0], term, out=out)
            else:
                out.addcmul_(share[t], term)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context: Any, upstream: Tensor) -> tuple[Tensor, Tensor]:
        exponent, shares = context.saved_tensors
        share = _columns(shares, exponent.ndim)
        slope = torch.zeros_like(exponent)
        by_share = []
        for t, term in _climb(exponent, shares.shape[1]):
            by_share.append(torch.linalg.vecdot(term.flatten(1), upstream.flatten(1)))
            slope.addcmul_(share[t], term, value=-math.log(2) * 2.0**t)
        return slope.mul_(upstream), torch.stack(by_share, 1)


def _climb(exponent: Tensor, terms: int) -> Any:
    """2^(-2^t exponent) for t = 0, 1, ..., each overwriting the one before.

    Powers of two, since ``exp`` falls to a hundredth of its speed where its result is subnormal.
    """
    term = torch.empty_like(exponent)
    for t in range(terms):
        if t % FRESH == 0:
            torch.mul(exponent, -(2.0**t), out=term).clamp_(min=SMALLEST).exp2_()
        else:
            term.mul_(term)
        yield t, term


def _columns(shares: Tensor, dimensions: int) -> tuple[Tensor, ...]:
    """Shares as [object, 1, ...] for each term, to multiply tensors of so many dimensions."""
    return shares.reshape(*shares.shape, *[1] * (dimensions - 1)).unbind(1)


def _place(sersic_index: Tensor) -> tuple[Tensor, float]:
    """Where log n is between the table's borders, -1 to 1, and its slope by log n."""
    low, high = math.log(LOWEST), math.log(HIGHEST)
    scale = 2 / (high - low)
    return ((sersic_index.log() - low) * scale - 1).clamp(-1, 1), scale


@cache
def _series() -> Tensor:
    """Chebyshev coefficients [order, term] of the weights."""
    return load_file(TABLE)["series"]
