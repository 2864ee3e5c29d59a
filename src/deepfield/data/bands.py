"""Bands: which files are the bands of one object."""

import re
from collections.abc import Sequence
from pathlib import Path

from deepfield.data.files import stem

ORDER = ("u", "g", "r", "i", "z", "y", "Y", "J", "H", "K", "Ks")
"""blue to red; HST and JWST filters (f814w) and numbered folders (Band1) sort by their number"""
TOKEN = r"(?:[ugrizyYJHK]|Ks|[fF]\d{3,4}[a-zA-Z]{1,2}\d?)"
IN_NAME = re.compile(rf"(.+)[._-]({TOKEN})")
IN_FOLDER = re.compile(rf"{TOKEN}|[bB]and[_-]?\d+")


def group(files: Sequence[Path]) -> list[tuple[str, dict[str, Path]]]:
    """Objects, each with its files by band.

    The rule: where every name ends in a band (``ID_g``, ``ID-g``, ``ID.g``), or every file lies
    in a folder named as a band, and some object has two bands, then each file is one band of the
    object that the rest of the name says. Otherwise each file is an object, under the band ``""``.

    Args:
        files: image files.

    Returns:
        names of the objects, in the order of their first files, and their files from blue to red.

    Raises:
        ValueError: two files for one band of one object.

    Example:
        >>> group([Path("a_r.fits"), Path("a_g.fits")])
        [('a', {'g': ...Path('a_g.fits'), 'r': ...Path('a_r.fits')})]
        >>> [name for name, _ in group([Path("a_g.jpg"), Path("b_c.jpg")])]
        ['a_g', 'b_c']
    """
    for split in (_by_name, _by_folder):
        pairs = [split(file) for file in files]
        known = [pair for pair in pairs if pair is not None]
        if len(known) == len(files) and len({name for name, _ in known}) < len(files):
            break
    else:
        return [(stem(file), {"": file}) for file in files]
    objects: dict[str, dict[str, Path]] = {}
    for (name, band), file in zip(known, files, strict=True):
        bands = objects.setdefault(name, {})
        if band in bands:
            raise ValueError(
                f"two files for band {band} of object {name}: {bands[band]} and {file}; expected "
                "one: remove or rename one"
            )
        bands[band] = file
    return [
        (name, {band: bands[band] for band in sorted(bands, key=colour)})
        for name, bands in objects.items()
    ]


def colour(band: str) -> tuple[int, str]:
    """A key that sorts bands from blue to red.

    Example:
        >>> sorted(["Ks", "r", "Y", "u", "f160w", "f814w"], key=colour)
        ['u', 'r', 'Y', 'Ks', 'f160w', 'f814w']
    """
    if band in ORDER:
        return ORDER.index(band), band
    number = int(re.sub(r"\D", "", band) or 0)
    return len(ORDER) + number, band


def _by_name(file: Path) -> tuple[str, str] | None:
    match = IN_NAME.fullmatch(stem(file))
    return (match[1], match[2]) if match else None


def _by_folder(file: Path) -> tuple[str, str] | None:
    return (stem(file), file.parent.name) if IN_FOLDER.fullmatch(file.parent.name) else None
