"""Beside: files that belong to images by their names, such as masks and PSFs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deepfield.data.files import find, stem
from deepfield.data.fits import read_fits
from deepfield.data.labelled import LabelledImages
from deepfield.data.stamps import resize


def psf_of(given: Any, ids: Sequence[str]) -> np.ndarray:
    """The image of a star, or one for every object.

    Args:
        given: a FITS file, a folder of them named as the objects, or an array.
        ids: of the objects.

    Raises:
        ValueError: nothing given, an object without one, or PSFs of different sides.
    """
    if given is None:
        raise ValueError(
            "the images' PSF is not known; give psf, a FITS image of a star (or a folder of them "
            "named as the images)"
        )
    if not isinstance(given, str | Path):
        return np.asarray(given, np.float32)
    if not Path(given).is_dir():
        return read_fits(given)[0]
    files = _named(Path(given), ids, "PSFs")
    if lacking := [one for one in ids if one not in files]:
        raise ValueError(
            f"{given} has no PSF of {len(lacking)} objects, such as {lacking[0]}; expected a file "
            "named as each image"
        )
    kernels = [read_fits(files[one])[0] for one in ids]
    if len({kernel.shape for kernel in kernels}) > 1:
        raise ValueError(f"the PSFs in {given} have different sides; cut them to one")
    return np.stack(kernels)


def masks_of(given: Any, images: LabelledImages) -> Tensor:
    """[object, y, x] bool, True = leave out, on the stamps' pixels.

    Args:
        given: None, a folder of FITS images named as the objects (0 = good), or an array [object,
            y, x] on the images' pixels.
        images: the objects, whose cut the masks share.

    Raises:
        ValueError: masks of no image, or another number of them.
    """
    size = images.size
    masks = torch.zeros(len(images), size, size, dtype=torch.bool)
    if given is None:
        return masks
    if isinstance(given, str | Path):
        files = _named(Path(given), list(images.ids), "masks")
        planes = {i: read_fits(files[one])[0] for i, one in enumerate(images.ids) if one in files}
    elif len(given) == len(images):
        planes = dict(enumerate(given))
    else:
        raise ValueError(f"{len(given)} masks for {len(images)} objects; expected one each")
    for i, plane in planes.items():
        bad = np.asarray(plane).reshape(-1, *np.shape(plane)[-2:]).any(0)
        cut = resize(
            torch.from_numpy(bad.astype(np.float32))[None], extent=images.extent, size=size
        )
        masks[i] = cut[0][0] > 0
    return masks


def _named(folder: Path, ids: Sequence[str], what: str) -> dict[str, Path]:
    """Files by the object that they belong to."""
    files = {stem(file): file for file in find(folder)}
    if strange := [name for name in files if name not in set(ids)]:
        raise ValueError(
            f"{folder} holds {what} of no image, such as {strange[0]}; expected the images' "
            f"names, such as {ids[0]}"
        )
    return files
