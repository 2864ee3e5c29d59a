"""fit: profiles of galaxies by least squares, the classical way."""

import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from astropy.table import QTable
from rich.progress import track

from deepfield.data.arrays import from_arrays, in_memory
from deepfield.data.calibrated import Calibrated, calibrated
from deepfield.data.labelled import LabelledImages
from deepfield.data.map_files import file_names
from deepfield.data.stamps import SAMPLE
from deepfield.data.tables import write_table
from deepfield.nouns.posterior import Posterior
from deepfield.report.fits import FitPicture
from deepfield.report.page import write_page
from deepfield.verbs._beside import masks_of, psf_of
from deepfield.verbs._fit_chunk import FitChunk
from deepfield.verbs._fit_page import fit_parts, fit_table

INDICES = {"sersic": (None,), "bulge_disc": (None, 1.0)}
LARGEST = 128
"""px a side; larger images are rebinned"""
CHUNK = 64


def fit(
    *,
    images: Path,
    out: Path,
    psf: Path | None = None,
    model: Literal["sersic", "bulge_disc"] = "sersic",
    bands: Literal["linked", "free"] = "linked",
    sky: bool = False,
    masks: Path | None = None,
    labels: Path | None = None,
    extent: float | None = None,
    size: int | None = None,
    pixel_scale: float | None = None,
    zero_point: float | None = None,
) -> QTable:
    """Fit profiles to galaxies by least squares: a catalogue, and the model of each one.

    From Python, images, masks and psf may also be arrays (or images NDData objects).

    Args:
        images: a folder or glob of FITS files, each with its galaxy in the middle.
        out: folder for catalogue.parquet, catalogue.fits, report.html, and a FITS file an object:
            image, model, residual, sigma, mask.
        psf: a FITS image of a star, or a folder of them named as the images.
        model: one Sersic profile, or a Sersic bulge in an exponential disc.
        bands: linked share their shape, and each has its own flux; free are fitted alone.
        sky: whether to fit a constant level in each band.
        masks: a folder of FITS images named as the images, not 0 where pixels are to be left out.
        labels: a table of the objects, in whose order and with whose columns the catalogue comes.
        extent: side of the square that is fitted, px of the images; left out, the smallest image.
        size: of the stamp that it becomes, px; left out, the extent, at most 128.
        pixel_scale: arcsec per pixel, where the images have no WCS.
        zero_point: AB magnitude of one count (31.4 for nJy, 22.5 for nanomaggies).

    Returns:
        the catalogue: medians and credible limits, reduced_chi_square, iterations, converged,
        neighbours (how many were masked), masked (share of the stamp) and flags.

    Raises:
        ValueError: no PSF or zero point, and what the readers refuse.
    """
    source = _opened(images, labels, extent, size, psf, pixel_scale, zero_point)
    stamps = source.images
    left_out = masks_of(masks, stamps)
    channels = range(len(source.channels))
    together: list[list[int]] = [list(channels)] if bands == "linked" else [[b] for b in channels]
    began, files = time.perf_counter(), file_names([str(one) for one in source.ids])
    rows = torch.arange(len(source)).split(CHUNK)
    parts: list[tuple[Posterior, dict[str, Any]]] = []
    pictures: list[tuple[float, FitPicture]] = []
    for some in track(rows, f"fit {model}", disable=len(rows) < 2):
        batch = source.take(some, 0)
        found = FitChunk(batch, left_out[some], INDICES[model], together, sky)
        sight = [stamps.wcs(int(row)) for row in some]
        for i, row in enumerate(some.tolist()):
            found.write(i, out / "fits" / f"{files[row]}.fits", sight[i], model)
        pictures += found.pictures()
        parts.append((found.told(sight), found.columns(sight)))
    table = fit_table(source, [one for one, _ in parts], [one for _, one in parts], files)
    table.meta.update({"model": model, "bands": bands, "sky_fitted": sky})
    for name in ("catalogue.parquet", "catalogue.fits"):
        write_table(table, out / name)
    count = int(np.asarray(table["converged"]).sum())
    said = f"{len(table)} objects, {count} converged, in {time.perf_counter() - began:.1f} s"
    write_page(
        out / "report.html",
        f"{model.replace('_', ' ')} fits",
        fit_parts(table, pictures, stamps),
        subtitle=said,
    )
    print(f"{said}\nwrote {out / 'catalogue.parquet'}, catalogue.fits, report.html and fits/")
    return table


def _opened(
    images: Any,
    labels: Path | None,
    extent: float | None,
    size: int | None,
    psf: Any,
    pixel_scale: float | None,
    zero_point: float | None,
) -> Calibrated:
    """Stamps in nJy, by default of whole images."""
    if in_memory(images):
        stamps = from_arrays(images, extent=extent or 1.0)
    else:
        stamps = LabelledImages.open(images, labels, extent=extent or 1.0, strict=False)
    cutter = stamps.cutter
    if extent is None:
        sides = []
        for image in cutter.images[:SAMPLE]:
            try:
                sides.append(min(image.read()[0].shape[-2:]))
            except ValueError:
                continue
        extent = float(min(sides))
    cutter.extent, cutter.size = extent, size or min(round(extent), LARGEST)
    return calibrated(
        stamps,
        psf=psf_of(psf, list(stamps.ids)),
        pixel_scale=pixel_scale,
        zero_point=zero_point,
    )
