"""One logarithmic grid of wavelengths: on it a redshift is a shift."""

import math

import torch
from torch import Tensor

START = 80.0
"""nm; the light of galaxies ends at the Lyman limit, 91.2 nm"""
STEP = 4e-4
"""in ln wavelength: 2.5 points a resolution element of R = 1000"""
COUNT = 10501
"""points: up to 5.3 um, rest frame"""


def wavelengths(first: int = 0, count: int = COUNT) -> Tensor:
    """Wavelengths of some points of the grid, which goes on beyond both ends.

    Args:
        first: the first point.
        count: how many.

    Returns:
        [wavelength] nm, float64.

    Example:
        >>> float(wavelengths()[0]), round(float(wavelengths()[-1]))
        (80.0, 5335)
    """
    points = torch.arange(first, first + count, dtype=torch.float64)
    return START * torch.exp(points * STEP)


def position(wavelength: float) -> float:
    """Point of the grid with this wavelength, nm; a fraction between two.

    Example:
        >>> round(position(80.0 * math.exp(3 * STEP)), 6)
        3.0
    """
    return math.log(wavelength / START) / STEP


def shift(redshift: Tensor) -> Tensor:
    """Points by which light moves to the red.

    Example:
        >>> round(float(shift(torch.tensor(1.0))))
        1733
    """
    return torch.log1p(redshift.double()) / STEP
