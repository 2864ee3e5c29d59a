"""Orientation: where north and east are on the pixels of a stamp."""

import numpy as np
from astropy.wcs import WCS

STEP = 1 / 3600
"""degrees to the north and to the east"""


def orientation(wcs: WCS, size: int) -> tuple[float, float]:
    """Direction of north, and whether angles run as on the sky.

    A direction on the pixels, in degrees from +y towards -x, is ``handed * (angle - north)``
    degrees east of north.

    Args:
        wcs: of the stamp, celestial.
        size: of the stamp, px; the answer is of its middle.

    Returns:
        north, degrees from +y towards -x, and handed: 1 where east is to the left of north (as
        seen on the sky), -1 on a mirrored image.

    Example:
        >>> wcs = WCS(naxis=2)
        >>> wcs.wcs.ctype, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [-1e-4, 1e-4]
        >>> north, handed = orientation(wcs, 64)
        >>> abs(round(north, 2)), handed
        (0.0, 1.0)
    """
    middle = (size - 1) / 2
    ra, dec = wcs.all_pix2world(middle, middle, 0)
    east = STEP / np.cos(np.radians(dec))
    there = wcs.wcs_world2pix([[ra, dec], [ra, dec + STEP], [ra + east, dec]], 0)
    (north_x, north_y), (east_x, east_y) = there[1] - there[0], there[2] - there[0]
    handed = np.sign(north_x * east_y - north_y * east_x)
    return float(np.degrees(np.arctan2(-north_x, north_y))), float(handed)
