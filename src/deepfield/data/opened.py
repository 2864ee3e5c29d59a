"""Opened: whatever a user points at, as a source."""

from pathlib import Path

from deepfield.data.hdf5 import StoredSource, open_hdf5
from deepfield.data.labelled import LabelledImages
from deepfield.data.photometry_table import PhotometryTable


def open_images(
    images: Path,
    labels: Path | None,
    *,
    size: int,
    target: str | None = None,
    classes: tuple[str, ...] | None = None,
    extent: float | None = None,
    fold: int = 0,
    folds: int = 5,
    grid: tuple[str, ...] = ("y", "x"),
) -> LabelledImages | StoredSource | PhotometryTable:
    """Image files with their labels, a catalogue, or a file that ``deepfield simulate`` wrote.

    Args:
        images: folder, glob or file of images; or one HDF5 file, which holds its own truth.
        grid: axes of what is asked for; without any, ``images`` is a catalogue of magnitudes.
        labels, size, target, classes, extent, fold, folds: as in ``LabelledImages.open``.

    Raises:
        ValueError: what ``LabelledImages.open`` and ``open_hdf5`` refuse.
    """
    if not grid:
        return PhotometryTable.open(images, target=target, fold=fold, folds=folds)
    if images.suffix in (".h5", ".hdf5"):
        return open_hdf5(images, fold=fold, folds=folds)
    return LabelledImages.open(
        images,
        labels,
        size=size,
        target=target,
        classes=classes,
        extent=extent,
        fold=fold,
        folds=folds,
    )
