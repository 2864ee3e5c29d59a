"""Image files: which there are, what they are called, and which reader reads them."""

from collections.abc import Sequence
from glob import glob
from pathlib import Path

import numpy as np

from deepfield.data.fits import read_fits
from deepfield.data.images import read_image
from deepfield.data.info import Info

DISPLAY = (".jpg", ".jpeg", ".png")
FITS = (".fits", ".fit", ".fts")
SUFFIXES = DISPLAY + tuple(end + packed for end in FITS for packed in ("", ".fz", ".gz"))


def find(images: str | Path | Sequence[str | Path]) -> list[Path]:
    """Image files of a folder, a glob pattern, one file, or a list of files.

    A folder is searched with all folders in it; hidden files are passed over. A list is kept in
    its order, the rest is sorted by path.

    Args:
        images: where they are.

    Raises:
        ValueError: there are none, or a listed file is missing.

    Example:
        >>> find("/nowhere/*.jpg")
        Traceback (most recent call last):
        ...
        ValueError: /nowhere/*.jpg: found no files; expected images (.jpg .jpeg .png .fits .fit
        .fts, FITS also .fz or .gz): check the path
    """
    if not isinstance(images, (str, Path)):
        files = [Path(file) for file in images]
        if missing := [str(file) for file in files if not file.is_file()]:
            raise ValueError(
                f"{len(missing)} of {len(files)} listed files do not exist "
                f"({', '.join(missing[:3])}); expected image files: check the paths"
            )
        found, where = files, "the list of files"
    elif Path(images).is_dir():
        inside = (file for file in Path(images).rglob("*") if file.is_file())
        found, where = (
            sorted(file for file in inside if not file.name.startswith(".")),
            str(images),
        )
    elif Path(images).is_file():
        found, where = [Path(images)], str(images)
    else:
        found, where = (
            sorted(Path(name) for name in glob(str(images), recursive=True)),
            str(images),
        )
    kept = [file for file in found if file.name.lower().endswith(SUFFIXES)]
    if not kept:
        raise ValueError(
            f"{where}: found {f'{len(found)} files but no images' if found else 'no files'}; "
            f"expected images ({' '.join(DISPLAY + FITS)}, FITS also .fz or .gz): check the path"
        )
    return kept


def stem(path: Path | str) -> str:
    """Name of a file without folder and image suffixes.

    Example:
        >>> stem("images/ngc_1300.fits.fz"), stem("12.5+3.jpg"), stem("ngc.1300")
        ('ngc_1300', '12.5+3', 'ngc.1300')
    """
    name = Path(path).name
    for end in sorted(SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(end):
            return name[: -len(end)]
    return name


def read(path: Path | str) -> tuple[np.ndarray, Info]:
    """Pixels of one image file, by its suffix.

    Returns:
        [channel, y, x] float32, and what the file says about it.

    Raises:
        ValueError: the file cannot be read; the message names it.

    Example:
        >>> read("galaxy.txt")
        Traceback (most recent call last):
        ...
        ValueError: galaxy.txt: not an image by its suffix; expected .jpg .jpeg .png .fits .fit
        .fts, FITS also .fz or .gz
    """
    name = Path(path).name.lower()
    if not name.endswith(SUFFIXES):
        raise ValueError(
            f"{path}: not an image by its suffix; expected {' '.join(DISPLAY + FITS)}, FITS also "
            ".fz or .gz"
        )
    return read_image(path) if name.endswith(DISPLAY) else read_fits(path)
