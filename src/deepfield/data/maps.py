"""Maps: images of cosmological simulations with the table of what made them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from astropy.table import Table
from torch import Tensor

from deepfield.data.fits import read_fits
from deepfield.data.split import split_of
from deepfield.data.tables import read_table
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.flags import Flag
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Split

AXES = ("z", "y", "x")


def open_maps(
    maps: np.ndarray | Path | str | Sequence[Path | str],
    truth: Table | np.ndarray | Path | str,
    *,
    channels: tuple[str, ...] | None = None,
    names: tuple[str, ...] | None = None,
    fold: int = 0,
    folds: int = 5,
) -> "Maps":
    """Maps or cubes with their parameters, as CAMELS, Illustris or VELA come: a source.

    Several maps may come from one simulation: where there are a whole number of times as many
    maps as rows of truth, consecutive maps share a row, and a simulation is never in two splits.

    Args:
        maps: [object, y, x], [object, channel, y, x] or, with as many channels as names in
            ``channels``, [object, channel, z, y, x]; or .npy files, one for each channel, whose
            axes are [object, (z,) y, x] and which are read as they are needed; or FITS files, one
            for each object.
        truth: a row for each map or simulation: a table, an array [row, parameter], or a file of
            one (.txt or .dat: numbers in columns, as ``numpy.loadtxt`` reads them).
        channels: names of the channels; None = map_0 upwards.
        names: of the parameters, for those without column names; None = parameter_0 upwards.
        fold, folds: which simulations are the test: see ``data.split.split_of``.

    Raises:
        ValueError: numbers of maps, rows, channels or names that do not fit together.

    Example:
        >>> fields = np.random.default_rng(0).normal(size=(6, 8, 8))
        >>> source = open_maps(fields, np.array([[0.3, 0.8], [0.2, 0.9]]), names=("Om", "s8"))
        >>> source.take(torch.arange(4), 0).truth["Om"].tolist()
        [0.30..., 0.30..., 0.30..., 0.20...]
    """
    parts = _parts(maps)
    count = len(parts[0])
    if any(part.shape != parts[0].shape for part in parts):
        shapes = ", ".join(str(part.shape) for part in parts)
        raise ValueError(f"channels have the shapes {shapes}; expected the same of all")
    channels = channels or tuple(f"map_{i}" for i in range(len(parts)))
    if len(channels) != len(parts):
        raise ValueError(f"{len(channels)} channel names for {len(parts)} channels")
    table = _table(truth, names)
    if len(table) == 0 or count == 0 or count % len(table):
        raise ValueError(
            f"{count} maps and {len(table)} rows of truth; expected a whole number of maps for "
            "each row"
        )
    parents = np.arange(count) // (count // len(table))
    values = {
        Quantity(name, str(table[name].unit or "")): torch.as_tensor(
            np.asarray(table[name], dtype=np.float32)[parents]
        )
        for name in table.colnames
        if table[name].dtype.kind in "iuf" and table[name].ndim == 1
    }
    splits = split_of(parents.astype(str), fold=fold, folds=folds)
    return Maps(parts, channels, Truth(values), np.arange(count), splits)


class Maps:
    """Maps of simulations as a source; made by ``open_maps``. What is stored is what is seen."""

    def __init__(
        self,
        parts: list[np.ndarray],
        channels: tuple[str, ...],
        truth: Truth,
        rows: np.ndarray,
        splits: np.ndarray,
    ) -> None:
        self.parts, self.channels, self.truth = parts, channels, truth
        self.rows, self.splits = rows, splits
        self.grid = AXES[-(parts[0].ndim - 1) :]
        self.ids = rows.astype(str)

    def __len__(self) -> int:
        return len(self.rows)

    def quantity(self, name: str) -> Quantity:
        """What the truth of this name means."""
        if name not in self.truth:
            raise ValueError(
                f"these maps have no truth {name!r}; they have {', '.join(self.truth)}"
            )
        return self.truth.quantity(name)

    def part(self, split: Split) -> "Maps":
        """The maps of one split: whole simulations."""
        at = self.splits == split
        return Maps(self.parts, self.channels, self.truth, self.rows[at], self.splits[at])

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """The maps at these positions, the same in every epoch."""
        rows = self.rows[torch.as_tensor(indices).numpy()]
        values = np.stack([np.asarray(part[rows], np.float32) for part in self.parts], 1)
        pixels = torch.from_numpy(values)
        known = pixels.isfinite().flatten(1)
        bad = ~known.all(1) * int(Flag.MISSING_PIXELS) | ~known.any(1) * int(Flag.NO_PIXELS)
        return Batch(
            ids=rows.astype(str),
            values=pixels,
            channels=self.channels,
            grid=self.grid,
            flags=bad,
            truth=self.truth.take(torch.from_numpy(rows)),
        )


def _parts(maps: np.ndarray | Path | str | Sequence[Path | str]) -> list[np.ndarray]:
    """One array [object, (z,) y, x] for each channel."""
    if isinstance(maps, np.ndarray):
        if maps.ndim not in (3, 4, 5):
            raise ValueError(
                f"maps have shape {maps.shape}; expected [object, y, x], [object, channel, y, x] "
                "or [object, channel, z, y, x]"
            )
        return [maps] if maps.ndim == 3 else list(np.moveaxis(maps, 1, 0))
    files = [Path(maps)] if isinstance(maps, str | Path) else [Path(file) for file in maps]
    if not files:
        raise ValueError("no files; expected .npy files, one a channel, or FITS files")
    if all(file.suffix == ".npy" for file in files):
        return [_memory_mapped(file) for file in files]
    cubes = [read_fits(file)[0] for file in files]
    if len({cube.shape for cube in cubes}) > 1:
        shapes = ", ".join(sorted({str(cube.shape) for cube in cubes}))
        raise ValueError(f"FITS images of the shapes {shapes}; expected one shape")
    return list(np.stack(cubes, 1))


def _memory_mapped(file: Path) -> np.ndarray:
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ValueError(f"{file}: cannot be read as .npy ({error})") from None
    if array.ndim not in (3, 4) or array.dtype.kind not in "fiu":
        raise ValueError(
            f"{file}: {array.dtype} of shape {array.shape}; expected numbers [object, (z,) y, x]"
        )
    return array


def _table(truth: Table | np.ndarray | Path | str, names: tuple[str, ...] | None) -> Table:
    if isinstance(truth, Table):
        return truth
    if isinstance(truth, str | Path):
        if Path(truth).suffix not in (".txt", ".dat"):
            return read_table(truth)
        if not Path(truth).is_file():
            raise ValueError(f"{truth}: no such file; expected a table of parameters")
        truth = np.loadtxt(truth, ndmin=2)
    array = np.asarray(truth)
    array = array[:, None] if array.ndim == 1 else array
    named = names or tuple(f"parameter_{i}" for i in range(array.shape[1]))
    if len(named) != array.shape[1]:
        raise ValueError(f"{len(named)} names for {array.shape[1]} parameters; expected one each")
    return Table(dict(zip(named, array.T, strict=True)))
