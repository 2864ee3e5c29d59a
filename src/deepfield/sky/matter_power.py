"""Matter power: the linear spectrum of cold dark matter, its growth and its normalisation."""

import math

import numpy as np
import torch
from torch import Tensor

CMB = 2.7255
"""temperature of the microwave background, K (Fixsen 2009)"""
SIGMA_8_RADIUS = 8.0
"""Mpc/h"""
# d ln k = 0.02 from horizon to far below the sphere: sigma_8 to 1e-4.
LOG_K = torch.linspace(math.log(1e-5), math.log(3e2), 861, dtype=torch.float64)


def transfer(k: Tensor, omega_m: Tensor, *, omega_b: float, h: float) -> Tensor:
    """Transfer function without baryon wiggles (Eisenstein & Hu 1998, ApJ 496, 605, eqs 26-31).

    Args:
        k: wavenumber, h/Mpc.
        omega_m: matter density over critical; broadcasts with ``k``.
        omega_b: baryon density over critical.
        h: Hubble constant over 100 km/s/Mpc.

    Returns:
        1 on the largest scales, falling as ln(k) / k^2 on the smallest.

    Example:
        >>> k = torch.tensor([1e-4, 0.1, 10.0])
        >>> [f"{t:.2g}" for t in transfer(k, torch.tensor(0.3), omega_b=0.05, h=0.7).tolist()]
        ['1', '0.13', '8.7e-05']
    """
    physical, baryons = omega_m * h**2, omega_b * h**2
    ratio = omega_b / omega_m
    # Sound horizon (Mpc), and how baryons slow the growth below it.
    horizon = 44.5 * torch.log(9.83 / physical) / math.sqrt(1 + 10 * baryons**0.75)
    slowed = 1 - 0.328 * torch.log(431 * physical) * ratio
    slowed = slowed + 0.38 * torch.log(22.3 * physical) * ratio**2
    gamma = omega_m * h * (slowed + (1 - slowed) / (1 + (0.43 * k * h * horizon) ** 4))
    q = k * (CMB / 2.7) ** 2 / gamma
    log = torch.log(2 * math.e + 1.8 * q)
    return log / (log + (14.2 + 731 / (1 + 62.5 * q)) * q**2)


def growth(omega_m: Tensor, redshift: float) -> Tensor:
    """Linear growth of structure since then, in a flat universe with a cosmological constant.

    Args:
        omega_m: today.
        redshift: 0 or more.

    Returns:
        size of a fluctuation at that redshift over today's.

    Example:
        >>> float(growth(torch.tensor(1.0), 3.0))  # without a constant: the scale factor
        0.25
    """
    nodes, weights = (torch.as_tensor(a) for a in np.polynomial.legendre.leggauss(32))

    def unnormalised(scale: float) -> Tensor:
        # H(a) times the integral of da / (a H)^3 (Heath 1977), with a = scale u^2.
        u = (nodes + 1) / 2
        a = scale * u**2
        omega = omega_m[..., None].double()
        integrand = (a / (omega + (1 - omega) * a**3)) ** 1.5 * 2 * scale * u
        integral = (integrand * weights / 2).sum(-1)
        hubble = (omega_m / scale**3 + 1 - omega_m).sqrt()
        return hubble * integral

    ratio = unnormalised(1 / (1 + redshift)) / unnormalised(1.0)
    return ratio.to(omega_m.dtype)


def sphere(x: Tensor) -> Tensor:
    """Fourier transform of a ball of unit mass: 3 (sin x - x cos x) / x^3.

    Example:
        >>> [f"{w:.4f}" for w in sphere(torch.tensor([1e-4, 1.0])).tolist()]
        ['1.0000', '0.9035']
    """
    series = 1 - x**2 / 10 + x**4 / 280
    safe = torch.where(x < 0.1, torch.ones_like(x), x)
    return torch.where(x < 0.1, series, 3 * (safe.sin() - safe * safe.cos()) / safe**3)


def variance_in_spheres(power: Tensor, radius: float) -> Tensor:
    """Variance of the mean density in balls: the integral of k^2 P W^2 / (2 pi^2).

    Args:
        power: [..., k] (Mpc/h)^3 at exp(``LOG_K``).
        radius: Mpc/h.

    Returns:
        [...]; the square root at 8 Mpc/h is sigma_8.
    """
    k = LOG_K.exp()
    integrand = power * (k**3 * sphere(k * radius) ** 2 / (2 * math.pi**2))
    return torch.trapezoid(integrand, LOG_K)


def matter_power(
    k: Tensor, omega_m: Tensor, sigma_8: Tensor, *, omega_b: float, h: float, n_s: float
) -> Tensor:
    """Linear power spectrum of matter today, normalised by the exact integral over spheres.

    Args:
        k: [k] h/Mpc.
        omega_m, sigma_8: [object].
        omega_b, h: as in :func:`transfer`.
        n_s: slope of the primordial spectrum.

    Returns:
        [object, k] (Mpc/h)^3, float64.

    Example:
        >>> p = matter_power(LOG_K.exp(), *torch.tensor([[0.3], [0.8]]),
        ...                  omega_b=0.05, h=0.7, n_s=0.96)
        >>> round(float(variance_in_spheres(p, 8.0).sqrt()), 6)
        0.8
    """
    omega_m, sigma_8 = omega_m.double()[:, None], sigma_8.double()

    def shape(k: Tensor) -> Tensor:
        return k**n_s * transfer(k, omega_m, omega_b=omega_b, h=h) ** 2

    now = variance_in_spheres(shape(LOG_K.exp()), SIGMA_8_RADIUS)
    return shape(k.double()) * (sigma_8**2 / now)[:, None]
