"""Magnitudes as fluxes: with Gaussian errors, and without special numbers for what is missing.

A magnitude has no value for light that was looked for and not found, and its error is lopsided
where the noise matters most. Fluxes have neither problem: a non-detection is 0 within the limit,
a missing band an infinite variance.
"""

from math import log
from typing import NamedTuple

import numpy as np

from deepfield.render.noise import NANOJANSKY

POGSON = 2.5 / log(10)
FAINTEST = 50.0
"""magnitudes beyond, to either side, are codes such as 99 or -99"""
LIMITS = (10.0, 40.0)
"""what stands for a limit in the error's column, magnitudes"""
CODES = (99.0, 99.9, 999.0, 999.9, 9999.0)
"""errors that mean: not known"""


class Measured(NamedTuple):
    """Photometry of many objects.

    Args:
        flux: [object, band] nJy, 0 where missing or not detected.
        variance: [object, band] nJy^2, infinite where missing.
        missing, undetected: [object, band] bool.
    """

    flux: np.ndarray
    variance: np.ndarray
    missing: np.ndarray
    undetected: np.ndarray


def to_fluxes(magnitudes: np.ndarray, errors: np.ndarray) -> Measured:
    """Fluxes and variances of AB magnitudes, by the rules of photometric redshift catalogues.

    Missing: a magnitude of -99, NaN or masked, or any other beyond 50 to either side; an error of
    0 or below, NaN, 99 or 999. Not detected: a magnitude of 99 whose error is a magnitude between
    10 and 40, the flux that is one sigma (as in BPZ, Benitez 2000, ApJ 536, 571).

    Args:
        magnitudes, errors: [object, band].

    Example:
        >>> found = to_fluxes(np.array([[23.9, 99.0, 99.0, 21.0]]),
        ...                   np.array([[0.1, 26.4, -99.0, np.nan]]))
        >>> found.flux.round(3).tolist(), found.missing.tolist()
        ([[1000.0, 0.0, 0.0, 0.0]], [[False, False, True, True]])
        >>> np.sqrt(found.variance).round(3).tolist()
        [[92.103, 100.0, inf, inf]]
    """
    magnitudes, errors = (np.asarray(x, np.float64) for x in (magnitudes, errors))
    with np.errstate(invalid="ignore"):
        told = (errors > 0) & np.isfinite(errors) & ~np.isin(errors.round(4), CODES)
        undetected = (magnitudes > FAINTEST) & (LIMITS[0] < errors) & (errors < LIMITS[1])
        detected = (np.abs(magnitudes) < FAINTEST) & told
    flux = 10 ** (-0.4 * (np.where(detected, magnitudes, np.inf) - NANOJANSKY))
    limit = 10 ** (-0.4 * (np.where(undetected, errors, 0.0) - NANOJANSKY))
    sigma = np.where(detected, flux * np.where(detected, errors, 0) / POGSON, limit)
    # Beyond what float32 holds, no error is a measurement.
    missing = ~(detected | undetected) | ~((sigma > 1e-15) & (sigma < 1e15))
    return Measured(
        np.where(missing, 0.0, flux),
        np.where(missing, np.inf, sigma**2),
        missing,
        undetected & ~missing,
    )
