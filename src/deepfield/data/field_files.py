"""Field files: a simulated field as FITS images with a WCS, and the catalogue of what is in it."""

from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from deepfield.data.tables import write_table
from deepfield.nouns.batch import Batch
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.whole import whole

SKY_POSITION = (150.1, 2.2)
"""ICRS degrees of a field's centre that has no position: in COSMOS"""


def write_field(batch: Batch, folder: Path | str) -> Path:
    """Write one field: an image a band, a segmentation image, and a catalogue of its sources.

    ``<band>.fits`` holds the image in nJy with a TAN WCS (north up, east left), its VARIANCE and
    the PSF at the field's centre; ``segmentation.fits`` the number of the source that every pixel
    belongs to, 0 for sky; ``catalogue.fits`` a row a source, row 0 being number 1, with pixel
    (first pixel 0, 0) and sky positions.

    Args:
        batch: one object on the grid (y, x), with a survey; its truth has columns [1, source],
            NaN or -1 where there is no source, among them x and y.
        folder: made where missing; files of the same names are replaced.

    Returns:
        the folder.

    Raises:
        ValueError: more than one field, no survey, or no positions.
    """
    folder = Path(folder)
    if len(batch) != 1 or batch.grid != ("y", "x") or batch.survey is None:
        raise ValueError(
            f"{len(batch)} objects on the grid {batch.grid}; expected one field with a survey"
        )
    if batch.truth is None or "x" not in batch.truth or batch.truth["x"].ndim != 2:
        raise ValueError(
            "no positions of several sources in an image; expected a scene (stamps go into one "
            "file: give --out NAME.h5)"
        )
    wcs = tangent(batch)
    for number, band in enumerate(batch.survey.bands):
        header = wcs.to_header()
        header["BAND"], header["BUNIT"] = band.name, "nJy"
        header["SURVEY"], header["ABZEROPT"] = batch.survey.name, 31.4
        hdus = [fits.PrimaryHDU(batch.values[0, number].numpy(), header)]
        if batch.variance is not None:
            variance = batch.variance.expand_as(batch.values)[0, number]
            hdus.append(fits.ImageHDU(variance.numpy(), wcs.to_header(), "VARIANCE"))
        if batch.psf is not None:
            psf = fits.ImageHDU(batch.psf.kernel[0, number].numpy(), name="PSF")
            psf.header["OVERSAMP"] = batch.psf.oversampling
            hdus.append(psf)
        with whole(folder / f"{band.name}.fits") as temporary:
            fits.HDUList(hdus).writeto(temporary, overwrite=True)
    if "segmentation" in batch.truth:
        labels = batch.truth["segmentation"][0].numpy().astype(np.int32)
        with whole(folder / "segmentation.fits") as temporary:
            fits.PrimaryHDU(labels, wcs.to_header()).writeto(temporary, overwrite=True)
    write_table(_sources(batch, wcs), folder / "catalogue.fits")
    return folder


def tangent(batch: Batch) -> WCS:
    """The gnomonic projection of a field's pixels: its centre at the batch's sky position."""
    assert batch.survey is not None
    position = SKY_POSITION if batch.sky_position is None else batch.sky_position[0].tolist()
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.crval = position
    # FITS counts pixels from 1.
    wcs.wcs.crpix = [(side + 1) / 2 for side in batch.values.shape[:-3:-1]]
    wcs.wcs.cdelt = [-batch.survey.pixel_scale / 3600, batch.survey.pixel_scale / 3600]
    wcs.array_shape = tuple(batch.values.shape[-2:])
    return wcs


def _sources(batch: Batch, wcs: WCS) -> Table:
    assert batch.truth is not None
    there = np.isfinite(batch.truth["x"][0].numpy())
    table = Table()
    table["number"] = np.flatnonzero(there) + 1
    x, y = (batch.truth[name][0].numpy()[there].astype(float) for name in ("x", "y"))
    table["ra"], table["dec"] = wcs.all_pix2world(x, y, 0)
    table["ra"].unit = table["dec"].unit = "deg"
    for quantity, values in batch.truth.items_by_quantity():
        if quantity.kind != "map" and values.ndim == 2 and values.shape[1] == len(there):
            table[quantity.name] = _column(quantity, values[0].numpy()[there])
            table[quantity.name].unit = quantity.unit or None
            table[quantity.name].description = quantity.description
    return table


def _column(quantity: Quantity, values: np.ndarray) -> np.ndarray:
    return np.array(quantity.classes)[values] if quantity.classes else values
