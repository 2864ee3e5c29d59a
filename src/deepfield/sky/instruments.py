"""Instruments: starlight to the numbers of a spectrograph or of a set of filters."""

import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from deepfield.sky.stars import starlight

FINE = 1.0
"""nm between the points that starlight is computed at"""
SIGMA = 1 / (2 * math.sqrt(2 * math.log(2)))
"""of a Gaussian, over its full width at half maximum"""
MEDIUM = (
    *(385.0, 411.0, 437.0, 467.0, 490.0, 517.0, 550.0),
    *(589.0, 625.0, 656.0, 700.0, 750.0, 815.0),
)
"""nm; centres of 13 medium bands, on the features that tell the parameters apart"""


@dataclass(frozen=True)
class Instrument:
    """What is measured of a spectrum: means of it, one a pixel or a band.

    Args:
        channels: names of the bands; one for a spectrograph.
        grid: ``("wavelength",)`` for a spectrograph, ``()`` for bands.
        wavelength: [number] nm, middle of every pixel or band.
        fine: [wavelength] nm, where starlight is computed.
        response: [number, wavelength] weights that sum to 1.
        elements: pixels per resolution element, 1 for bands: signal-to-noise is told per element.
    """

    channels: tuple[str, ...]
    grid: tuple[str, ...]
    wavelength: Tensor
    fine: Tensor
    response: Tensor
    elements: float

    def see(self, log_teff: Tensor, log_g: Tensor, metallicity: Tensor) -> Tensor:
        """Noiseless numbers [object, number] of stars, f_nu with mean 1."""
        light = starlight(log_teff, log_g, metallicity, self.fine) @ self.response.T.to(log_teff)
        return light / light.mean(1, keepdim=True)


@cache
def spectrograph(
    first: float = 380.0, last: float = 850.0, fwhm: float = 5.0, pixel: float = 2.5
) -> Instrument:
    """A low-resolution spectrograph with a Gaussian line spread function.

    Args:
        first, last: nm, edges of the range.
        fwhm: of the line spread function, nm.
        pixel: width, nm.

    Raises:
        ValueError: a range without a pixel, or a resolution that it does not sample.

    Example:
        >>> spectrograph().response.shape[0]
        188
    """
    if not (0 < pixel <= fwhm / 1.5 and last - first >= pixel and fwhm >= 2 * FINE):
        raise ValueError(
            f"{first} to {last} nm, FWHM {fwhm} nm, pixels of {pixel} nm; expected a range of at "
            f"least one pixel, an FWHM of at least {2 * FINE} nm and 1.5 pixels"
        )
    count = int((last - first) / pixel)
    centre = first + pixel * (torch.arange(count, dtype=torch.float64) + 0.5)
    reach = 3 * fwhm * SIGMA + pixel
    steps = int((last - first + 2 * reach) / FINE) + 1
    fine = first - reach + FINE * torch.arange(steps, dtype=torch.float64)
    away = (fine - centre[:, None]) / (fwhm * SIGMA)
    half = pixel / 2 / (fwhm * SIGMA)
    response = torch.special.ndtr(away + half) - torch.special.ndtr(away - half)
    return _instrument(("flux",), ("wavelength",), centre, fine, response, fwhm / pixel)


@cache
def medium_bands(centres: tuple[float, ...] = MEDIUM, fwhm: float = 22.0) -> Instrument:
    """Filters with rounded flat tops.

    Args:
        centres: nm, ascending.
        fwhm: of every band, nm.

    Raises:
        ValueError: centres that do not ascend, or a width that is not above 0.

    Example:
        >>> medium_bands().channels[:2]
        ('m385', 'm411')
    """
    if not (fwhm > 0 and list(centres) == sorted(set(centres)) and len(centres) > 1):
        raise ValueError(f"centres {centres}, FWHM {fwhm} nm; expected two or more that ascend")
    centre = torch.tensor(centres, dtype=torch.float64)
    first, last = centres[0] - fwhm, centres[-1] + fwhm
    fine = first + FINE * torch.arange(int((last - first) / FINE) + 1, dtype=torch.float64)
    response = torch.exp(-math.log(2) * ((fine - centre[:, None]).abs() / (fwhm / 2)) ** 6)
    names = tuple(f"m{value:.0f}" for value in centres)
    return _instrument(names, (), centre, fine, response, 1.0)


def _instrument(
    channels: tuple[str, ...],
    grid: tuple[str, ...],
    centre: Tensor,
    fine: Tensor,
    response: Tensor,
    elements: float,
) -> Instrument:
    response = response / response.sum(1, keepdim=True)
    return Instrument(channels, grid, centre.float(), fine.float(), response.float(), elements)
