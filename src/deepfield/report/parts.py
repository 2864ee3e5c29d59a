"""What a page is made of."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import matplotlib.figure

from deepfield.report.figures import inline_png

NUMERIC = frozenset("–+-<.0123456789")
Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Text:
    """A paragraph, or several: an empty line parts them.

    Args:
        text: plain words.
        title: heading of the section that starts here; empty = none.
    """

    kind: ClassVar = "text"
    text: str
    title: str = ""

    @property
    def paragraphs(self) -> list[str]:
        """The text between empty lines."""
        return [part.strip() for part in self.text.split("\n\n") if part.strip()]


@dataclass(frozen=True)
class Highlight:
    """The sentence that a reader in a hurry should see."""

    kind: ClassVar = "highlight"
    text: str
    title: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under column names; numbers are aligned to the right.

    Args:
        columns: names.
        rows: as many cells each as there are columns; None and NaN show as a dash.
        title: heading of the section that starts here; empty = none.
        caption: what the reader should know.

    Raises:
        ValueError: a row of another length.

    Example:
        >>> Table(["method", "accuracy"], [["net", 0.9612]]).text
        [['net', '0.961']]
    """

    kind: ClassVar = "table"
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    caption: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"a row has {len(row)} cells for {len(self.columns)} columns "
                    f"({', '.join(self.columns)}); expected one each"
                )

    @property
    def text(self) -> list[list[str]]:
        """Every cell as it is shown."""
        return [[_shown(cell) for cell in row] for row in self.rows]

    @property
    def numeric(self) -> list[bool]:
        """[column] whether every cell begins like a number or is a dash."""
        columns = [[row[i] for row in self.text] for i in range(len(self.columns))]
        return [bool(c) and all(cell[:1] in NUMERIC for cell in c) for c in columns]


@dataclass(frozen=True)
class Figure:
    """A picture with its caption.

    Args:
        figure: drawn once, when the page is made.
        caption: what is seen, in whole sentences.
        title: heading of the section that starts here; empty = none.
        alt: for those who can't see it; empty = the caption.
    """

    kind: ClassVar = "figure"
    figure: matplotlib.figure.Figure
    caption: str
    title: str = ""
    alt: str = ""

    @property
    def address(self) -> str:
        """The picture itself, as a ``data:`` address."""
        return inline_png(self.figure)

    @property
    def width(self) -> int:
        """CSS pixels that the picture would fill at the size it was drawn for."""
        return round(96 * self.figure.get_figwidth())


Part = Text | Highlight | Table | Figure


def _shown(cell: Cell) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return "–"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell:.3g}" if isinstance(cell, float) else cell
