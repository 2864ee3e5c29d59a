"""The Cramer-Rao bound: the smallest error that an unbiased measurement of a star can have."""

import torch
from torch import Tensor

from deepfield.sky.instruments import Instrument


def jacobian(instrument: Instrument, *parameters: Tensor) -> tuple[Tensor, Tensor]:
    """Noiseless numbers and their exact derivatives, by automatic differentiation.

    Args:
        instrument: what looks.
        parameters: log_teff, log_g and metallicity, each [object].

    Returns:
        [object, number], and [object, number, parameter].

    Example:
        >>> from deepfield.sky.instruments import medium_bands
        >>> one = torch.ones(2)
        >>> jacobian(medium_bands(), 4 * one, 4 * one, 0 * one)[1].shape
        torch.Size([2, 13, 3])
    """
    with torch.enable_grad():
        own = [p.detach().requires_grad_() for p in parameters]
        seen = instrument.see(*own)
        # A star's numbers depend on its own parameters alone, so the gradient of a weighted sum
        # is linear in the weights, and its gradient by the weights a column of the Jacobian.
        weights = torch.zeros_like(seen).requires_grad_()
        sums = torch.autograd.grad(seen, own, weights, create_graph=True)
        columns = [torch.autograd.grad(s.sum(), weights, retain_graph=True)[0] for s in sums]
    return seen.detach(), torch.stack(columns, 2)


def cramer_rao(seen: Tensor, derivatives: Tensor, sigma: Tensor) -> Tensor:
    """Bounds on the standard deviations, the brightness being unknown too.

    Args:
        seen: [object, number] noiseless.
        derivatives: [object, number, parameter].
        sigma: [object, number] of the Gaussian noise; infinite = not measured.

    Returns:
        [object, parameter]; infinite where the numbers tell nothing.

    Source: Cramer 1946, Mathematical Methods of Statistics, 32.6 (several parameters).

    Example:
        >>> line = torch.arange(-1.0, 2.0, dtype=torch.float64)[None]
        >>> cramer_rao(1 + 0 * line, line[..., None], 2 + 0 * line)  # a slope: 2 / sqrt(2)
        tensor([[1.4142]], dtype=torch.float64)
    """
    columns = torch.cat([derivatives, seen[..., None]], 2).double() / sigma.double()[..., None]
    information = columns.mT @ columns
    # Parameters on one scale, so that inverting stays accurate.
    scale = information.diagonal(dim1=1, dim2=2).sqrt()
    known = (scale > 0).all(1)
    scale = scale.clamp(min=1e-300)
    correlation = information / scale[:, :, None] / scale[:, None]
    correlation = torch.where(
        known[:, None, None], correlation, torch.eye(scale.shape[1]).double()
    )
    inverse, failed = torch.linalg.inv_ex(correlation)
    bounds = inverse.diagonal(dim1=1, dim2=2).clamp(min=0).sqrt() / scale
    useless = ~known | (failed > 0)
    return bounds.masked_fill(useless[:, None], torch.inf)[:, :-1].to(seen)
