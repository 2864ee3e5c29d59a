"""Gas: what pressure and heat make of dark matter, with physics that is not local."""

import torch
from torch import Tensor

from deepfield.sky.modes import Modes
from deepfield.sky.smoothing import heat_kernel, smooth

RUNGS = (0.5, 1.0, 2.0)
"""the pressure scales that are blurred with, in units of that at mean density"""
THINNEST = 1e-4
"""of the mean density: below it there is nothing to heat"""


def pressure_smoothed(
    matter: Tensor, carried: Tensor, modes: Modes, *, scale: float, slope: float
) -> tuple[Tensor, Tensor]:
    """Gas: dark matter spread over the Jeans length of where it is.

    The Jeans length goes as sqrt(T / density), with T as density^(slope - 1): wide in voids,
    narrow in filaments. Each cell's matter is shared between the two nearest of a few Gaussians,
    so that mass and what it carries are kept.

    Args:
        matter: [*grid] dark-matter density over its mean.
        carried: [*grid] what moves with it per volume, e.g. momentum.
        modes: of the box.
        scale: sigma at mean density, in the box's unit.
        slope: of the temperature-density relation.

    Returns:
        gas density over its mean, positive, and what it carries per volume.
    """
    around = smooth(matter, modes, scale).clamp(min=THINNEST)
    wanted = (around.log() * (slope - 2) / 2) / torch.log(torch.tensor(2.0)) + 1
    wanted = wanted.clamp(0, len(RUNGS) - 1)
    summed = []
    for field in (matter, carried):
        transform = 0
        for number, rung in enumerate(RUNGS):
            share = (1 - (wanted - number).abs()).clamp(min=0)
            kernel = heat_kernel(modes, rung * scale)
            transform = transform + torch.fft.rfftn(field * share) * kernel
        summed.append(torch.fft.irfftn(transform, s=modes.shape))
    return summed[0].clamp(min=THINNEST), summed[1]


def tidal_shear(matter: Tensor, modes: Modes, *, scale: float) -> Tensor:
    """Squared tidal shear: how sheets and filaments are squeezed by all matter around.

    The sum over i and j of s_ij^2, with s_ij = (k_i k_j / k^2 - delta_ij / dimensions) delta_k:
    no function of the density in the cell, or near it.

    Args:
        matter: [*grid] density over its mean.
        modes: of the box.
        scale: sigma of a blur before, in the box's unit.

    Returns:
        [*grid], from 0.
    """
    transform = torch.fft.rfftn(matter) * heat_kernel(modes, scale)
    transform = torch.where(modes.k > 0, transform, 0)
    directions = [k / modes.k.clamp(min=1e-300) for k in modes.vectors()]
    total = torch.zeros(modes.shape)
    for i, one in enumerate(directions):
        for j, other in enumerate(directions[: i + 1]):
            kernel = (one * other - (i == j) / modes.dimensions).float()
            tide = torch.fft.irfftn(transform * kernel, s=modes.shape)
            total += tide**2 * (1 if i == j else 2)
    return total


def temperature(
    gas: Tensor, shear: Tensor, *, mean: float, slope: float, heating: float
) -> Tensor:
    """Temperature: a power law of density, and more where the tides are strong.

    T = T_0 Delta^(slope - 1) (1 + heating s^2 / (1 + s^2)): adiabatic heat (Hui & Gnedin 1997)
    and, in the toy's way, that of shocks along sheets and filaments.

    Args:
        gas: density over its mean.
        shear: squared tidal shear s^2.
        mean: T_0, K.
        slope: gamma.
        heating: how many times more heat where the shear is strong.

    Returns:
        K, of the shape of ``gas``.

    Example:
        >>> one = torch.tensor([1.0])
        >>> temperature(one, one, mean=1e4, slope=1.5, heating=2.0)
        tensor([20000.])
    """
    return mean * gas ** (slope - 1) * (1 + heating * shear / (1 + shear))
