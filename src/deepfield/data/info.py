"""Info: what a file says about its pixels."""

from dataclasses import dataclass

import numpy as np
from astropy.io.fits import Header


@dataclass(frozen=True)
class Info:
    """What comes with the pixels of one image file.

    Args:
        channels: a name for every channel of the array.
        display: a JPEG or PNG: its flux scale and linearity are not known.
        variance: [channel, y, x], infinite where masked; None = the file has none.
        header: of the FITS image, for its WCS; None = none.
    """

    channels: tuple[str, ...]
    display: bool = False
    variance: np.ndarray | None = None
    header: Header | None = None
