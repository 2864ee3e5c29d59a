"""What a user points at, as a source for trained weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astropy.table import Table

from deepfield.data.arrays import from_arrays, in_memory
from deepfield.data.calibrated import calibrated
from deepfield.data.labelled import LabelledImages
from deepfield.data.photometry_table import PhotometryTable
from deepfield.nouns.source import Source
from deepfield.verbs._beside import psf_of
from deepfield.weights.files import Card


@dataclass(frozen=True)
class Calibration:
    """What measuring needs to know of images: see ``data.calibrated``."""

    psf: Any = None
    pixel_scale: float | None = None
    zero_point: float | None = None


def read(
    given: Any,
    labels: Path | None,
    card: Card,
    *,
    size: int,
    extent: float | None,
    calibration: Calibration,
) -> tuple[Source, Table | None]:
    """The objects, by the axes of what the weights learnt from, and the user's own columns.

    Args:
        given: paths or arrays of images, or a table of magnitudes.
        labels: a table beside images.
        card: of the weights.
        size: side of the stamps, px.
        extent: pixels of an image that go into a stamp.
        calibration: of images.

    Raises:
        ValueError: what the readers refuse, or a calibration of something that has none.
    """
    if not card.grid:
        if calibration != Calibration():
            raise ValueError("a table of magnitudes has no PSF, pixel scale or zero point")
        photometry = PhotometryTable.open(given)
        return photometry, photometry.table
    if in_memory(given):
        images = from_arrays(given, size=size, extent=extent)
    else:
        images = LabelledImages.open(given, labels, size=size, extent=extent, strict=False)
    if calibration == Calibration():
        return images, images.table
    ready = calibrated(
        images,
        psf=psf_of(calibration.psf, list(images.ids)),
        pixel_scale=calibration.pixel_scale,
        zero_point=calibration.zero_point,
    )
    return ready, images.table
