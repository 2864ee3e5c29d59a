"""Band columns: which columns of a table are magnitudes, and which are their errors."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from astropy.table import Table

BLUE_TO_RED = (
    *("fuv", "nuv", "u", "b", "g", "v", "r", "i", "ic", "z", "y", "j", "h", "k", "ks"),
    *("w1", "w2"),
)
ERRORS = ("e{}", "e_{}", "err_{}", "{}_err", "{}err", "{}_error", "sigma_{}", "d{}", "{}_sigma")
"""how the error's column is called, by the magnitude's"""
REDSHIFTS = (
    "redshift",
    "z_spec",
    "zspec",
    "specz",
    "spec_z",
    "zs",
    "z_true",
    "redshift_true",
    "z",
)


class Bands(NamedTuple):
    """Columns of a table, from blue to red or as the user ordered them.

    Args:
        names: of the bands.
        magnitudes, errors: the columns.
    """

    names: tuple[str, ...]
    magnitudes: tuple[str, ...]
    errors: tuple[str, ...]


def bands(
    table: Table,
    magnitudes: Sequence[str] | None = None,
    errors: Sequence[str] | None = None,
) -> Bands:
    """The photometry of a table, by the user's words or by the names of its columns.

    Without names, every column that has another of its name for the error is a band: ``u`` with
    ``eu``, ``mag_u`` with ``mag_err_u`` or ``magerr_u``, ``u_mag`` with ``u_mag_err`` and so on,
    in any case. What all of them share (``mag_``, ``_lsst``) is left out of the bands' names.

    Args:
        table: a row an object.
        magnitudes: columns of the magnitudes, in the order wanted; None = found.
        errors: columns of their errors, in the same order; None = found.

    Raises:
        ValueError: no such column, no errors, or no bands that can be told.

    Example:
        >>> table = Table({"mag_r": [20.0], "magerr_r": [0.1], "mag_u": [21.0], "magerr_u": [0.2]})
        >>> bands(table)
        Bands(names=('u', 'r'), magnitudes=('mag_u', 'mag_r'), errors=('magerr_u', 'magerr_r'))
    """
    there = table.colnames
    if errors is not None and magnitudes is None:
        raise ValueError("errors are named without magnitudes; name both, in the same order")
    if unknown := [c for c in (*(magnitudes or ()), *(errors or ())) if c not in there]:
        raise ValueError(
            f"the table has no column {', '.join(unknown)}; it has {', '.join(there[:20])}"
        )
    if magnitudes is not None and errors is not None and len(magnitudes) != len(errors):
        raise ValueError(
            f"{len(magnitudes)} magnitudes ({', '.join(magnitudes)}) and {len(errors)} errors "
            f"({', '.join(errors)}); expected an error for each magnitude, in the same order"
        )
    named = magnitudes is not None
    wanted = list(magnitudes or (c for c in there if _numeric(table, c)))
    partner = dict(zip(wanted, errors, strict=True)) if errors else {}
    if errors is None:
        for column in wanted:
            if (error := _error_of(column, there)) is not None:
                partner[column] = error
    if named and (lonely := [c for c in wanted if c not in partner]):
        raise ValueError(
            f"no column is called the error of {', '.join(lonely)}; name all errors, in the order "
            f"of the magnitudes; the table has {', '.join(there[:20])}"
        )
    # An error may have an error's name of its own (u, eu, eeu), and so have colours.
    chosen = [c for c in wanted if c in partner and (named or not _derived(c, partner))]
    if not chosen:
        raise ValueError(
            "no columns are magnitudes with errors by their names; name magnitudes and errors; "
            f"the table has {', '.join(there[:20])}"
        )
    names = _short(chosen)
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(
            f"more than one column is the band {', '.join(repeated)} ({', '.join(chosen)}); name "
            "the magnitudes, each band once"
        )
    order = list(range(len(chosen)))
    if not named and all(name in BLUE_TO_RED for name in names):
        order.sort(key=lambda i: BLUE_TO_RED.index(names[i]))
    columns = tuple(chosen[i] for i in order)
    return Bands(tuple(names[i] for i in order), columns, tuple(partner[c] for c in columns))


def redshift_column(table: Table, found: Bands, target: str | None) -> str | None:
    """The column of the true redshifts; None where the table has none.

    Args:
        table: a row an object.
        found: its bands, none of which can be the redshift.
        target: its name; None = one of the usual names.

    Raises:
        ValueError: no column of the name ``target``, or more than one usual name.

    Example:
        >>> table = Table({"z": [20.0], "ez": [0.1], "zs": [0.5]})
        >>> redshift_column(table, bands(table), None)
        'zs'
    """
    if target is not None and target in table.colnames:
        return target
    taken = {*found.magnitudes, *found.errors}
    usual = [c for c in table.colnames if c.lower() in REDSHIFTS and c not in taken]
    if target not in (None, "redshift") or len(usual) > 1:
        raise ValueError(
            f"the redshift is {target or 'one of ' + ', '.join(usual)}; expected one column: name "
            f"it with target; the table has {', '.join(table.colnames[:20])}"
        )
    return usual[0] if usual else None


def _numeric(table: Table, column: str) -> bool:
    return table[column].dtype.kind in "fiu" and table[column].ndim == 1


def _error_of(column: str, there: Sequence[str]) -> str | None:
    """The one column that can be this one's error."""
    name = column.lower()
    patterns = [pattern.format(name) for pattern in ERRORS]
    for word in re.findall("mag(?:nitude)?", name)[:1]:
        patterns += [name.replace(word, new, 1) for new in (f"{word}err", f"{word}_err", "err")]
    found = [c for c in there if c.lower() in patterns]
    return found[0] if len(found) == 1 else None


def _derived(column: str, partner: dict[str, str]) -> bool:
    """Whether a column is another's error, or the difference of two others."""
    parts = column.split("-")
    return column in partner.values() or (len(parts) == 2 and all(p in partner for p in parts))


def _short(columns: Sequence[str]) -> list[str]:
    """The names without what they share at either end, in lower case."""
    lower = [column.lower() for column in columns]
    if len(lower) == 1:
        return [re.sub("^mag(nitude)?_?|_?mag$", "", lower[0]) or lower[0]]
    head, tail = _shared(lower), _shared([name[::-1] for name in lower])[::-1]
    # Bands may share letters themselves (w1, w2): cut at an underscore, or at "mag".
    start = max(head.rfind("_") + 1, len("mag") if head.startswith("mag") else 0)
    end = len(tail) - tail.find("_") if "_" in tail else len("mag") * tail.endswith("mag")
    return [name[start : len(name) - end] for name in lower]


def _shared(names: Sequence[str]) -> str:
    """What all of them begin with."""
    count = 0
    for letters in zip(*names, strict=False):
        if len(set(letters)) > 1:
            break
        count += 1
    return names[0][:count]
