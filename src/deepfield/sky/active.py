"""Active: galaxies whose nucleus outshines them, with broad lines from close to the black hole.

A power law, blends of iron, broad and narrow emission lines with the equivalent widths of the
composite quasar of SDSS (Vanden Berk+01, AJ 122, 549, table 2), and an old host below them.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from deepfield.sky.dust import attenuation_curve
from deepfield.sky.photometry import CHUNK, redshifted
from deepfield.sky.templates import EMISSION, spectra
from deepfield.sky.wavelengths import position, wavelengths

PIVOT = 300.0
"""nm; where the continuum is 1"""
BROAD = {
    # nm in vacuum: equivalent width in nm, and width over that of the Balmer lines
    121.57: (9.3, 1.0),  # Lyman alpha
    154.91: (2.4, 1.0),  # C IV
    190.87: (2.1, 1.1),  # C III]
    279.87: (3.2, 0.8),  # Mg II
    410.29: (0.5, 1.0),
    434.17: (1.3, 1.0),
    486.27: (4.6, 1.0),
    587.7: (0.5, 1.0),  # He I
    656.46: (19.5, 1.0),
}
IRON = {
    # nm: equivalent width in nm, and sigma in ln wavelength
    250.0: (4.0, 0.050),
    457.0: (2.5, 0.018),
    530.0: (2.0, 0.016),
}
NARROW = {
    # nm: equivalent width in nm
    372.8: 0.16,  # [O II]
    386.98: 0.14,  # [Ne III]
    496.03: 0.45,  # [O III]
    500.82: 1.35,
    658.53: 0.20,  # [N II]
    672.5: 0.28,  # [S II], both
}
BALMER_WIDTH = 6.4e-3
"""sigma in ln wavelength of the broad lines: a full width at half maximum of 4500 km/s"""
FOREST = (0.0036, 3.45)
"""effective optical depth of the Lyman-alpha forest at redshift 0, and power of 1 + z"""
BLUEST, REDDEST = 92.0, 1000.0
"""nm, rest frame; nothing passes the Lyman limit"""


class Nuclei(NamedTuple):
    """What nuclei are made of; all [object], but ``lines``.

    Args:
        redshift: cosmological.
        slope: power of frequency in the continuum, around -0.5.
        width: of broad lines over ``BALMER_WIDTH``.
        iron: factor on the blends.
        dust: A_V, mag.
        host: light of the host galaxy over that of the nucleus' continuum, at 620 nm rest frame.
        host_kind: spectral type of the host.
        broad: [object, line] factors on the broad lines, and
        narrow: [object] on all narrow ones.
    """

    redshift: Tensor
    slope: Tensor
    width: Tensor
    iron: Tensor
    dust: Tensor
    host: Tensor
    host_kind: Tensor
    broad: Tensor
    narrow: Tensor


def drawn(normal: Tensor, uniform: Tensor, redshift: Tensor) -> Nuclei:
    """Nuclei with the scatter of real ones.

    Args:
        normal: [object, 5 + len(BROAD)] standard normal numbers, and
        uniform: [object, 2] numbers in [0, 1), to draw with.
        redshift: [object].
    """
    lines = 10 ** (0.12 * normal[:, 4:5] + 0.12 * normal[:, 5:])
    return Nuclei(
        redshift=redshift,
        slope=-0.5 + 0.3 * normal[:, 0],
        width=10 ** (0.15 * normal[:, 1]),
        iron=10 ** (0.25 * normal[:, 2]),
        dust=0.4 * uniform[:, 0] ** 3,
        # Distant nuclei are found because they outshine their hosts.
        host=1.5 * uniform[:, 1] ** 2 / (1 + redshift) ** 3,
        host_kind=uniform[:, 1] * 1.5,
        broad=lines,
        narrow=10 ** (0.35 * normal[:, 3]),
    )


def nucleus_spectra(nuclei: Nuclei, low: float, high: float) -> tuple[Tensor, Tensor]:
    """Observed spectra at a resolution of R = 1000.

    Args:
        nuclei: of some objects.
        low, high: observed wavelengths, nm.

    Returns:
        wavelength [wavelength] nm, evenly spaced in ln, and f_nu [object, wavelength], about 1.

    Example:
        >>> nuclei = drawn(torch.zeros(1, 5 + len(BROAD)), torch.zeros(1, 2), torch.ones(1))
        >>> nm, flux = nucleus_spectra(nuclei, 350.0, 700.0)
        >>> round(float(nm[flux[0].argmax()] / 2))  # Mg II at redshift 1
        280
    """
    first = math.floor(position(low))
    count = math.ceil(position(high)) - first + 1
    rows = [
        redshifted(
            _rest(part),
            part.redshift,
            first=first,
            count=count,
            origin=math.ceil(position(BLUEST)),
        )
        for at in torch.arange(len(nuclei.redshift)).split(CHUNK)
        for part in [Nuclei(*(field[at] for field in nuclei))]
    ]
    return wavelengths(first, count).float(), torch.cat(rows)


def _rest(nuclei: Nuclei) -> Tensor:
    """[object, wavelength] f_nu in the rest frame, from ``BLUEST`` on."""
    first, ones = math.ceil(position(BLUEST)), torch.ones_like(nuclei.redshift)
    nm = wavelengths(first, math.ceil(position(REDDEST)) - first).float()
    ln = nm.log()
    lines = torch.ones(len(ones), len(nm))
    for number, (line, (width, relative)) in enumerate(BROAD.items()):
        sigma = BALMER_WIDTH * relative * nuclei.width
        _add(lines, ln, line, sigma, width * nuclei.broad[:, number])
    for line, (width, sigma_iron) in IRON.items():
        _add(lines, ln, line, sigma_iron * ones, width * nuclei.iron)
    for line, width in NARROW.items():
        _add(lines, ln, line, EMISSION * ones, width * nuclei.narrow)
    dust = -0.4 * math.log(10) * attenuation_curve(nm).clamp(max=6)
    power = -nuclei.slope[:, None] * (ln - math.log(PIVOT))
    light = lines * torch.exp(power + nuclei.dust[:, None] * dust)
    level = nuclei.host * (PIVOT / 620.0) ** nuclei.slope
    light += spectra(nuclei.host_kind, first=first, count=len(nm)) * level[:, None]
    # Hydrogen along the way: the mean of the forest, and nothing beyond the Lyman limit.
    blue = int(position(121.0)) - first
    seen = (1 + nuclei.redshift[:, None]) * nm[:blue] / 121.567
    light[:, :blue] *= torch.exp(-FOREST[0] * seen ** FOREST[1])
    return light


def _add(lines: Tensor, ln: Tensor, line: float, sigma: Tensor, width: Tensor) -> None:
    """Add Gaussians of an equivalent width, nm, within five of the widest sigma, in place."""
    away = ln - math.log(line)
    near = (away.abs() < 5 * sigma.max()).nonzero()[:, 0]
    low, high = int(near[0]), int(near[-1]) + 1
    peak = width / line / (sigma * math.sqrt(2 * math.pi))
    shape = torch.exp(-0.5 * (away[low:high] / sigma[:, None]) ** 2)
    lines[:, low:high] += peak[:, None] * shape
