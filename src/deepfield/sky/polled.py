"""Polled: a sky of painted galaxies whose truth is what people say of them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from torch import Tensor

from deepfield.nouns.batch import Truth
from deepfield.nouns.decision_tree import DecisionTree
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.sky import Light
from deepfield.nouns.survey import Survey
from deepfield.sky.ballot import ballot
from deepfield.sky.kinds import Kinds


@dataclass(frozen=True)
class Polled(ABC):
    """Objects and the votes on them; how likely each answer is, ``asked`` says.

    ``tree`` holds the questions, ``kept`` the names of what else of the sky's truth stays.

    Args:
        sky: the galaxies.
        volunteers: how many look at each object.

    Raises:
        ValueError: fewer than two volunteers.
    """

    sky: Kinds = field(default_factory=Kinds)
    volunteers: int = 40

    tree: ClassVar[DecisionTree]
    kept: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        if self.volunteers < 2:
            raise ValueError(f"{self.volunteers} volunteers; expected at least 2")

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The votes for every answer, and what scores may be sorted by."""
        kept = [quantity for quantity in self.sky.quantities if quantity.name in self.kept]
        return (*self.tree.quantities, *kept)

    @property
    def maps(self) -> tuple[Quantity, ...]:
        """Those of the sky, of its galaxies."""
        return self.sky.maps

    def draw(
        self,
        indices: np.ndarray,
        survey: Survey,
        *,
        seed: int,
        split: str,
        size: int,
        psf: Psf,
        maps: tuple[str, ...] = (),
    ) -> Light:
        """The objects of these indices: see ``Sky.draw``. Votes are multinomial."""
        light, fractions = self.asked(
            indices, survey, seed=seed, split=split, size=size, psf=psf, maps=maps
        )
        votes = ballot(
            self.tree, fractions, indices, volunteers=self.volunteers, seed=seed, split=split
        )
        truth = dict(zip(self.tree.quantities, votes.T, strict=True))
        for quantity, value in light.truth.items_by_quantity():
            if quantity.name in self.kept or quantity.name in maps:
                truth[quantity] = value
        return replace(light, truth=Truth(truth))

    @abstractmethod
    def asked(
        self,
        indices: np.ndarray,
        survey: Survey,
        *,
        seed: int,
        split: str,
        size: int,
        psf: Psf,
        maps: tuple[str, ...] = (),
    ) -> tuple[Light, Tensor]:
        """The objects, and [object, answer] the true probabilities of their votes."""
