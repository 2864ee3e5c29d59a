"""Smoothing: Gaussian blurs of periodic fields that stay positive, however narrow."""

import torch
from torch import Tensor

from deepfield.sky.modes import Modes


def heat_kernel(modes: Modes, sigma: float) -> Tensor:
    """Fourier transform of the discrete Gaussian: diffusion from cell to cell.

    Unlike a sampled Gaussian or one cut at the Nyquist frequency, it is nowhere negative, sums
    to one and has exactly this variance along each axis (Lindeberg 1990).

    Args:
        modes: of the box.
        sigma: in the box's unit; may be less than a cell.

    Returns:
        [*half grid] float32.

    Example:
        >>> from deepfield.sky.modes import modes
        >>> narrow = torch.fft.irfftn(heat_kernel(modes(2, 8, 8.0), 0.3))
        >>> bool(narrow.min() > -1e-7), round(float(narrow.sum()), 4)
        (True, 1.0)
    """
    cell = modes.box / modes.side
    whole = torch.fft.fftfreq(modes.side, dtype=torch.float64)
    half = torch.fft.rfftfreq(modes.side, dtype=torch.float64)
    axes = [whole] * (modes.dimensions - 1) + [half]
    steps = [1 - torch.cos(2 * torch.pi * one) for one in torch.meshgrid(*axes, indexing="ij")]
    return torch.exp(-((sigma / cell) ** 2) * torch.stack(steps).sum(0)).float()


def smooth(field: Tensor, modes: Modes, sigma: float) -> Tensor:
    """A periodic field blurred by a discrete Gaussian.

    Args:
        field: [*grid].
        modes: of the box.
        sigma: in the box's unit.

    Returns:
        [*grid], of the same mean.

    Example:
        >>> from deepfield.sky.modes import modes
        >>> point = torch.zeros(8, 8)
        >>> point[0, 0] = 1.0
        >>> blurred = smooth(point, modes(2, 8, 8.0), 1.0)
        >>> bool(blurred.min() > 0), round(float(blurred.sum()), 4)
        (True, 1.0)
    """
    return torch.fft.irfftn(torch.fft.rfftn(field) * heat_kernel(modes, sigma), s=modes.shape)
