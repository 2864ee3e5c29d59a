"""Looked: what `explain` looks at, and with which network."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.wcs import WCS
from torch import Tensor

from deepfield.data.map_files import MapImage, write_map_file
from deepfield.nouns.batch import Batch, missing
from deepfield.nouns.flags import UNMEASURED, Flag
from deepfield.nouns.prediction import Classes, Prediction
from deepfield.train.trained import Trained
from deepfield.weights.files import Card

PIECE = 64


@dataclass(frozen=True)
class Looked:
    """Objects, what the network says of them, and what is asked.

    Args:
        trained: the network with its task, ``card`` and ``weights`` its file.
        batch: the objects, and ``prediction`` about them.
        answer: the one in question, and ``what`` of it; None = each object's most probable class.
        layer: dotted name.
        window: side of covering squares, px.
        wcs: position in the batch -> WCS of the stamp, or None.
        out: folder for what is written.
    """

    trained: Trained
    card: Card
    weights: Path
    batch: Batch
    prediction: Prediction
    answer: str
    what: str | None
    layer: str
    window: int
    wcs: Callable[[int], WCS | None]
    out: Path

    @property
    def measured(self) -> Tensor:
        """Positions of the objects that have pixels."""
        lost = missing(self.batch).flatten(1).all(1)
        return (~lost & ((self.flags & int(UNMEASURED)) == 0)).nonzero()[:, 0]

    @property
    def pieces(self) -> list[Batch]:
        """The measured objects, some at a time."""
        return [self.batch.take(rows) for rows in self.measured.split(PIECE)]

    @property
    def flags(self) -> Tensor:
        """[object] bits of ``Flag``."""
        given = self.batch.flags
        if given is not None:
            return given
        return self.batch.values.new_zeros(len(self.batch)).long()

    @property
    def classes(self) -> tuple[str, ...]:
        """Of the answer; empty where it is none of classes."""
        given = self.prediction[self.answer]
        return given.quantity.classes if isinstance(given, Classes) else ()

    def asked(self) -> list[str]:
        """What is asked of each object."""
        if self.what is not None or not self.classes:
            return [self.what or self.answer] * len(self.batch)
        given = self.prediction[self.answer]
        assert isinstance(given, Classes)
        best = given.probabilities.nan_to_num().argmax(1)
        return [self.classes[number] for number in best.tolist()]

    def drawn(self, maps: Tensor, number: int) -> np.ndarray:
        """[..., y, x] of an object with the row first that is drawn lowest."""
        # Row 0 is the top of a JPEG or PNG, and the bottom of everything else.
        display = bool(int(self.flags[number]) & Flag.DISPLAY_IMAGE)
        return (maps.flip(-2) if display else maps).detach().cpu().numpy()

    def write(
        self, file: Path, number: int, maps: list[MapImage], says: dict[str, str | float]
    ) -> Path:
        """A map file of an object: these maps, and its image behind them."""
        image = MapImage(
            "IMAGE",
            self.batch.values[number].numpy(),
            planes=self.batch.channels,
            wcs=self.wcs(number),
        )
        header = {
            "OBJECT": str(self.batch.ids[number]),
            "RECIPE": self.card.recipe,
            "FLAGS": Flag.describe(int(self.flags[number])),
            **says,
        }
        return write_map_file(file, [*maps, image], header)
