"""Tables: CSV, ECSV, FITS and Parquet, read and written."""

import csv
import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy import units
from astropy.io import fits
from astropy.table import Column, MaskedColumn, Table

from deepfield.nouns.whole import whole

KINDS = ".csv, .ecsv, .fits or .parquet"
# "007" is a name, not a number: reading it as 7 would lose the object.
INTEGER = re.compile(r"[+-]?(0|[1-9]\d{0,17})")


def read_table(path: Path | str) -> Table:
    """A table with its units and descriptions, where the format keeps them.

    CSV columns become integers or floats where every entry is one; an empty entry is NaN among
    numbers, and an identifier with leading zeros stays a string.

    Args:
        path: .csv, .ecsv, .fits (also .fit, .gz) or .parquet.

    Raises:
        ValueError: the file is missing, of another kind, broken or empty.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.csv"
        >>> _ = file.write_text("id,kind,z\\n007,spiral,0.1\\n012,smooth,\\n")
        >>> [column.tolist() for column in read_table(file).itercols()]
        [['007', '012'], ['spiral', 'smooth'], [0.1, nan]]
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file; expected a table ({KINDS})")
    readers = {".csv": _read_csv, ".ecsv": _read_ecsv, ".fits": _read_fits, ".parquet": _read_pq}
    reader = readers.get(_kind(path))
    if reader is None:
        raise ValueError(f"{path}: not a table by its suffix; expected {KINDS}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = reader(path)
    except Exception as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise ValueError(
            f"{path}: cannot be read as a table ({reason}); expected {KINDS} with a row an object"
        ) from None
    if not len(table.colnames):
        raise ValueError(f"{path}: a table without columns; expected a row an object")
    return table


def write_table(table: Table, path: Path | str) -> Path:
    """Write a table whole, or leave what was there.

    Units and descriptions are kept in FITS (TUNIT, TCOMM), Parquet (field metadata) and ECSV;
    plain CSV has no place for them.

    Args:
        table: an astropy Table or QTable of numbers, strings and arrays of fixed shape.
        path: .parquet, .fits, .ecsv or .csv.

    Returns:
        the path.

    Raises:
        ValueError: another suffix, or a column that the format cannot hold.

    Example:
        >>> import tempfile
        >>> table = Table({"radius": [1.5, 2.0] * units.arcsec})
        >>> table["radius"].info.description = "half-light radius"
        >>> for name in ("a.fits", "a.parquet"):
        ...     column = read_table(write_table(table, Path(tempfile.mkdtemp()) / name))["radius"]
        ...     print(column.tolist(), column.unit, column.description)
        [1.5, 2.0] arcsec half-light radius
        [1.5, 2.0] arcsec half-light radius
    """
    path = Path(path)
    writer = writer_of(path)
    plain = Table({name: _plain(table, name) for name in table.colnames}, meta=dict(table.meta))
    with whole(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        writer(plain, temporary)
    return path


def writer_of(path: Path) -> Callable[[Table, Path], None]:
    """What writes this kind of table, by the suffix: asked before long work, it saves the work.

    Raises:
        ValueError: a suffix that is not a table's.

    Example:
        >>> writer_of(Path("catalogue.txt"))
        Traceback (most recent call last):
        ...
        ValueError: catalogue.txt: cannot write this kind of table; expected .csv, .ecsv, .fits or
        .parquet
    """
    writers = {".csv": _write_csv, ".ecsv": _write_ecsv, ".fits": _write_fits}
    writer = {**writers, ".parquet": _write_pq}.get(_kind(path))
    if writer is None:
        raise ValueError(f"{path}: cannot write this kind of table; expected {KINDS}")
    return writer


def _kind(path: Path) -> str:
    suffixes = [end.lower() for end in path.suffixes]
    last = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else path.suffix.lower()
    return {".fit": ".fits", ".parq": ".parquet"}.get(last, last)


def _plain(table: Table, name: str) -> Column:
    """The column as numbers or strings, its unit beside it."""
    column = table[name]
    data = column.value if isinstance(column, units.Quantity) else column
    if not isinstance(data, np.ndarray) or data.dtype.kind not in "biufSU":
        kind = getattr(data, "dtype", type(data).__name__)
        raise ValueError(
            f"column {name} holds {kind}; expected numbers or strings: convert it first"
        )
    make = MaskedColumn if isinstance(data, np.ma.MaskedArray) else Column
    info = column.info
    return make(data, name=name, unit=info.unit, description=info.description)


def _read_csv(path: Path) -> Table:
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    names = [name.strip() for name in rows[0]] if rows else []
    if len(set(names)) != len(names):
        raise ValueError("column names are repeated")
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(names):
            raise ValueError(f"row {number} has {len(row)} entries for {len(names)} columns")
    return Table({name: _typed([row[i] for row in rows[1:]]) for i, name in enumerate(names)})


def _typed(texts: list[str]) -> np.ndarray:
    texts = [text.strip() for text in texts]
    if texts and all(INTEGER.fullmatch(text) for text in texts):
        return np.array([int(text) for text in texts])
    if all(text == "" for text in texts) or any(re.fullmatch(r"0\d+", text) for text in texts):
        return np.array(texts, dtype=str)
    try:
        return np.array([float(text or "nan") for text in texts])
    except ValueError:
        return np.array(texts, dtype=str)


def _write_csv(table: Table, path: Path) -> None:
    if wide := [name for name in table.colnames if table[name].ndim > 1]:
        raise ValueError(
            f"CSV cannot hold arrays, as in column {wide[0]}; write .fits or .parquet"
        )
    table.write(path, format="ascii.csv")


def _read_ecsv(path: Path) -> Table:
    return Table.read(path, format="ascii.ecsv")


def _write_ecsv(table: Table, path: Path) -> None:
    table.write(path, format="ascii.ecsv")


def _read_fits(path: Path) -> Table:
    table = Table.read(path, format="fits", memmap=False, character_as_bytes=False)
    with fits.open(path, memmap=False) as file:
        header = next(h.header for h in file if isinstance(h, (fits.BinTableHDU, fits.TableHDU)))
    for i, name in enumerate(table.colnames, 1):
        table[name].description = table[name].description or header.get(f"TCOMM{i}")
    return table


def _write_fits(table: Table, path: Path) -> None:
    plain = Table({name: table[name].copy() for name in table.colnames}, meta=table.meta)
    for name in plain.colnames:
        plain[name].description = None
    hdu = fits.table_to_hdu(plain)
    for i, name in enumerate(table.colnames, 1):
        if text := table[name].description:
            hdu.header[f"TCOMM{i}"] = text.encode("ascii", "replace").decode()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)


def _read_pq(path: Path) -> Table:
    stored = pq.read_table(path)
    table = Table(meta=json.loads((stored.schema.metadata or {}).get(b"deepfield", b"{}")))
    for field in stored.schema:
        kept = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        table[field.name] = _from_arrow(stored[field.name].combine_chunks(), field.type)
        column = table[field.name]
        column.description = kept.get("description")
        if "unit" in kept:
            column.unit = units.Unit(kept["unit"], parse_strict="silent")
    return table


def _from_arrow(array: pa.Array, kind: pa.DataType) -> Column:
    shape: list[int] = []
    while pa.types.is_fixed_size_list(kind):
        shape.append(kind.list_size)
        array, kind = array.flatten(), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        missing = np.array(array.is_null())
        data = np.array(array.fill_null("").to_pylist(), dtype=str)
    elif array.null_count and not pa.types.is_floating(kind):
        missing = np.array(array.is_null())
        data = np.array(array.fill_null(False if pa.types.is_boolean(kind) else 0))
    else:
        missing, data = np.zeros(len(array), bool), array.to_numpy(zero_copy_only=False)
    data = data.reshape(-1, *shape)
    return MaskedColumn(data, mask=missing.reshape(data.shape)) if missing.any() else Column(data)


def _write_pq(table: Table, path: Path) -> None:
    arrays, fields = [], []
    for name in table.colnames:
        column = table[name]
        data = np.asarray(column)
        data = np.char.decode(data, "utf-8") if data.dtype.kind == "S" else data
        mask = np.broadcast_to(getattr(column, "mask", False), data.shape)
        native = data.astype(data.dtype.newbyteorder("="), copy=False)
        array = pa.array(native.ravel(), mask=mask.ravel() if mask.any() else None)
        for length in reversed(data.shape[1:]):
            array = pa.FixedSizeListArray.from_arrays(array, length)
        kept = {"unit": str(column.unit or ""), "description": column.description or ""}
        kept = {key: value for key, value in kept.items() if value}
        arrays.append(array)
        fields.append(pa.field(name, array.type, metadata=kept or None))
    meta = {"deepfield": json.dumps(dict(table.meta), default=str)}
    pq.write_table(pa.table(arrays, schema=pa.schema(fields, metadata=meta)), path)
