"""Photometry table: magnitudes of many objects as a source of grid ()."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from astropy.table import Table
from torch import Tensor

from deepfield.data import labels as label
from deepfield.data.band_columns import bands, redshift_column
from deepfield.data.magnitudes import to_fluxes
from deepfield.data.photometry_files import read_photometry
from deepfield.data.split import split_of
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.flags import Flag
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Split

REDSHIFT = Quantity("redshift", description="spectroscopic")


@dataclass
class PhotometryTable:
    """Fluxes and their errors from a catalogue of magnitudes; made by ``open``.

    Values are fluxes in nJy with Gaussian errors: a magnitude has no value for light that is not
    detected. Bands have names, and what learns from them goes by these.

    Args:
        ids: [object] strings.
        channels: names of the bands.
        values, variance: [object, channel] nJy and nJy^2; infinite = missing.
        flags: [object] ``MISSING_PIXELS`` where a band is missing or a limit, ``NO_PIXELS`` where
            all are missing.
        truth: redshifts, NaN = not known; empty where the table has none.
        sky_position: [object, 2] degrees, or None.
        table: the user's own columns.
        splits: [object] split of every object.
    """

    ids: np.ndarray
    channels: tuple[str, ...]
    values: Tensor
    variance: Tensor
    flags: Tensor
    truth: Truth
    sky_position: Tensor | None
    table: Table
    splits: np.ndarray
    grid: tuple[str, ...] = field(default=(), init=False)

    @classmethod
    def open(
        cls,
        table: str | Path | Table,
        *,
        magnitudes: Sequence[str] | None = None,
        errors: Sequence[str] | None = None,
        target: str | None = None,
        identifier: str | None = None,
        columns: Sequence[str] | None = None,
        fold: int = 0,
        folds: int = 5,
    ) -> "PhotometryTable":
        """Read a catalogue: see ``photometry_files``, ``band_columns`` and ``magnitudes``.

        Args:
            table: a CSV, text, FITS, Parquet or HDF5 file, or a table in memory.
            magnitudes, errors: columns, in the same order; None = told by their names.
            target: column of the true redshifts; None = one of the usual names, or none.
            identifier: column of the ids, which also decide the split; None = a usual name, or
                the rows are numbered.
            columns: names of a text file's columns, where its own are absent or wrong.
            fold, folds: which objects are the test: see ``data.split.split_of``.

        Raises:
            ValueError: no rows, or columns that cannot be told or are not there.

        Example:
            >>> rows = Table({"id": [7, 8], "u": [21.0, 99.0], "eu": [0.1, -99.0],
            ...               "g": [20.0, 20.5], "eg": [0.1, 0.1], "zspec": [0.3, 0.4]})
            >>> batch = PhotometryTable.open(rows).take(torch.arange(2), 0)
            >>> batch.channels, batch.variance.isinf().tolist()
            (('u', 'g'), [[False, False], [True, False]])
        """
        where = "the table" if isinstance(table, Table) else str(table)
        rows = table if isinstance(table, Table) else read_photometry(table, columns=columns)
        if not len(rows):
            raise ValueError(f"{where}: no rows; expected an object a row")
        try:
            found = bands(rows, magnitudes, errors)
            redshift = redshift_column(rows, found, target)
        except ValueError as problem:
            raise ValueError(f"{where}: {problem}") from None
        measured = to_fluxes(
            np.stack([_numbers(rows, name, where) for name in found.magnitudes], 1),
            np.stack([_numbers(rows, name, where) for name in found.errors], 1),
        )
        truth = {}
        if redshift is not None:
            known = _numbers(rows, redshift, where)
            # No redshift is -1 or less, nor 50: these are codes for one that is not known.
            fine = (known > -0.9) & (known < 50)
            truth[REDSHIFT] = torch.from_numpy(np.where(fine, known, np.nan)).float()
        gaps = (measured.missing | measured.undetected).any(1) * int(Flag.MISSING_PIXELS)
        none = measured.missing.all(1) * int(Flag.NO_PIXELS)
        if identifier is not None and identifier not in rows.colnames:
            raise ValueError(f"{where}: no column {identifier}; it has {', '.join(rows.colnames)}")
        named = identifier or label.column(rows, label.ID_NAMES)
        ids = [str(i) for i in (range(len(rows)) if named is None else rows[named])]
        if len(set(ids)) < len(ids):
            raise ValueError(
                f"{where}: {len(ids) - len(set(ids))} ids in column {named} are repeated; "
                "expected one row an object"
            )
        return cls(
            ids=np.array(ids, dtype=str),
            channels=found.names,
            values=torch.from_numpy(measured.flux).float(),
            variance=torch.from_numpy(measured.variance).float(),
            flags=torch.from_numpy(gaps | none).long(),
            truth=Truth(truth),
            sky_position=label.read_positions(rows),
            table=rows,
            splits=split_of(ids, fold=fold, folds=folds),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def quantity(self, name: str) -> Quantity:
        """What the truth of this name means."""
        if name not in self.truth:
            there = ", ".join(self.truth) or "none: name the redshift's column with target"
            raise ValueError(f"the table holds no {name!r}; there is {there}")
        return self.truth.quantity(name)

    def part(self, split: Split) -> "PhotometryTable":
        """The objects of one split."""
        return self.of(np.flatnonzero(self.splits == split))

    def of(self, positions: np.ndarray) -> "PhotometryTable":
        """Some objects, as a source of their own.

        Args:
            positions: [object] int.
        """
        rows = torch.from_numpy(positions)
        return replace(
            self,
            ids=self.ids[positions],
            values=self.values[rows],
            variance=self.variance[rows],
            flags=self.flags[rows],
            truth=self.truth.take(rows),
            sky_position=None if self.sky_position is None else self.sky_position[rows],
            table=self.table[positions],
            splits=self.splits[positions],
        )

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """The objects at these positions, the same in every epoch."""
        rows = torch.as_tensor(indices)
        return Batch(
            ids=self.ids[rows.numpy()],
            values=self.values[rows],
            channels=self.channels,
            grid=self.grid,
            variance=self.variance[rows],
            sky_position=None if self.sky_position is None else self.sky_position[rows],
            flags=self.flags[rows],
            truth=self.truth.take(rows) if len(self.truth) else None,
        )


def _numbers(table: Table, name: str, where: str) -> np.ndarray:
    """A column as float64, NaN where masked or empty."""
    entries = np.ma.asarray(table[name])
    try:
        return np.ma.filled(entries.astype(np.float64), np.nan)
    except (ValueError, TypeError):
        texts = [str(text).strip() for text in np.ma.filled(entries, "")]
    try:
        return np.array([float(text or "nan") for text in texts])
    except ValueError as problem:
        raise ValueError(f"{where}: column {name} holds no numbers ({problem})") from None
