"""Zel'dovich: dark matter moved along straight lines from where it began, and put on a grid."""

from itertools import product

import numpy as np
import torch
from torch import Tensor

from deepfield.sky.modes import Modes


def displacement(contrast: Tensor, modes: Modes, *, smoothing: float = 0.0) -> Tensor:
    """Linear displacement of a linear density field: minus its divergence is the density.

    Args:
        contrast: [*grid] linear density contrast.
        modes: of the box.
        smoothing: sigma of a Gaussian, in the box's unit, that takes away the scales which have
            long collapsed (Coles, Melott & Shandarin 1993).

    Returns:
        [dimension, *grid] in the box's unit, along the axes of the grid.

    Example:
        >>> import math
        >>> from deepfield.sky.modes import modes
        >>> x = torch.arange(16) / 16 * 2 * math.pi
        >>> wave = 0.1 * x.cos().expand(16, 16)
        >>> moved = displacement(wave, modes(2, 16, 2 * math.pi))
        >>> torch.allclose(moved[1], -0.1 * x.sin().expand(16, 16), atol=1e-6)
        True
    """
    transform = torch.fft.rfftn(contrast)
    kernel = torch.exp(-0.5 * (modes.k * smoothing) ** 2) / modes.k.clamp(min=1e-300) ** 2
    kernel = torch.where(modes.k > 0, kernel, 0)
    moved = [
        torch.fft.irfftn(transform * (1j * k * kernel).to(transform.dtype), s=modes.shape)
        for k in modes.vectors()
    ]
    return torch.stack(moved)


def lattice_points(side: int, dimensions: int) -> Tensor:
    """Centres of the cells of a unit box: where particles begin.

    Finer by a whole number than the grid that they are put on, none lies on the centre of one of
    its cells, where the cloud has an edge and small moves would not change density in proportion.

    Returns:
        [dimension, *grid] from 0 to 1.
    """
    along = (torch.arange(side) + 0.5) / side
    return torch.stack(torch.meshgrid(*[along] * dimensions, indexing="ij"))


def deposit(position: Tensor, masses: Tensor, side: int) -> Tensor:
    """Cloud in cell: each particle shared between the nearest cells of a periodic grid.

    Args:
        position: [dimension, particle] in units of the box, wrapped around.
        masses: [mass, particle] what is deposited: one grid for each row.
        side: cells along each axis.

    Returns:
        [mass, *grid] sums, float32: nothing is lost.

    Example:
        >>> one = deposit(torch.tensor([[0.25], [0.625]]), torch.tensor([[1.0]]), 4)
        >>> one[0, :2, 2].tolist()
        [0.5, 0.5]
    """
    dimensions = len(position)
    cells = position.double().numpy() * side - 0.5
    low = np.floor(cells)
    share, low = cells - low, low.astype(np.int64)
    weights = masses.double().numpy()
    total = np.zeros((len(weights), side**dimensions))
    for corner in product((0, 1), repeat=dimensions):
        index = np.zeros(cells.shape[1], np.int64)
        part = np.ones(cells.shape[1])
        for axis, step in enumerate(corner):
            index = index * side + (low[axis] + step) % side
            part *= share[axis] if step else 1 - share[axis]
        for grid, mass in zip(total, weights, strict=True):
            grid += np.bincount(index, part * mass, minlength=side**dimensions)
    return torch.from_numpy(total).float().reshape(-1, *[side] * dimensions)
