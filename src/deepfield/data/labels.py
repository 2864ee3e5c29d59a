"""Labels: what a table says of every object, and which row belongs to which image."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from astropy.table import Table
from torch import Tensor

from deepfield.data.files import stem
from deepfield.nouns.quantity import Quantity

ID_NAMES = ("object_id", "objectid", "objid", "id", "id_str", "name", "source_id", "dr7objid")
FILE_NAMES = ("file", "filename", "file_name", "file_loc", "filepath", "path", "image")
CLASS_NAMES = ("kind", "label", "class", "target")
POSITION_NAMES = (("ra", "dec"), ("raj2000", "dej2000"), ("ra_deg", "dec_deg"))
MISSING = ("", "-1", "nan", "--", "none", "None")


def column(table: Table, names: Sequence[str]) -> str | None:
    """The first of these columns that the table has, whatever its case.

    Example:
        >>> column(Table({"ObjectId": [1], "z": [0.1]}), ID_NAMES)
        'ObjectId'
    """
    by_name = {name.lower(): name for name in table.colnames}
    return next((by_name[name] for name in names if name in by_name), None)


def match(
    table: Table, objects: Sequence[tuple[str, Sequence[Path]]], *folders: Path
) -> list[int]:
    """Position of the image of every row.

    By the file column, its paths taken from each of the folders or else by the name alone; where
    that names no image, by the id column, which must equal the file's name without suffix.

    Args:
        table: with an id column (object_id, objectid, objid, id, id_str, name, source_id or
            dr7objid) or a file column (file, filename, file_name, file_loc, filepath, path or
            image), in any case.
        objects: name and files of every object.
        folders: where relative paths may start.

    Returns:
        [row] positions among ``objects``.

    Raises:
        ValueError: neither column, a row without image, an image without row, or two rows for
            one.

    Example:
        >>> match(Table({"id": [7, 5]}), [("5", [Path("5.jpg")]), ("7", [Path("7.jpg")])])
        [1, 0]
    """
    file_column, id_column = column(table, FILE_NAMES), column(table, ID_NAMES)
    if file_column is None and id_column is None:
        raise ValueError(
            f"the table's columns are {', '.join(table.colnames[:8])}; expected one of "
            f"{', '.join(ID_NAMES)}, or one of {', '.join(FILE_NAMES)}: rename a column"
        )
    by_name = {name: i for i, (name, _) in enumerate(objects)}
    by_path = {file.resolve(): i for i, (_, files) in enumerate(objects) for file in files}
    rows: list[int | None] = [None] * len(table)
    texts: list[str] = []
    if file_column is not None:
        texts = [str(entry) for entry in table[file_column]]
        by_stem = {stem(file): i for i, (_, files) in enumerate(objects) for file in files}
        for row, text in enumerate(texts):
            paths = [(folder / text).resolve() for folder in folders]
            at = next((by_path[path] for path in paths if path in by_path), None)
            rows[row] = at if at is not None else by_stem.get(stem(text), by_name.get(stem(text)))
    if id_column is not None and all(at is None for at in rows):
        texts = [str(entry) for entry in table[id_column]]
        rows = [by_name.get(text) for text in texts]
    found = [at for at in rows if at is not None]
    lonely = [text for text, at in zip(texts, rows, strict=True) if at is None]
    seen = set(found)
    unlabelled = [name for i, (name, _) in enumerate(objects) if i not in seen]
    if lonely or unlabelled:
        raise ValueError(
            f"{len(found)} of {len(table)} labels and {len(objects)} images belong together: "
            f"{len(lonely)} labels have no image{_few(lonely)}, {len(unlabelled)} images have no "
            f"label{_few(unlabelled)}; expected one each: add or remove files or rows"
        )
    if len(seen) < len(found):
        twice = [text for text, at in zip(texts, found, strict=True) if found.count(at) > 1]
        raise ValueError(
            f"{len(found) - len(seen)} labels repeat an object{_few(twice)}; expected one row "
            "each: remove the others"
        )
    return found


def read_classes(
    table: Table, target: str | None, classes: tuple[str, ...] | None
) -> tuple[Quantity, Tensor] | None:
    """The class of every row, from labels or from soft labels.

    The column is ``target`` or, without one, kind, label, class or target, in any case; the
    quantity is then called ``kind``. Soft labels are two or more columns ``<target>_<class>`` of
    fractions or votes, none negative; every row is divided by its sum.

    Args:
        table: rows of objects.
        target: name of the class column, or the beginning of the soft labels' names.
        classes: those allowed, in the order of the integers; None = those that occur, sorted.

    Returns:
        the quantity, and labels [object] int64 (-1 = not known) or [object, class] float32 (NaN =
        not known); None where no target is named and no such column exists.

    Raises:
        ValueError: no such column, an unknown class, only one class, or soft labels below 0.

    Example:
        >>> quantity, labels = read_classes(Table({"Class": ["b", "a", ""]}), None, None)
        >>> quantity.name, quantity.classes, labels.tolist()
        ('kind', ('a', 'b'), [1, 0, -1])
    """
    name = column(table, (target.lower(),) if target else CLASS_NAMES)
    if name is not None:
        return _hard(table, name, target or "kind", classes)
    start = f"{target or 'kind'}_"
    soft = [n for n in table.colnames if n.startswith(start) and table[n].dtype.kind in "fiu"]
    if len(soft) >= 2:
        return _soft(table, soft, target or "kind", classes)
    if target is None:
        return None
    raise ValueError(
        f"the table has no column {target} and no columns {start}<class>; it has "
        f"{', '.join(table.colnames[:8])}: name another target"
    )


def _hard(
    table: Table, name: str, quantity: str, classes: tuple[str, ...] | None
) -> tuple[Quantity, Tensor]:
    entries = np.ma.filled(np.ma.asarray(table[name]).astype(str), "")
    if table[name].dtype.kind == "f":
        # A column of integers with gaps is read as floats.
        entries = np.array([text.removesuffix(".0") for text in entries])
        if parts := sorted({text for text in entries if "." in text}):
            raise ValueError(
                f"class column {name} holds numbers such as {parts[0]}; expected names or "
                "integers: name the class column with target"
            )
    entries = np.char.strip(entries)
    known = ~np.isin(entries, MISSING)
    occurring = sorted(set(entries[known].tolist()), key=_natural)
    if not occurring:
        raise ValueError(f"class column {name} is empty; expected a class for some objects")
    if classes is None and len(occurring) == 1:
        raise ValueError(
            f"class column {name} holds only one class ({occurring[0]}) in {known.sum()} labels; "
            "a classifier needs at least two: add examples of another"
        )
    allowed = classes or tuple(occurring)
    if unknown := [text for text in occurring if text not in allowed]:
        raise ValueError(
            f"{np.isin(entries, unknown).sum()} labels in column {name} have an unknown "
            f"class{_few(unknown)}; expected {', '.join(allowed)}: correct or remove them"
        )
    number = {text: i for i, text in enumerate(allowed)}
    labels = torch.tensor([number.get(text, -1) for text in entries.tolist()])
    return Quantity(quantity, classes=tuple(allowed)), labels


def _soft(
    table: Table, names: list[str], quantity: str, classes: tuple[str, ...] | None
) -> tuple[Quantity, Tensor]:
    start = len(quantity) + 1
    found = tuple(name[start:] for name in names)
    allowed = classes or found
    if set(allowed) != set(found):
        raise ValueError(
            f"soft labels {quantity} have the classes {', '.join(found)}; expected "
            f"{', '.join(allowed)}: rename or add columns"
        )
    columns: list[np.ma.MaskedArray] = [
        np.ma.asarray(table[f"{quantity}_{c}"], float) for c in allowed
    ]
    votes = torch.from_numpy(np.stack([np.ma.filled(c, np.nan) for c in columns], 1))
    if bool((votes < 0).any()):
        raise ValueError(
            f"soft labels {quantity} are as low as {votes.min():g}; expected 0 or more"
        )
    total = votes.sum(1, keepdim=True)
    fractions = (votes / total).masked_fill(~(total > 0), torch.nan)
    return Quantity(quantity, classes=tuple(allowed)), fractions.float()


def read_numbers(table: Table, *, leave: str | None) -> dict[Quantity, Tensor]:
    """Every numeric column as a quantity, apart from ids, classes and positions.

    Args:
        table: rows of objects.
        leave: name of the quantity that ``read_classes`` took.

    Returns:
        [object] float32 each, NaN = not known; their kind is invariant.

    Example:
        >>> [q.name for q in read_numbers(Table({"id": [1], "z": [0.1]}), leave=None)]
        ['z']
    """
    taken = {*ID_NAMES, *FILE_NAMES, *CLASS_NAMES, *(n for pair in POSITION_NAMES for n in pair)}
    numbers = {}
    for name in table.colnames:
        entries = table[name]
        if name.lower() in taken or entries.dtype.kind not in "fiu" or entries.ndim > 1:
            continue
        if leave is not None and (name == leave or name.startswith(f"{leave}_")):
            continue
        values = np.ma.filled(np.ma.asarray(entries, np.float32), np.nan)
        quantity = Quantity(name, str(entries.unit or ""), description=entries.description or "")
        numbers[quantity] = torch.from_numpy(np.array(values, np.float32))
    return numbers


def read_positions(table: Table) -> Tensor | None:
    """[object, 2] right ascension and declination in degrees; None where there are none.

    Example:
        >>> read_positions(Table({"RA": [10.5], "Dec": [41.0]})).tolist()
        [[10.5, 41.0]]
    """
    for pair in POSITION_NAMES:
        names = [column(table, (name,)) for name in pair]
        if all(name is not None and table[name].dtype.kind in "fiu" for name in names):
            return torch.from_numpy(np.stack([np.asarray(table[n], float) for n in names], 1))
    return None


def _natural(text: str) -> tuple[bool, int, str]:
    return (False, int(text), "") if text.isdigit() else (True, 0, text)


def _few(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > 3 else ""
    return f" ({', '.join(names[:3])}{more})" if names else ""
