"""WCS of a stamp: the image's own, on the stamp's pixels."""

import warnings

import numpy as np
from astropy.io.fits import Header
from astropy.wcs import WCS, Sip


def celestial(header: Header | None) -> WCS | None:
    """The WCS of an image's header; None where there is none on the sky that can be used.

    Distortions that lie in tables of other HDUs cannot: such a WCS is left out rather than given
    without them.

    Args:
        header: of a 2-D image, or of a cube whose first two axes are on the sky.

    Example:
        >>> celestial(Header({"NAXIS": 2})) is None
        True
    """
    if header is None or "CTYPE1" not in header:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wcs = WCS(header, naxis=2)
            usable = bool(wcs.has_celestial) and bool(
                np.isfinite(wcs.wcs_pix2world(0, 0, 0)).all()
            )
        # On headers that make no sense astropy raises nearly anything.
        except Exception:
            return None
    return wcs if usable else None


def regridded(wcs: WCS, start: tuple[float, float], scale: float, size: int) -> WCS:
    """The same sky on other square pixels.

    Args:
        wcs: of an image, with SIP distortion or without.
        start: x and y where the first new pixel begins, px of the image from its outer edge.
        scale: side of a new pixel, px of the image.
        size: new pixels along an axis.

    Example:
        >>> wcs = WCS(naxis=2)
        >>> wcs.wcs.ctype, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [-0.01, 0.01]
        >>> regridded(wcs, (2.0, 0.0), 2.0, 8).wcs.cdelt.tolist()
        [-0.02, 0.02]
    """
    new = wcs.deepcopy()
    # FITS counts pixels from 1, so that the first one begins at 0.5.
    new.wcs.crpix = (wcs.wcs.crpix - 0.5 - np.array(start)) / scale + 0.5
    if wcs.wcs.has_cd():
        new.wcs.cd = wcs.wcs.cd * scale
    else:
        new.wcs.cdelt = wcs.wcs.cdelt * scale
    if wcs.sip is not None:
        terms = (wcs.sip.a, wcs.sip.b, wcs.sip.ap, wcs.sip.bp)
        new.sip = Sip(*(_rescaled(term, scale) for term in terms), new.wcs.crpix)
    new.wcs.set()
    new.array_shape = (size, size)
    return new


def _rescaled(terms: np.ndarray | None, scale: float) -> np.ndarray | None:
    """Coefficients of a polynomial of pixels that gives pixels, both of them new."""
    if terms is None:
        return None
    power = np.add.outer(np.arange(len(terms)), np.arange(len(terms))) - 1
    return np.asarray(terms) * scale**power
