"""HDF5: any source in one file, and back as a source."""

import json
import multiprocessing
import os
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from deepfield.data.split import split_of
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source, Split
from deepfield.nouns.survey import Band, Survey
from deepfield.nouns.whole import whole

LAYOUT = 1


def write_hdf5(
    source: Source, path: Path | str, *, epoch: int = 0, chunk: int = 256, workers: int = 1
) -> Path:
    """Write all objects of a source, a few at a time; the file is there whole or not at all.

    Datasets: ``ids``, ``values``, and where the source has them ``variance`` (expanded to the
    shape of the values), ``psf``, ``sky_position``, ``flags``, ``truth/<name>`` with unit, kind,
    classes and description as attributes. One chunk of the file is one object.

    Args:
        source: the objects.
        path: an .h5 file.
        epoch: the one that is written; on the mock sky each has its own noise.
        chunk: objects that are taken at a time.
        workers: processes that take them; the file is the same for any number. With more than
            one, a script must start its work under ``if __name__ == "__main__":``.

    Returns:
        the path.

    Raises:
        ValueError: an empty source, or batches that differ in what they hold.

    Example:
        >>> import tempfile
        >>> from deepfield.data.simulated import Simulated
        >>> from deepfield.sky.surveys import sdss
        >>> mock = Simulated(sdss(), {"train": 2}, size=16)
        >>> stored = open_hdf5(write_hdf5(mock, Path(tempfile.mkdtemp()) / "mock.h5"))
        >>> len(stored), stored.channels, stored.quantity("kind").classes[0]
        (2, ('g', 'r', 'i'), 'smooth')
    """
    if len(source) == 0:
        raise ValueError(f"{path}: nothing to write; expected a source with objects")
    with whole(path) as temporary, h5py.File(temporary, "w") as file:
        first = source.take(torch.arange(1), epoch)
        names = _create(file, first, len(source))
        start = 0
        for arrays in track(
            _taken(source, epoch, chunk, workers),
            f"writing {Path(path).name}",
            total=-(-len(source) // chunk),
            console=Console(stderr=True),
            transient=True,
            disable=len(source) <= chunk,
        ):
            if set(arrays) != names:
                raise ValueError(
                    f"{path}: from object {start} on, {', '.join(sorted(set(arrays) ^ names))} is "
                    "there or not unlike before; expected a source that gives the same of all"
                )
            end = start + len(arrays["ids"])
            for name, array in arrays.items():
                file[name][start:end] = array
            start = end
    return Path(path)


def open_hdf5(path: Path | str, *, fold: int = 0, folds: int = 5) -> "StoredSource":
    """A file of ``write_hdf5`` as a source.

    Args:
        path: the file.
        fold, folds: which objects are the test: see ``data.split.split_of``.

    Raises:
        ValueError: no such file, no HDF5, or not of this layout.

    Example:
        >>> open_hdf5("nowhere.h5")
        Traceback (most recent call last):
        ...
        ValueError: nowhere.h5: no such file; expected HDF5 written by deepfield
    """
    if not Path(path).is_file():
        raise ValueError(f"{path}: no such file; expected HDF5 written by deepfield")
    try:
        with h5py.File(path, "r") as file:
            layout = file.attrs.get("deepfield")
            ids = file["ids"].asstr()[:].astype(str) if layout == LAYOUT else None
    except (OSError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ValueError(
            f"{path}: cannot be read as HDF5 ({reason}); expected a whole file "
            "written by deepfield"
        ) from None
    if ids is None:
        raise ValueError(
            f"{path}: HDF5 of layout {layout}; expected layout {LAYOUT} written by deepfield: "
            "write it again with write_hdf5"
        )
    return StoredSource(
        Path(path), ids, np.arange(len(ids)), split_of(ids, fold=fold, folds=folds)
    )


class StoredSource:
    """Objects in an HDF5 file, read when asked for; made by ``open_hdf5``.

    Each process opens the file for itself. Splits are by the hash of the ids.
    """

    def __init__(self, path: Path, ids: np.ndarray, rows: np.ndarray, splits: np.ndarray) -> None:
        self.path, self.ids, self.rows, self.splits = path, ids, rows, splits
        self.channels = tuple(str(name) for name in self._file.attrs["channels"])
        self.grid = tuple(str(name) for name in self._file.attrs["grid"])

    @property
    def _file(self) -> h5py.File:
        return _opened(self.path, self.path.stat().st_mtime_ns, os.getpid())

    def __len__(self) -> int:
        return len(self.ids)

    def quantity(self, name: str) -> Quantity:
        """What the truth of this name means."""
        there = {quantity.name: quantity for quantity in self._quantities()}
        if name not in there:
            raise ValueError(f"{self.path} has no truth {name!r}; it has {', '.join(there)}")
        return there[name]

    def part(self, split: Split) -> "StoredSource":
        """The objects of one split."""
        at = np.flatnonzero(self.splits == split)
        return StoredSource(self.path, self.ids[at], self.rows[at], self.splits[at])

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """The objects at these positions, the same in every epoch."""
        at = torch.as_tensor(indices).numpy()
        rows, file = self.rows[at], self._file
        read = lambda name: _rows(file[name], rows) if name in file else None  # noqa: E731
        truth = {q: _rows(file[f"truth/{q.name}"], rows) for q in self._quantities()}
        psf = None
        if "psf" in file:
            shared = len(file["psf"]) == 1
            kernel = _rows(file["psf"], np.zeros(1, int) if shared else rows)
            psf = Psf(kernel, int(file["psf"].attrs["oversampling"]))
        return Batch(
            ids=self.ids[at],
            values=_rows(file["values"], rows),
            channels=self.channels,
            grid=self.grid,
            variance=read("variance"),
            psf=psf,
            survey=_survey(file.attrs["survey"]),
            sky_position=read("sky_position"),
            flags=read("flags"),
            truth=Truth(truth) if truth else None,
        )

    def _quantities(self) -> list[Quantity]:
        return [_quantity(name, data.attrs) for name, data in self._file["truth"].items()]


@lru_cache(maxsize=8)
def _opened(path: Path, modified: int, process: int) -> h5py.File:
    """One handle a process, and a new one when the file has been replaced."""
    return h5py.File(path, "r")


def _arrays(batch: Batch) -> dict[str, np.ndarray]:
    """What is stored of a batch, a row an object."""
    shared = batch.psf is None or len(batch.psf.kernel) == 1
    tensors = {
        "values": batch.values,
        "variance": None if batch.variance is None else batch.variance.expand_as(batch.values),
        "psf": None if shared or batch.psf is None else batch.psf.kernel,
        "sky_position": batch.sky_position,
        "flags": batch.flags,
        **{f"truth/{name}": value for name, value in (batch.truth or {}).items()},
    }
    arrays = {name: value.cpu().numpy() for name, value in tensors.items() if value is not None}
    return {"ids": batch.ids.astype(object), **arrays}


def _taken(
    source: Source, epoch: int, chunk: int, workers: int
) -> Iterator[dict[str, np.ndarray]]:
    """Arrays of one chunk after another, taken by so many processes."""
    starts = range(0, len(source), chunk)
    if workers == 1:
        for start in starts:
            yield _take(source, epoch, start, chunk)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _hold, (source,)) as pool:
        waiting: deque[Future[dict[str, np.ndarray]]] = deque()
        for start in starts:
            waiting.append(pool.submit(_take_held, epoch, start, chunk))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _take(source: Source, epoch: int, start: int, chunk: int) -> dict[str, np.ndarray]:
    at = torch.arange(start, min(start + chunk, len(source)))
    return _arrays(source.take(at, epoch))


_held: list[Source] = []
"""what a worker takes from: sent once, when the process starts"""


def _hold(source: Source) -> None:
    torch.set_num_threads(1)
    _held[:] = [source]


def _take_held(epoch: int, start: int, chunk: int) -> dict[str, np.ndarray]:
    return _take(_held[0], epoch, start, chunk)


def _create(file: h5py.File, batch: Batch, count: int) -> set[str]:
    """Empty datasets for objects like those of a batch; their names."""
    arrays = _arrays(batch)
    file.attrs["deepfield"] = LAYOUT
    file.attrs["channels"], file.attrs["grid"] = list(batch.channels), list(batch.grid)
    file.attrs["survey"] = json.dumps(None if batch.survey is None else asdict(batch.survey))
    file.create_group("truth", track_order=True)
    for name, array in arrays.items():
        shape, one = (count, *array.shape[1:]), (1, *array.shape[1:])
        images = array.ndim > 2
        kind = h5py.string_dtype() if name == "ids" else array.dtype
        # A constant noise map packs to almost nothing; any other only costs time.
        packed = "lzf" if name == "variance" and np.ptp(array) == 0 else None
        file.create_dataset(name, shape, kind, chunks=one if images else None, compression=packed)
    if batch.psf is not None:
        if "psf" not in file:
            file["psf"] = batch.psf.kernel.cpu().numpy()
        file["psf"].attrs["oversampling"] = batch.psf.oversampling
    for quantity, _ in [] if batch.truth is None else batch.truth.items_by_quantity():
        kept = file[f"truth/{quantity.name}"].attrs
        kept["unit"], kept["kind"] = quantity.unit, quantity.kind
        kept["classes"], kept["description"] = list(quantity.classes), quantity.description
    return set(arrays)


def _quantity(name: str, kept: Mapping[str, Any]) -> Quantity:
    classes = tuple(str(label) for label in kept["classes"])
    return Quantity(name, kept["unit"], kept["kind"], classes, kept["description"])


def _survey(text: str) -> Survey | None:
    kept = json.loads(text)
    if kept is None:
        return None
    bands = tuple(
        Band(**{**band, "edges": tuple(band["edges"]) if band.get("edges") else None})
        for band in kept["bands"]
    )
    return Survey(**{**kept, "bands": bands})


def _rows(data: h5py.Dataset, rows: np.ndarray) -> Tensor:
    """Rows in any order, one read each: a chunk is an object."""
    if data.chunks is None:
        return torch.from_numpy(data[:][rows])
    out = np.empty((len(rows), *data.shape[1:]), data.dtype)
    for i, row in enumerate(rows):
        data.read_direct(out, np.s_[row], np.s_[i])
    return torch.from_numpy(out)
