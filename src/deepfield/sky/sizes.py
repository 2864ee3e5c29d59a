"""Sizes: how large bulges and discs of a luminosity are, and how that changes with redshift."""

import numpy as np

KNEE = -20.91
"""absolute r magnitude at which the relation of discs bends (Shen+03, MNRAS 343, 978, table 1)"""


def disc_radius(magnitude: np.ndarray, redshift: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Half-light radii of discs: Shen+03 (eq. 15, late types), evolving as (1+z)^-0.75.

    Args:
        magnitude: [object] absolute, rest-frame r, of the disc.
        redshift: [object]; evolution of van der Wel+14 (ApJ 788, 28).
        normal: [object] standard normal numbers, for the scatter.

    Returns:
        [object] kpc.

    Example:
        >>> disc_radius(np.array([-20.91]), np.zeros(1), np.zeros(1)).round(1).tolist()
        [3.5]
    """
    bend = np.log10(1 + 10 ** (-0.4 * (magnitude - KNEE)))
    level = -0.4 * 0.26 * magnitude + (0.51 - 0.26) * bend - 1.71
    return 10**level * (1 + redshift) ** -0.75 * np.exp(scatter(magnitude) * normal)


def bulge_radius(magnitude: np.ndarray, redshift: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Half-light radii of bulges: Shen+03 (eq. 14, early types), evolving as (1+z)^-1.48.

    Args:
        magnitude: [object] absolute, rest-frame r, of the bulge; below -18 the relation of
            dwarfs is flat, as Shen+03's does not reach there.
        redshift: [object]; evolution of van der Wel+14 (ApJ 788, 28).
        normal: [object] standard normal numbers, for the scatter.

    Returns:
        [object] kpc.

    Example:
        >>> bulge_radius(np.array([-20.91]), np.zeros(1), np.zeros(1)).round(1).tolist()
        [2.4]
    """
    level = -0.4 * 0.60 * np.minimum(magnitude, -18.0) - 4.63
    return 10**level * (1 + redshift) ** -1.48 * np.exp(scatter(magnitude) * normal)


def scatter(magnitude: np.ndarray) -> np.ndarray:
    """Standard deviation of ln radius (Shen+03, eq. 16): 0.45 at the faint end, 0.27 at the other.

    Example:
        >>> scatter(np.array([-15.0, -24.0])).round(2).tolist()
        [0.45, 0.27]
    """
    return 0.27 + (0.45 - 0.27) / (1 + 10 ** (-0.8 * (magnitude - KNEE)))
