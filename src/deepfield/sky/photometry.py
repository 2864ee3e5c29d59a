"""Photometry: spectra, redshifted, through passbands."""

import torch
from torch import Tensor

from deepfield.render.noise import NANOJANSKY
from deepfield.sky.passbands import Passbands
from deepfield.sky.wavelengths import shift

CHUNK = 128
"""spectra at a time: their working set stays in the processor's cache"""


def redshifted(
    spectra: Tensor, redshift: Tensor, *, first: int, count: int, origin: int = 0
) -> Tensor:
    """Rest-frame spectra at the wavelengths where they are observed: f_nu(wavelength / (1 + z)).

    Values alone move; what distance and stretching do to them is the caller's.

    Args:
        spectra: [object, wavelength] on the grid of ``wavelengths``.
        redshift: [object].
        first, count: points of the grid that are asked for, in the observed frame.
        origin: point of the grid of the first column of ``spectra``.

    Returns:
        [object, count]; beyond either end of ``spectra``, its last value there.

    Example:
        >>> line = torch.zeros(1, 4000)
        >>> line[0, 100] = 1.0
        >>> seen = redshifted(line, torch.tensor([1.0]), first=0, count=4000)
        >>> int(seen.argmax()) - 100  # ln 2 / 4e-4
        1733
    """
    moved = shift(redshift)
    whole = moved.floor()
    # Point j shows what was at j - moved: between j - whole - 1 and j - whole.
    at = torch.arange(first - 1, first + count, device=spectra.device) - origin
    column = (at - whole.long()[:, None]).clamp(0, spectra.shape[1] - 1)
    window = spectra.gather(1, column)
    part = (moved - whole).to(spectra)[:, None]
    return torch.lerp(window[:, 1:], window[:, :-1], part)


def mean_flux(
    spectra: Tensor, redshift: Tensor, passbands: Passbands, *, origin: int = 0
) -> Tensor:
    """Mean flux density of redshifted spectra in passbands, as photon-counting detectors see it.

    The integral of f_nu T d ln wavelength over that of T d ln wavelength (Bessell & Murphy 2012,
    PASP 124, 140, A11): what an AB magnitude measures.

    Args:
        spectra: [object, wavelength] f_nu on the grid, any unit.
        redshift: [object].
        passbands: the bands.
        origin: point of the grid of the first column of ``spectra``.

    Returns:
        [object, channel] in the unit of ``spectra``.

    Example:
        >>> from deepfield.sky.passbands import passbands
        >>> from deepfield.sky.surveys import sdss
        >>> flat = torch.ones(2, 9000)
        >>> mean_flux(flat, torch.tensor([0.0, 1.0]), passbands(sdss())).round(decimals=4).tolist()
        [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    count = passbands.weights.shape[1]
    rows = [
        redshifted(part, z, first=passbands.first, count=count, origin=origin)
        @ passbands.weights.T.to(part)
        for part, z in zip(spectra.split(CHUNK), redshift.split(CHUNK), strict=True)
    ]
    return torch.cat(rows)


def magnitude(flux: Tensor) -> Tensor:
    """AB magnitude of a flux density in nJy.

    Example:
        >>> bool(magnitude(torch.tensor(3631e9)).abs() < 0.01)
        True
    """
    return NANOJANSKY - 2.5 * torch.log10(flux)
