"""Photometry files: text with any separator, and HDF5 groups, besides what ``tables`` reads."""

import re
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from astropy.table import Table

from deepfield.data.tables import read_table

HDF5 = (".h5", ".hdf5", ".hdf")
TABLES = (".csv", ".ecsv", ".fits", ".fit", ".gz", ".parquet", ".parq")
WORDS = r"[,;|\s]+"


def read_photometry(path: Path | str, *, columns: Sequence[str] | None = None) -> Table:
    """A table from CSV, text, FITS, Parquet or an HDF5 file of columns.

    In text the first line names the columns, with or without a ``#``, and may use another
    separator than the rows; type letters such as ``F:`` before a name are left out. In HDF5 the
    columns are the one-dimensional datasets of the file or of the one group that has some.

    Args:
        path: the file.
        columns: names of the columns of a text file whose own line of names is absent or wrong.

    Raises:
        ValueError: no such file, or the names do not belong to the columns.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.dat"
        >>> _ = file.write_text("#zs u eu\\n0.1 20.5 0.1\\n0.2 21.5 0.2\\n")
        >>> read_photometry(file).colnames
        ['zs', 'u', 'eu']
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file; expected a table of magnitudes")
    suffix = path.suffix.lower()
    if suffix in HDF5:
        return _read_hdf5(path)
    with path.open("rb") as file:
        commented = suffix == ".csv" and file.read(1) == b"#"
    if suffix in TABLES and not commented and columns is None:
        return read_table(path)
    return _read_text(path, columns)


def _read_text(path: Path, columns: Sequence[str] | None) -> Table:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not text; expected lines of numbers") from None
    rows = [line for line in lines if line and not line.startswith("#")]
    header = next((line[1:].strip() for line in lines if line.startswith("#")), None)
    if rows and not _number(_split(rows[0])[0]) and header is None:
        header, rows = rows[0], rows[1:]
    if not rows:
        raise ValueError(f"{path}: no rows; expected a line an object")
    cells = [_split(row) for row in rows]
    names = list(columns) if columns else [_plain(n) for n in re.split(WORDS, header or "") if n]
    if len(set(names)) < len(names):
        raise ValueError(f"{path}: column names are repeated; give columns")
    for number, row in enumerate(cells, 1):
        if len(row) != len(names):
            raise ValueError(
                f"{path}: row {number} has {len(row)} entries for {len(names)} names "
                f"({', '.join(names[:12]) or 'none'}); give columns, a name for each entry"
            )
    return Table({name: _typed([row[i] for row in cells]) for i, name in enumerate(names)})


def _split(row: str) -> list[str]:
    """Entries; between commas or the like one may be empty, between blanks none."""
    separator = next((s for s in ",;|\t" if s in row), None)
    return row.split() if separator is None else [part.strip() for part in row.split(separator)]


def _typed(texts: list[str]) -> np.ndarray:
    try:
        return np.array([float(text or "nan") for text in texts])
    except ValueError:
        return np.array(texts, dtype=str)


def _plain(name: str) -> str:
    return re.sub(r"^[A-Za-z]:", "", name)


def _number(text: str) -> bool:
    try:
        float(text or "nan")
    except ValueError:
        return False
    return True


def _read_hdf5(path: Path) -> Table:
    try:
        with h5py.File(path, "r") as file:
            groups = [file, *(g for g in file.values() if isinstance(g, h5py.Group))]
            tables = [g for g in groups if any(_column(v) for v in g.values())]
            if len(tables) != 1:
                raise ValueError(
                    f"{len(tables)} groups have columns; expected one, such as photometry"
                )
            read = {name: v[()] for name, v in tables[0].items() if _column(v)}
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise ValueError(f"{path}: cannot be read as a table ({reason})") from None
    if len({len(v) for v in read.values()}) > 1:
        raise ValueError(f"{path}: its columns differ in length; expected a row an object")
    return Table({n: np.char.decode(v) if v.dtype.kind == "S" else v for n, v in read.items()})


def _column(value: object) -> bool:
    return isinstance(value, h5py.Dataset) and value.ndim == 1
