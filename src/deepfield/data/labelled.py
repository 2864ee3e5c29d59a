"""Labelled images: files and a table as a source."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from astropy.table import Table
from astropy.wcs import WCS
from torch import Tensor

from deepfield.data import labels as label
from deepfield.data.bands import group
from deepfield.data.cutter import Cutter, Image
from deepfield.data.files import find
from deepfield.data.split import split_of
from deepfield.data.tables import read_table
from deepfield.data.votes_table import counts
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Split


@dataclass
class LabelledImages:
    """Stamps from image files, with what a table says of them; made by ``open``.

    Files are read when first asked for and the stamps kept in memory (48 kB an object at 3 x 64 x
    64), shared by all parts. The sky level is subtracted; where a file has no noise map, one
    sigma per channel is estimated and flagged. Real images are the same in every epoch.

    Args:
        ids: [object] strings.
        cutter: reads files and cuts stamps.
        rows: [object] positions among the cutter's images.
        truth: what is known, of these objects.
        sky_position: [object, 2] degrees, or None.
        table: the user's own columns, a row an object; None without a table.
        target: name of the class quantity; None = no classes.
        splits: [object] split of every object.
    """

    ids: np.ndarray
    cutter: Cutter
    rows: np.ndarray
    truth: Truth
    sky_position: Tensor | None
    table: Table | None
    target: str | None
    splits: np.ndarray
    grid: tuple[str, ...] = field(default=("y", "x"), init=False)

    @classmethod
    def open(
        cls,
        images: str | Path | Sequence[str | Path],
        labels: str | Path | Table | None = None,
        *,
        size: int = 64,
        target: str | None = None,
        classes: tuple[str, ...] | None = None,
        extent: float | None = None,
        fold: int = 0,
        folds: int = 5,
        strict: bool = True,
    ) -> "LabelledImages":
        """Find images and match them with their labels.

        One file is an object (a cube, one band, or a JPEG), or one file is a band: see
        ``data.bands.group``. Rows are matched by a file or an id column: see
        ``data.labels.match``. Objects come in the table's order.

        Args:
            images: a folder, a glob, or files.
            labels: a table, or its path; None = no labels. The published votes of Galaxy Zoo 2
                are turned into counts.
            size: side of the stamps, px.
            target: the class column; None = kind, label, class or target, then called ``kind``.
            classes: those allowed, in the order of the integers; None = those that occur.
            extent: side of the central square that becomes the stamp, pixels of the images; None
                = ``typical_extent`` of up to 200 of them, or ``size`` where they all have it.
            fold, folds: which objects are the test: see ``data.split.split_of``.
            strict: a bad file is an error naming it; otherwise a flagged row of zeros with
                infinite variance.

        Raises:
            ValueError: no images, labels and images that do not belong together, unknown or too
                few classes, repeated ids.

        Example:
            >>> import tempfile
            >>> from PIL import Image as Picture
            >>> folder = Path(tempfile.mkdtemp())
            >>> for name in ("a", "b"):
            ...     Picture.linear_gradient("L").resize((32, 32)).save(folder / f"{name}.png")
            >>> _ = (folder / "labels.csv").write_text("id,kind\\na,smooth\\nb,spiral\\n")
            >>> source = LabelledImages.open(folder, folder / "labels.csv", size=32)
            >>> source.take(torch.tensor([1, 0]), epoch=0).truth["kind"].tolist()
            [1, 0]
        """
        objects = group(find(images))
        folder = Path(images) if isinstance(images, (str, Path)) else Path()
        truth: dict[Quantity, Tensor] = {}
        table, position, known = None, None, None
        ids = _names(objects)
        rows = list(range(len(objects)))
        if labels is not None:
            table = counts(labels if isinstance(labels, Table) else read_table(labels))
            beside = Path() if isinstance(labels, Table) else Path(labels).parent
            rows = _located(table, objects, labels, folder, beside)
            named = label.column(table, label.ID_NAMES)
            ids = [ids[i] for i in rows] if named is None else [str(x) for x in table[named]]
            known = label.read_classes(table, target, classes)
            if known is not None:
                truth[known[0]] = known[1]
            truth |= label.read_numbers(table, leave=known[0].name if known else None)
            position = label.read_positions(table)
        if len(set(ids)) < len(ids):
            twice = sorted({name for name in ids if ids.count(name) > 1})
            raise ValueError(
                f"{len(twice)} object ids are repeated ({', '.join(twice[:3])}); expected one "
                "object each: rename or remove the others"
            )
        cutter = Cutter.of([Image(*pair) for pair in objects], size, extent, strict)
        return cls(
            ids=np.array(ids, dtype=str),
            cutter=cutter,
            rows=np.array(rows),
            truth=Truth(truth),
            sky_position=position,
            table=table,
            target=known[0].name if known else None,
            splits=split_of(ids, fold=fold, folds=folds),
        )

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the bands."""
        return self.cutter.channels

    @property
    def extent(self) -> float:
        """Side of the central square that becomes the stamp, pixels of the images."""
        return self.cutter.extent

    @property
    def size(self) -> int:
        """Side of the stamps, px."""
        return self.cutter.size

    def __len__(self) -> int:
        return len(self.ids)

    def quantity(self, name: str) -> Quantity:
        """What the truth of this name means."""
        if name not in self.truth:
            there = ", ".join(list(self.truth)[:8]) or "none: give labels"
            raise ValueError(f"the labels hold no {name!r}; there is {there}")
        return self.truth.quantity(name)

    def part(self, split: Split) -> "LabelledImages":
        """The objects of one split; stamps are shared with the whole."""
        at = np.flatnonzero(self.splits == split)
        indices = torch.from_numpy(at)
        return LabelledImages(
            ids=self.ids[at],
            cutter=self.cutter,
            rows=self.rows[at],
            truth=self.truth.take(indices),
            sky_position=None if self.sky_position is None else self.sky_position[indices],
            table=None if self.table is None else self.table[at],
            target=self.target,
            splits=self.splits[at],
        )

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """The objects at these positions, the same in every epoch."""
        indices = torch.as_tensor(indices)
        at = indices.numpy()
        values, variance, flags = self.cutter.stamps(self.rows[at])
        return Batch(
            ids=self.ids[at],
            values=values,
            channels=self.channels,
            grid=self.grid,
            variance=variance,
            sky_position=None if self.sky_position is None else self.sky_position[indices],
            flags=flags,
            truth=self.truth.take(indices) if len(self.truth) else None,
        )

    def wcs(self, index: int) -> WCS | None:
        """Where on the sky the pixels of an object's stamp are; None where its file is silent."""
        return self.cutter.wcs(int(self.rows[index]))


def _names(objects: Sequence[tuple[str, dict[str, Path]]]) -> list[str]:
    """Stems; where two folders hold the same stem, the paths instead."""
    stems = [name for name, _ in objects]
    if len(set(stems)) == len(stems):
        return stems
    return [str(next(iter(files.values()))) for _, files in objects]


def _located(
    table: Table,
    objects: Sequence[tuple[str, dict[str, Path]]],
    labels: str | Path | Table,
    folder: Path,
    beside: Path,
) -> list[int]:
    try:
        pairs = [(name, list(files.values())) for name, files in objects]
        return label.match(table, pairs, folder, beside, folder.parent)
    except ValueError as error:
        where = "the table" if isinstance(labels, Table) else labels
        raise ValueError(f"{where} with {folder}: {error}") from None
