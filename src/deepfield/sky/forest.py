"""Forest: the Lyman-alpha absorption of gas, as light sees it in redshift space."""

import torch
from torch import Tensor

DOPPLER = 12.849
"""km/s: thermal speed sqrt(2 k T / m) of hydrogen at 10^4 K"""
RECOMBINATION = -0.7
"""the recombination coefficient goes as the temperature to this power"""


def optical_depth(gas: Tensor, temperature: Tensor, amplitude: float) -> Tensor:
    """Optical depth of each cell, in real space: neutral hydrogen in ionisation balance.

    Gas of density Delta and temperature T under a uniform ionising background holds neutral
    hydrogen as Delta^2 T^-0.7 (e.g. Croft+98).

    Args:
        gas: density over its mean.
        temperature: K.
        amplitude: at mean density and 10^4 K.

    Returns:
        of the shape of ``gas``.

    Example:
        >>> optical_depth(torch.tensor([2.0]), torch.tensor([1e4]), 0.5)
        tensor([2.])
    """
    return amplitude * gas**2 * (temperature / 1e4) ** RECOMBINATION


def in_redshift_space(depth: Tensor, velocity: Tensor, temperature: Tensor, cell: float) -> Tensor:
    """Optical depth where it is seen: moved by peculiar velocities, broadened by heat.

    Every cell's absorption is a Gaussian line at its Hubble plus peculiar velocity, averaged
    over the cells that it falls on, so that none is lost however narrow the line; periodic.

    Args:
        depth: [..., cell] real-space optical depth along lines of sight.
        velocity: [..., cell] peculiar, km/s, positive along the axis.
        temperature: [..., cell] K.
        cell: Hubble flow across a cell, km/s.

    Returns:
        [..., cell] optical depth.

    Example:
        >>> line = torch.tensor([0.0, 1.0, 0.0, 0.0])
        >>> moved = in_redshift_space(line, torch.full((4,), 10.0), torch.full((4,), 1.0), 10.0)
        >>> moved.numpy().round(2).tolist()
        [0.0, 0.0, 1.0, 0.0]
    """
    side = depth.shape[-1]
    place = torch.arange(side, dtype=depth.dtype, device=depth.device)
    source = place + velocity / cell
    width = (DOPPLER / cell) * (temperature / 1e4).sqrt()
    # [..., source, seen]: how far each cell is from the line, the short way round.
    away = place - source[..., None]
    away = away - side * torch.round(away / side)
    edges = torch.stack([away - 0.5, away + 0.5]) / width[..., None]
    profile = torch.erf(edges).diff(dim=0)[0] / 2
    return (depth[..., None] * profile).sum(-2)
