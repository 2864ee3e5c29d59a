"""Passbands: what share of the light of each wavelength a band collects."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.survey import Band, Survey
from deepfield.sky.wavelengths import position, wavelengths

SOFTNESS = 0.004
"""scale of an edge in ln wavelength: from 10 to 90 % within 1.8 %, as interference filters"""
REACH = 12
"""scales from an edge at which nothing passes"""


@dataclass(frozen=True)
class Passbands:
    """Weights that turn a spectrum f_nu on the grid into mean flux densities.

    Args:
        first: point of the grid (``wavelengths``) of the first weight.
        weights: [channel, wavelength] transmission in photons times d ln wavelength, sum 1.
    """

    first: int
    weights: Tensor


def transmission(band: Band, wavelength: Tensor) -> Tensor:
    """A top hat with smooth edges: half of the light passes at ``Band.edges``.

    Args:
        band: with edges.
        wavelength: [wavelength] nm.

    Returns:
        [wavelength] from 0 to 1.

    Raises:
        ValueError: a band without edges.

    Example:
        >>> r = Band("r", 620.0, 26.0, 54.0, 21.0, 1.3, 1.0, "made up", (560.0, 680.0))
        >>> transmission(r, torch.tensor([500.0, 560.0, 620.0])).round(decimals=2).tolist()
        [0.0, 0.5, 1.0]
    """
    if band.edges is None:
        raise ValueError(
            f"band {band.name} has no edges; give its half-power wavelengths, "
            "nm: Band(edges=(blue, red))"
        )
    blue, red = (math.log(edge) for edge in band.edges)
    log = wavelength.log()
    return torch.sigmoid((log - blue) / SOFTNESS) * torch.sigmoid((red - log) / SOFTNESS)


@cache
def passbands(survey: Survey) -> Passbands:
    """The passbands of a survey's bands, from their edges.

    Args:
        survey: every band with edges.

    Raises:
        ValueError: a band without edges.

    Example:
        >>> from deepfield.sky.surveys import sdss
        >>> [round(float(s), 6) for s in passbands(sdss()).weights.sum(1)]
        [1.0, 1.0, 1.0]
    """
    edges = [edge for band in survey.bands for edge in band.edges or ()]
    first, last = _range(min(edges, default=100.0), max(edges, default=200.0), REACH * SOFTNESS)
    wavelength = wavelengths(first, last - first + 1)
    return _normalised(first, torch.stack([transmission(b, wavelength) for b in survey.bands]))


def of_curves(curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> Passbands:
    """Passbands from measured curves.

    Args:
        curves: for each channel wavelengths, nm, ascending, and the throughput there in photons,
            any unit, 0 beyond.

    Raises:
        ValueError: a curve that lets nothing through.

    Example:
        >>> hat = (np.array([500.0, 501.0, 599.0, 600.0]), np.array([0.0, 0.8, 0.8, 0.0]))
        >>> of_curves([hat]).weights.shape[0]
        1
    """
    first, last = _range(min(c[0][0] for c in curves), max(c[0][-1] for c in curves), 0.0)
    wavelength = wavelengths(first, last - first + 1).numpy()
    rows = [np.interp(wavelength, x, y, left=0.0, right=0.0) for x, y in curves]
    return _normalised(first, torch.from_numpy(np.array(rows)))


def _range(blue: float, red: float, margin: float) -> tuple[int, int]:
    reach = math.exp(margin)
    return math.floor(position(blue / reach)), math.ceil(position(red * reach))


def _normalised(first: int, transmitted: Tensor) -> Passbands:
    total = transmitted.sum(1, keepdim=True)
    if not bool((total > 0).all()):
        raise ValueError("a passband lets no light through; expected a positive throughput")
    return Passbands(first, (transmitted / total).float())
