"""Templates: rest-frame spectra of galaxies, from old to bursting with young stars.

Analytic: a smooth continuum with a Balmer and a 4000 A break, absorption lines, and emission lines
tied to star formation. Four types stand where those of Coleman, Wu & Weedman (1980, ApJS 43, 393)
do: the heights of their continua are a least-squares answer to broad-band fluxes of those, good to
0.05 mag. The fifth is a starburst with little dust, f_lambda falling as wavelength^-2 in the
ultraviolet (Calzetti+94, ApJ 429, 582). Lines are typical of the types (Kennicutt 1992, ApJS 79,
255).
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from scipy.interpolate import PchipInterpolator
from torch import Tensor

from deepfield.sky.wavelengths import COUNT, START, STEP, wavelengths

TYPES = ("E", "Sbc", "Scd", "Im", "SB")
LYMAN = 91.2
"""nm; gas takes all light bluewards of it"""
GREEN, RED = (402.0, 552.0), (552.0, 691.0)
"""nm; rest-frame g and r: in the latter all spectra have a mean f_nu of 1"""
NODES = (
    *(91.2, 100, 115, 150, 200, 240, 290, 330, 420, 470),
    *(540, 620, 720, 850, 1050, 1250, 1650, 2200, 3500, 5400),
)
"""nm; between them the continuum is a monotone cubic in log-log"""
# log10 f_nu at the nodes, before the breaks. Beyond 2.2 um: stars alone for the old, with some
# nebular light and hot dust for the young.
CONTINUA = (
    (
        *(-2.74, -2.56, -2.51, -2.51, -2.17, -2.05, -1.31, -0.85, -0.56, -0.29),
        *(-0.15, 0.0, 0.11, 0.22, 0.37, 0.39, 0.49, 0.38, 0.05, -0.24),
    ),
    (
        *(-1.91, -1.49, -1.37, -1.31, -1.18, -1.04, -0.88, -0.63, -0.28, -0.2),
        *(-0.08, -0.01, 0.1, 0.23, 0.37, 0.39, 0.46, 0.35, 0.02, -0.25),
    ),
    (
        *(-1.45, -1.03, -0.92, -0.85, -0.76, -0.73, -0.6, -0.46, -0.25, -0.15),
        *(-0.06, -0.02, 0.05, 0.13, 0.19, 0.21, 0.28, 0.17, -0.13, -0.33),
    ),
    (
        *(-1.21, -0.68, -0.6, -0.53, -0.41, -0.38, -0.34, -0.29, -0.15, -0.11),
        *(-0.05, -0.05, 0.05, 0.15, 0.23, 0.22, 0.25, 0.12, -0.16, -0.3),
    ),
    (
        *(-0.75, -0.12, -0.08, -0.06, -0.06, -0.07, -0.09, -0.10, -0.06, -0.04),
        *(-0.02, -0.02, 0.0, 0.05, 0.09, 0.08, 0.09, -0.03, -0.25, -0.35),
    ),
)
BREAKS = {
    # nm: width in ln wavelength, and step in dex for each type
    366.0: (0.004, (0.03, 0.05, 0.09, 0.10, 0.08)),  # Balmer
    399.0: (0.006, (0.28, 0.13, 0.10, 0.05, 0.02)),  # 4000 A
}
ABSORBED = {
    # nm: depth for each type
    393.5: (0.60, 0.40, 0.30, 0.15, 0.05),  # Ca K
    397.0: (0.55, 0.45, 0.40, 0.25, 0.15),  # Ca H and H epsilon
    410.3: (0.10, 0.20, 0.25, 0.25, 0.20),  # H delta
    430.5: (0.30, 0.20, 0.12, 0.05, 0.02),  # G band
    434.2: (0.08, 0.15, 0.20, 0.20, 0.15),  # H gamma
    486.3: (0.12, 0.15, 0.18, 0.18, 0.12),  # H beta
    517.5: (0.30, 0.20, 0.12, 0.05, 0.02),  # Mg b
    527.0: (0.15, 0.10, 0.06, 0.03, 0.01),  # Fe
    589.4: (0.25, 0.15, 0.10, 0.05, 0.02),  # Na D
    854.4: (0.25, 0.20, 0.15, 0.10, 0.05),  # Ca triplet
    866.5: (0.20, 0.16, 0.12, 0.08, 0.04),
}
HALPHA = 656.46
"""nm, in vacuum as all lines here"""
HALPHA_WIDTH = (0.0, 1.2, 3.5, 9.0, 20.0)
"""nm; equivalent width of H alpha in emission, each type"""
EMITTED = {
    # nm: flux over that of H alpha, each type; Balmer lines as in case B
    372.8: (0.0, 0.50, 0.80, 1.00, 0.90),  # [O II]
    434.17: (0.0, 0.164, 0.164, 0.164, 0.164),  # H gamma
    486.27: (0.0, 0.35, 0.35, 0.35, 0.35),  # H beta
    496.03: (0.0, 0.06, 0.15, 0.37, 0.55),  # [O III]
    500.82: (0.0, 0.18, 0.45, 1.10, 1.65),
    654.99: (0.0, 0.14, 0.10, 0.04, 0.02),  # [N II]
    HALPHA: (0.0, 1.0, 1.0, 1.0, 1.0),
    658.53: (0.0, 0.42, 0.30, 0.12, 0.06),
    671.83: (0.0, 0.20, 0.19, 0.16, 0.11),  # [S II]
    673.27: (0.0, 0.15, 0.14, 0.12, 0.08),
    953.3: (0.0, 0.05, 0.10, 0.25, 0.30),  # [S III]
}
ABSORPTION, EMISSION = 1.0e-3, 4.25e-4
"""standard deviations of lines in ln wavelength; the second is a resolution of R = 1000"""


@dataclass(frozen=True)
class Basis:
    """What all spectra are mixed from, per unit of rest-frame r-band f_nu.

    Args:
        spectra: [type, wavelength] f_nu.
        halpha_line: [type] flux of H alpha, as equivalent width (nm) times ``halpha_level``.
        halpha_level: [type] f_nu of the continuum below it.
        mass: [type] stellar mass over r-band light, solar units.
    """

    spectra: Tensor
    halpha_line: Tensor
    halpha_level: Tensor
    mass: Tensor


@cache
def basis() -> Basis:
    """Spectra of the types on the grid of ``wavelengths``."""
    nm = wavelengths().numpy()
    light = np.stack([_stars(kind, nm) for kind in range(len(TYPES))])
    level = np.array([np.interp(HALPHA, nm, row) for row in light])
    light += _lines(nm, level)
    light *= nm > LYMAN
    # The grid is even in ln wavelength, so that a plain mean is one over photons.
    green, red = (light[:, (nm > a) & (nm < b)].mean(1) for a, b in (GREEN, RED))
    # Bell+03 (ApJS 149, 289, table 7), less 0.15 dex for a Kroupa mass function.
    mass = 10 ** (-0.456 + 1.097 * 2.5 * np.log10(red / green))
    numbers = light / red[:, None], np.array(HALPHA_WIDTH) * level / red, level / red, mass
    return Basis(*(torch.from_numpy(array).float() for array in numbers))


def shares(kind: Tensor) -> Tensor:
    """Shares of the types in a galaxy between two of them.

    Args:
        kind: [object] 0 (E) to 4 (SB).

    Returns:
        [object, type], sum 1.

    Raises:
        ValueError: a type beyond either end.

    Example:
        >>> shares(torch.tensor([0.0, 1.5])).tolist()
        [[1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.5, 0.5, 0.0, 0.0]]
    """
    last = len(TYPES) - 1
    if not bool(((kind >= 0) & (kind <= last)).all()):
        raise ValueError(f"spectral types beyond the templates; expected 0 (E) to {last} (SB)")
    return (1 - (kind[:, None] - torch.arange(len(TYPES)).to(kind)).abs()).clamp(min=0)


def spectra(kind: Tensor, *, first: int = 0, count: int = COUNT) -> Tensor:
    """Rest-frame spectra of types, without dust.

    Args:
        kind: [object] 0 (E) to 4 (SB); between two types their spectra are mixed.
        first, count: points of the grid of ``wavelengths``.

    Returns:
        [object, wavelength] f_nu, with a mean of 1 in rest-frame r.

    Example:
        >>> old, young = spectra(torch.tensor([0.0, 4.0]))
        >>> bool(old[3000] < young[3000])  # 266 nm
        True
    """
    return shares(kind) @ basis().spectra[:, first : first + count].to(kind)


@cache
def line_shares() -> Tensor:
    """Line fluxes of the types over c: integrals of f_nu over ln wavelength / wavelength.

    Returns:
        [type, line], the lines in the order of ``EMITTED``: per unit of rest-frame r-band f_nu, in
        1 / nm; times c, in nm/s, a flux per unit of f_nu.
    """
    ratios = torch.tensor(list(EMITTED.values())).T
    return basis().halpha_line[:, None] * ratios / HALPHA**2


@cache
def line_profile(number: int) -> tuple[int, Tensor]:
    """Shape of an emission line of unit ``line_shares``.

    Args:
        number: of the line in ``EMITTED``.

    Returns:
        the first point of the grid, and [wavelength] f_nu there; nothing lies beyond.
    """
    line = list(EMITTED)[number]
    first = round(math.log(line / START) / STEP) - 8
    away = (wavelengths(first, 17).log() - math.log(line)) / EMISSION
    peak = line / (EMISSION * math.sqrt(2 * math.pi))
    return first, (peak * torch.exp(-0.5 * away**2)).float()


def _stars(kind: int, nm: np.ndarray) -> np.ndarray:
    """f_nu of the continuum with breaks and absorption lines."""
    ln = np.log(nm)
    level = PchipInterpolator(np.log(NODES), CONTINUA[kind], extrapolate=True)(ln)
    for centre, (width, steps) in BREAKS.items():
        level -= steps[kind] / (1 + np.exp(np.clip((ln - math.log(centre)) / width, -50, 50)))
    light: np.ndarray = 10**level
    for line, depths in ABSORBED.items():
        light *= 1 - depths[kind] * np.exp(-0.5 * ((ln - math.log(line)) / ABSORPTION) ** 2)
    return light


def _lines(nm: np.ndarray, level: np.ndarray) -> np.ndarray:
    """f_nu [type, wavelength] of emission lines above an H alpha continuum of ``level``."""
    ln, light = np.log(nm), np.zeros((len(level), len(nm)))
    for line, ratios in EMITTED.items():
        profile = np.exp(-0.5 * ((ln - math.log(line)) / EMISSION) ** 2)
        # A flux is W f_nu c / w^2 for an equivalent width W at w, and peak c sigma sqrt(2 pi) / w
        # for a line.
        flux = np.array(HALPHA_WIDTH) * level * ratios / HALPHA**2
        light += (flux * line / (EMISSION * math.sqrt(2 * math.pi)))[:, None] * profile
    return light
