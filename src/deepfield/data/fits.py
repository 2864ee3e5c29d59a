"""FITS images: any HDU, tile-compressed or not, gzipped or not."""

import warnings
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from deepfield.data.info import Info

IMAGES = (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)
MOST = 256
"""HDUs are looked at: a damaged header can send astropy round one HDU for ever"""
VARIANCES = {"VARIANCE", "VAR"}
INVERSES = {"IVAR", "INVVAR"}
SIGMAS = {"SIGMA", "ERR", "ERROR", "RMS"}


def read_fits(path: Path | str, *, hdu: int | str | None = None) -> tuple[np.ndarray, Info]:
    """Pixels of a FITS image: a cube [channel, y, x] or one 2-D image.

    Channel names come from the keywords ``BANDS`` (one letter each), ``BAND0`` or ``BAND1``
    upwards, or, of a single image, the first word of ``BAND``, ``FILTERX`` or ``FILTER``; else
    they are ``channel_0`` upwards. Channels stay in the file's order. A noise map is taken from a
    second image HDU of the same shape named VAR or VARIANCE, IVAR or INVVAR, SIGMA, ERR, ERROR or
    RMS.

    Args:
        path: a file: .fits, .fits.fz, .fits.gz.
        hdu: number or name; None = the first that holds an image.

    Returns:
        [channel, y, x] float32 in native byte order, NaN where blank, and what the file says.

    Raises:
        ValueError: the file is missing, empty, truncated, no FITS, or holds no image of two or
            three axes.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.fits"
        >>> fits.ImageHDU(np.ones((2, 4, 5), ">f4")).writeto(file)
        >>> values, info = read_fits(file)
        >>> values.shape, values.dtype.isnative, info.channels
        ((2, 4, 5), True, ('channel_0', 'channel_1'))
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file; expected a FITS image")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            # Memory-mapping a truncated file can end the process with SIGBUS.
            # Where opening fails, astropy would leave its own handle open.
            with open(path, "rb") as raw, fits.open(raw, memmap=False) as file:
                hdus = list(islice(file, MOST))
                names = [h.name or h.__class__.__name__ for h in hdus]
                image = _choose(hdus, hdu)
                values = None if image is None else _native(image.data)
                header = None if image is None else image.header.copy()
                variance = None if values is None else _variance(hdus, image, values.shape)
        # On damaged files astropy and its decompressors raise nearly anything.
        except Exception as error:
            raise ValueError(_unreadable(path, str(error) or type(error).__name__)) from None
    for warning in caught:
        if "truncated" in str(warning.message).lower():
            raise ValueError(_unreadable(path, str(warning.message)))
    if values is None or header is None:
        asked = "an image" if hdu is None else f"HDU {hdu!r} with an image"
        raise ValueError(
            f"{path}: found {len(names)} HDUs ({', '.join(names[:5])}) and no pixels; expected "
            f"{asked}: name the right HDU or remove the file"
        )
    if values.ndim not in (2, 3) or 0 in values.shape:
        raise ValueError(
            f"{path}: found an image of shape {values.shape}; expected [y, x] or "
            "[channel, y, x]: cut out the plane to be used"
        )
    shape = values.shape[-2:]
    cube = values.reshape(-1, *shape)
    return cube, Info(
        channels=_channels(header, len(cube)),
        variance=None if variance is None else variance.reshape(-1, *shape),
        header=header,
    )


def _choose(hdus: list[Any], hdu: int | str | None) -> fits.ImageHDU | None:
    held = [h for h in hdus if isinstance(h, IMAGES) and len(h.shape) > 0]
    if isinstance(hdu, int):
        held = [h for h in held if -len(hdus) <= hdu < len(hdus) and h is hdus[hdu]]
    elif hdu is not None:
        held = [h for h in held if h.name.upper() == hdu.upper()]
    return held[0] if held else None


def _native(data: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(data, dtype=np.float32)


def _variance(hdus: list[Any], image: fits.ImageHDU, shape: tuple[int, ...]) -> np.ndarray | None:
    for h in hdus:
        if h is image or not isinstance(h, IMAGES) or h.shape != shape:
            continue
        name = h.name.upper()
        if name not in VARIANCES | INVERSES | SIGMAS:
            continue
        noise = _native(h.data)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            if name in INVERSES:
                noise = 1 / noise
            elif name in SIGMAS:
                noise = noise**2
        return np.where(noise > 0, noise, np.float32(np.inf))
    return None


def _channels(header: fits.Header, count: int) -> tuple[str, ...]:
    bands = str(header.get("BANDS", "")).strip()
    if len(bands) == count and len(set(bands)) == count:
        return tuple(bands)
    if count == 1:
        # The Legacy Survey's FILTER is the camera's name of it, FILTERX the band.
        for key in ("BAND", "FILTERX", "FILTER"):
            if words := str(header.get(key, "")).split():
                return (words[0],)
    for first in (0, 1):
        numbered = [str(header.get(f"BAND{first + i}", "")).split() for i in range(count)]
        if count > 1 and all(numbered) and len({words[0] for words in numbered}) == count:
            return tuple(words[0] for words in numbered)
    return tuple(f"channel_{i}" for i in range(count))


def _unreadable(path: Path, reason: str) -> str:
    first = " ".join(reason.split())[:120]
    return (
        f"{path}: {path.stat().st_size} bytes that cannot be read as FITS ({first}); expected a "
        "whole FITS file: replace or remove it"
    )
