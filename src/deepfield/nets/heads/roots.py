"""Roots: lower triangular factors of precision matrices, from any numbers."""

import torch
from torch import Tensor

NARROWEST = 9.0
"""largest log of an inverse width, either way"""


def roots(entries: Tensor, size: int) -> Tensor:
    """Lower triangular L with positive diagonal; L L^T is a precision. Zeros give the identity.

    Each number has a width, the exponential of its diagonal entry, and leans on those after it by
    coefficients of order one: widths may differ by decades without large entries.

    Args:
        entries: [..., size (size + 1) / 2] any numbers, row by row of the triangle.
        size: D.

    Returns:
        [..., D, D].

    Example:
        >>> roots(torch.zeros(3), 2).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    rows, columns = torch.tril_indices(size, size, device=entries.device)
    square = entries.new_zeros(*entries.shape[:-1], size**2)
    square = square.index_copy(-1, rows * size + columns, entries)
    square = square.unflatten(-1, (size, size))
    width = square.diagonal(dim1=-2, dim2=-1).clamp(-NARROWEST, NARROWEST).exp()
    leaning = square.tril(-1) + torch.eye(size).to(square)
    return leaning * width[..., None, :]


def spreads(root: Tensor) -> Tensor:
    """[..., D, D] S with covariance S S^T: the transposed inverse of each root.

    Example:
        >>> spreads(torch.tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
        [[0.5, 0.0], [0.0, 0.25]]
    """
    identity = torch.eye(root.shape[-1]).to(root)
    return torch.linalg.solve_triangular(root.mT, identity, upper=True)
