"""What a user points at, as a source for trained weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astropy.table import Table

from deepfield.data.arrays import from_arrays, in_memory
from deepfield.data.calibrated import calibrated
from deepfield.data.labelled import LabelledImages
from deepfield.data.photometry_table import PhotometryTable
from deepfield.nouns.contracts import Task
from deepfield.nouns.source import Source
from deepfield.tasks.density import Density
from deepfield.verbs._beside import psf_of
from deepfield.weights.files import Card
from deepfield.weights.learnt import MOCK


@dataclass(frozen=True)
class Calibration:
    """What measuring needs to know of images: see ``data.calibrated``."""

    psf: Any = None
    pixel_scale: float | None = None
    zero_point: float | None = None

    @property
    def known(self) -> bool:
        """Something was said."""
        return any(x is not None for x in (self.psf, self.pixel_scale, self.zero_point))


def read(
    given: Any,
    labels: Path | None,
    card: Card,
    task: Task,
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
        task: that the weights answer.
        size: side of the stamps, px.
        extent: pixels of an image that go into a stamp.
        calibration: of images.

    Raises:
        ValueError: what the readers refuse, a calibration of something that has none, or images
            without one for weights that learnt what nJy mean.
    """
    if not card.grid:
        if calibration.known:
            raise ValueError("a table of magnitudes has no PSF, pixel scale or zero point")
        if not isinstance(given, str | Path | Table):
            raise ValueError(
                f"{card.recipe} takes a table of magnitudes, as a file or an astropy Table; "
                f"received {type(given).__name__}"
            )
        photometry = PhotometryTable.open(given)
        return photometry, photometry.table
    if card.grid == ("wavelength",):
        raise ValueError(
            f"{card.recipe} answers spectra, and predict reads images and tables; ask the network "
            "from Python: docs/measure.md shows how"
        )
    if isinstance(given, Table):
        raise ValueError(
            f"{card.recipe} answers images; received a table: give its images, and the table as "
            "labels"
        )
    if in_memory(given):
        images = from_arrays(given, size=size, extent=extent)
    else:
        images = LabelledImages.open(given, labels, size=size, extent=extent, strict=False)
    if not calibration.known:
        if card.data == MOCK and isinstance(task, Density):
            raise ValueError(
                f"{card.recipe} learnt from pixels in nJy; give zero_point, the AB magnitude of "
                "one count (31.4 for nJy, 22.5 for nanomaggies)"
            )
        return images, images.table
    star = calibration.psf
    ready = calibrated(
        images,
        psf=None if star is None else psf_of(star, list(images.ids)),
        pixel_scale=calibration.pixel_scale,
        zero_point=calibration.zero_point,
    )
    return ready, images.table
