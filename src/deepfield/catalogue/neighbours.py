"""Neighbours: pixels of a stamp that belong to other sources than the one in its middle."""

import numpy as np
import sep
from scipy import ndimage

THRESHOLD, AREA = 2.0, 9
"""sigma of a pixel after smoothing, and pixels above it"""
CONTRAST = 0.02
"""share of the light that makes a peak a source of its own: less, and spirals fall to pieces"""
GROWN = 2
"""px by which neighbours are grown, for the wings below the threshold"""


def neighbours(signal: np.ndarray) -> tuple[np.ndarray, int]:
    """Other sources' pixels, found as SExtractor does (Bertin & Arnouts 1996; sep).

    The central source is the one that holds the middle of the stamp, or else the nearest; its
    pixels are never masked.

    Args:
        signal: [y, x] light above the sky in units of its noise; NaN = missing.

    Returns:
        [y, x] bool, and how many neighbours there are.

    Example:
        >>> y, x = np.mgrid[:64, :64]
        >>> galaxy = 20 * np.exp(-np.hypot(y - 32, x - 31) / 5)
        >>> star = 50 * np.exp(-((y - 8) ** 2 + (x - 52) ** 2) / 8)
        >>> mask, count = neighbours(galaxy + star)
        >>> bool(mask[8, 52]), bool(mask[32, 31]), count
        (True, False, 1)
    """
    bad = ~np.isfinite(signal)
    if bad.all():
        return np.zeros(signal.shape, bool), 0
    pixels = np.ascontiguousarray(np.where(bad, 0, signal), dtype=np.float64)
    found, segments = sep.extract(
        pixels,
        THRESHOLD,
        mask=bad,
        minarea=AREA,
        deblend_nthresh=32,
        deblend_cont=CONTRAST,
        segmentation_map=True,
    )
    if len(found) == 0:
        return np.zeros(signal.shape, bool), 0
    y, x = ((side - 1) / 2 for side in signal.shape)
    middle = segments[round(y), round(x)]
    if middle == 0:
        middle = 1 + int(np.hypot(found["y"] - y, found["x"] - x).argmin())
    others = (segments > 0) & (segments != middle)
    grown = ndimage.binary_dilation(others, iterations=GROWN) & (segments != middle)
    return grown, len(found) - 1
