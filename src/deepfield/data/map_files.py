"""Map files: images of one object and what was found on them, as FITS."""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from deepfield.nouns.whole import whole

LONGEST = 100


@dataclass(frozen=True)
class MapImage:
    """One image of a map file.

    Args:
        name: of its HDU.
        values: [y, x], or [plane, y, x].
        unit: of its pixels; empty = none.
        planes: what each plane is, such as the names of bands.
        wcs: of its pixels; None = not known.
    """

    name: str
    values: np.ndarray
    unit: str = ""
    planes: tuple[str, ...] = ()
    wcs: WCS | None = None


def write_map_file(
    path: Path, images: Sequence[MapImage], says: Mapping[str, str | int | float]
) -> Path:
    """Write the images of one object, an HDU each, the first of them as the primary one.

    Planes are named by the keywords ``BAND0`` upwards, as ``data.fits`` reads them.

    Args:
        path: the file; missing folders are made.
        images: at least one.
        says: keywords of the primary header; numbers that are not finite are left out.

    Returns:
        the path.

    Example:
        >>> import tempfile
        >>> from deepfield.data.fits import read_fits
        >>> file = Path(tempfile.mkdtemp()) / "a.fits"
        >>> cube = MapImage("IMAGE", np.ones((2, 4, 4)), planes=("g", "r"))
        >>> written = write_map_file(file, [cube], {"OBJECT": "a"})
        >>> read_fits(written)[1].channels
        ('g', 'r')
    """
    hdus = fits.HDUList()
    for image in images:
        header = _header(image)
        kind = fits.ImageHDU if len(hdus) else fits.PrimaryHDU
        hdus.append(kind(np.asarray(image.values, np.float32), header))
        hdus[-1].name = image.name
    for key, value in says.items():
        if not isinstance(value, float) or np.isfinite(value):
            hdus[0].header[key] = _ascii(value) if isinstance(value, str) else value
    with whole(path) as temporary:
        hdus.writeto(temporary, overwrite=True)
    return path


def file_names(ids: Sequence[str]) -> list[str]:
    """A file name without suffix for each id, safe in any folder and none twice.

    Example:
        >>> file_names(["ngc 1300", "../a/b", "ngc/1300", ""])
        ['ngc_1300', 'a_b', 'ngc_1300_2', 'object']
    """
    names: list[str] = []
    taken: set[str] = set()
    for one in ids:
        name = re.sub(r"[^A-Za-z0-9.+-]+", "_", str(one)).strip("._")[:LONGEST] or "object"
        free, number = name, 1
        # Some file systems do not tell capital letters apart.
        while free.lower() in taken:
            number += 1
            free = f"{name}_{number}"
        taken.add(free.lower())
        names.append(free)
    return names


def _header(image: MapImage) -> fits.Header:
    header = fits.Header()
    if image.wcs is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = image.wcs.to_header(relax=True)
        if image.values.ndim == 3:
            header["WCSAXES"] = 3
            header["CTYPE3"], header["CRPIX3"] = "", 1.0
            header["CRVAL3"], header["CDELT3"] = 0.0, 1.0
    for number, plane in enumerate(image.planes):
        header[f"BAND{number}"] = _ascii(plane)
    if image.unit:
        header["BUNIT"] = _ascii(image.unit)
    return header


def _ascii(text: str) -> str:
    return re.sub(r"[^ -~]", "?", text)
