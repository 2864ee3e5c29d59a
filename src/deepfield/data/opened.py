"""Opened: whatever a user points at, as a source."""

from pathlib import Path

from deepfield.data.hdf5 import StoredSource, open_hdf5
from deepfield.data.labelled import LabelledImages


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
) -> LabelledImages | StoredSource:
    """Image files with their labels, or a file that ``deepfield simulate`` wrote.

    Args:
        images: folder, glob or file of images; or one HDF5 file, which holds its own truth.
        labels, size, target, classes, extent, fold, folds: as in ``LabelledImages.open``.

    Raises:
        ValueError: what ``LabelledImages.open`` and ``open_hdf5`` refuse.
    """
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
