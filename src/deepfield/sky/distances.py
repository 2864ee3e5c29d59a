"""Distances in the cosmology of Planck 2018, from a table: integrals are slow one by one."""

from functools import cache

import numpy as np
from astropy.cosmology import Planck18

LOWEST, HIGHEST, POINTS = 1e-3, 6.0, 800


def distance_modulus(redshift: np.ndarray) -> np.ndarray:
    """Apparent less absolute bolometric magnitude.

    Args:
        redshift: [object] 0.001 to 6.

    Returns:
        [object] mag, within 1e-4 of astropy.

    Example:
        >>> round(float(distance_modulus(np.array(1.0))), 2)
        44.16
    """
    ln, modulus, _ = _table()
    return np.interp(np.log(redshift), ln, modulus)


def kiloparsecs_per_arcsec(redshift: np.ndarray) -> np.ndarray:
    """Proper transverse size of an arcsec.

    Args:
        redshift: [object] 0.001 to 6.

    Returns:
        [object] kpc.

    Example:
        >>> round(float(kiloparsecs_per_arcsec(np.array(1.0))), 2)
        8.23
    """
    ln, _, size = _table()
    return np.exp(np.interp(np.log(redshift), ln, size))


@cache
def _table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ln z, distance modulus and ln of kpc per arcsec."""
    z = np.geomspace(LOWEST, HIGHEST, POINTS)
    size = Planck18.kpc_proper_per_arcmin(z).to_value("kpc/arcmin") / 60
    return np.log(z), Planck18.distmod(z).to_value("mag"), np.log(size)
