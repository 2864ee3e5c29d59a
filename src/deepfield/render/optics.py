"""PSFs from optical transfer functions: the atmosphere, and an aperture above it.

A kernel is the sum of the transfer function's waves at the kernel's own points, times that of the
pixel, so that the light is integrated over pixels exactly and any shear is a change of the waves'
coordinates.
"""

import math
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

KOLMOGOROV = 2.920701
"""Wave number times full width at half maximum where the Kolmogorov transfer is 1/e."""
FADED = 4.5
"""Multiple of that wave number beyond which less than 1e-5 is left."""
ARCSEC = math.pi / 180 / 3600
"""radians"""
STEPS = 4096
"""Entries of the table of an aperture's transfer function: linear between them, exact to 1e-7."""
PERIOD = 3.0
"""Sides of the kernel from one of its repeats to the next: light beyond its edge folds back."""


def kolmogorov(fwhm: Tensor, shear: Tensor, *, side: int, oversampling: int = 1) -> Tensor:
    """Long exposures through Kolmogorov turbulence, integrated over image pixels.

    The transfer function is exp(-3.44 (wavelength f / r0)^(5/3)) (Fried 1966), whose image has a
    full width at half maximum of 0.976 wavelength / r0.

    Args:
        fwhm: [...] before pixel integration, image pixels.
        shear: [..., 2] g1 (along +x) and g2 (along x = y); the area is kept.
        side: kernel pixels a side, odd.
        oversampling: kernel pixels per image pixel.

    Returns:
        [..., y, x] float32, sum 1.

    Example:
        >>> kernel = kolmogorov(torch.tensor(3.0), torch.zeros(2), side=31)
        >>> kernel.shape, round(float(kernel.sum()), 4)
        (torch.Size([31, 31]), 1.0)
    """
    scale = KOLMOGOROV / fwhm

    def power(k2: Tensor) -> Tensor:
        # A power by logarithms is three times as fast as torch's own.
        return (k2 / _points(scale) ** 2).log2_().mul_(5 / 6).exp2_().neg_().exp_()

    highest = FADED * KOLMOGOROV / float(fwhm.min())
    return from_transfer(power, shear, highest=highest, side=side, oversampling=oversampling)


def diffraction(
    cutoff: Tensor,
    shear: Tensor,
    *,
    obscuration: float,
    blur: Tensor,
    side: int,
    oversampling: int = 1,
) -> Tensor:
    """A circular aperture with a round central obscuration, with Gaussian blur, over pixels.

    Without obscuration and blur it is the Airy disc. The transfer function is the overlap of two
    apertures at a distance (O'Neill 1956).

    Args:
        cutoff: [...] highest frequency, diameter over wavelength, cycles per image pixel.
        shear: [..., 2] as in :func:`kolmogorov`.
        obscuration: diameter of the obscuration over that of the aperture.
        blur: [...] standard deviation of pointing jitter and charge diffusion, image pixels.
        side, oversampling: as in :func:`kolmogorov`.

    Returns:
        [..., y, x] float32, sum 1.

    Example:
        >>> one = torch.tensor(0.4)
        >>> airy = diffraction(one, torch.zeros(2), obscuration=0.0, blur=0 * one, side=31)
        >>> airy.argmax().item() == 15 * 31 + 15
        True
    """
    limit, table = 2 * math.pi * cutoff, _table(obscuration)

    def seen(k2: Tensor) -> Tensor:
        place = (k2.sqrt() * (STEPS / _points(limit))).clamp_(max=STEPS - 1e-3)
        left = place.int()
        step = table[left + 1] - table[left]
        overlap = table[left] + step * (place - left)
        return overlap * torch.exp(k2 * (-0.5 * _points(blur) ** 2))

    return from_transfer(
        seen, shear, highest=float(limit.max()), side=side, oversampling=oversampling
    )


def aperture_transfer(frequency: Tensor, obscuration: float) -> Tensor:
    """Transfer function of an annular aperture.

    Args:
        frequency: over that of the cutoff, 0 to 1.
        obscuration: inner over outer diameter, 0 to below 1.

    Example:
        >>> [round(float(t), 4) for t in aperture_transfer(torch.tensor([0.0, 0.5]), 0.0)]
        [1.0, 0.391]
    """
    distance = 2 * frequency  # of two apertures of radius 1
    area = _lens(distance, 1, 1)
    if obscuration:
        area = (
            area + _lens(distance, obscuration, obscuration) - 2 * _lens(distance, 1, obscuration)
        )
    return area / (math.pi * (1 - obscuration**2))


def from_transfer(
    transfer: Callable[[Tensor], Tensor],
    shear: Tensor,
    *,
    highest: float,
    side: int,
    oversampling: int = 1,
) -> Tensor:
    """Kernels of round PSFs that are then sheared and integrated over pixels.

    Args:
        transfer: of the squared wave number [..., wave, wave], (radians per image pixel)^2.
        shear: [..., 2] as in :func:`kolmogorov`.
        highest: wave number where the unsheared transfer has faded.
        side, oversampling: as in :func:`kolmogorov`.

    Returns:
        [..., y, x] float32, sum 1: light outside the kernel is given back in proportion.
    """
    step = 2 * math.pi * oversampling / (PERIOD * side)
    most = float(shear.norm(dim=-1).max())
    count = math.ceil(highest * math.sqrt((1 + most) / (1 - most)) / step)
    y, x = torch.arange(-count, count + 1) * step, torch.arange(count + 1) * step
    g1, g2 = _points(shear[..., 0]), _points(shear[..., 1])
    # A sheared image's wave vectors are those of the round one under the same symmetric matrix.
    along, across = (1 + g1) * x + g2 * y[:, None], g2 * x + (1 - g1) * y[:, None]
    waves = transfer((along**2 + across**2) / (1 - g1**2 - g2**2))
    # Only half the plane is summed: the other half is its mirror image.
    half = torch.where(x > 0, 1.0, 0.5)
    pixel = torch.sinc(y / (2 * math.pi))[:, None] * torch.sinc(x / (2 * math.pi)) * half
    waves = waves * pixel
    position = (torch.arange(side) - side // 2) / oversampling
    rows, columns = position[:, None] * y, x[:, None] * position
    kernel = rows.cos() @ waves @ columns.cos() - rows.sin() @ waves @ columns.sin()
    return kernel / kernel.sum((-1, -2), keepdim=True)


@cache
def _table(obscuration: float) -> Tensor:
    frequency = torch.arange(STEPS + 1, dtype=torch.float64) / STEPS
    return aperture_transfer(frequency, obscuration).float()


def _points(x: Tensor) -> Tensor:
    """[...] -> [..., 1, 1], to broadcast over waves."""
    return x[..., None, None]


def _lens(distance: Tensor, a: float, b: float) -> Tensor:
    """Area that two discs of radii a >= b have in common at a distance of their centres."""
    inside = math.pi * b**2
    d = distance.clamp(min=max(a - b, 1e-6), max=a + b)
    kite = (((a + b) ** 2 - d**2) * (d**2 - (a - b) ** 2)).clamp(min=0).sqrt()
    first = torch.atan2(kite, d**2 + a**2 - b**2)
    second = torch.atan2(kite, d**2 + b**2 - a**2)
    shared = a**2 * first + b**2 * second - kite / 2
    return torch.where(distance <= a - b, inside, shared)
