"""Votes: what share of volunteers would give each answer of a decision tree, and how sure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from astropy.table import Table
from torch import Tensor

from deepfield.nouns.decision_tree import DecisionTree


@dataclass(frozen=True)
class Votes:
    """A Dirichlet distribution over the vote fractions of every question.

    Args:
        tree: the questions.
        fractions: [object, answer] expected among those who are asked; each question's sum to 1.
        concentration: [object, question] sum of the Dirichlet's parameters: so many votes would
            tell as much; infinite = the fractions are certain, and votes multinomial.

    Raises:
        ValueError: shapes that do not fit the tree.

    Example:
        >>> from deepfield.nouns.galaxy_zoo import CANDELS
        >>> votes = Votes(CANDELS, torch.full((1, 5), 0.2), torch.full((1, 1), 15.0))
        >>> votes.columns().colnames[:3]
        ['main_class_asked', 'main_class_spheroid', 'main_class_spheroid_sigma']
        >>> round(float(votes.sigma()[0, 0]), 3)
        0.1
    """

    tree: DecisionTree
    fractions: Tensor
    concentration: Tensor

    def __post_init__(self) -> None:
        answers, questions = len(self.tree.columns), len(self.tree.questions)
        shapes = tuple(self.fractions.shape), tuple(self.concentration.shape)
        if shapes != ((len(self.fractions), answers), (len(self.fractions), questions)):
            raise ValueError(
                f"fractions have shape {shapes[0]} and concentrations {shapes[1]}; expected "
                f"[object, {answers} answers] and [object, {questions} questions]"
            )

    def __len__(self) -> int:
        return len(self.fractions)

    def __getitem__(self, indices: Tensor) -> "Votes":
        return Votes(self.tree, self.fractions[indices], self.concentration[indices])

    def joint(self) -> Tensor:
        """[object, answer] expected share of all volunteers, multiplied down the tree."""
        return self.tree.joint(self.fractions)

    def sigma(self) -> Tensor:
        """[object, answer] standard deviation of the fraction that endless votes would give."""
        spread = self.tree.spread(self.concentration)
        return (self.fractions * (1 - self.fractions) / (1 + spread)).clamp(min=0).sqrt()

    def columns(self) -> Table:
        """Of every question the share who are asked, of every answer its fraction and sigma."""
        asked = self.tree.asked(self.fractions).detach().float().cpu().numpy()
        fractions = self.fractions.detach().float().cpu().numpy()
        sigma = self.sigma().detach().float().cpu().numpy()
        table = Table()
        for i, (question, at) in enumerate(
            zip(self.tree.questions, self.tree.slices, strict=True)
        ):
            name = f"{question.name}_asked"
            table[name] = asked[:, i]
            table[name].description = f"expected share of volunteers who are asked {question.name}"
            for j in range(at.start, at.stop):
                name = self.tree.columns[j]
                table[name] = fractions[:, j]
                table[name].description = "expected fraction of votes among those who are asked"
                table[f"{name}_sigma"] = sigma[:, j]
                table[f"{name}_sigma"].description = f"standard deviation of {name}"
        return table

    def scalar(self, what: str) -> Tensor:
        """Expected fraction of the answer ``what``, a column's name."""
        if what not in self.tree.columns:
            raise ValueError(f"no answer {what!r}; there is {', '.join(self.tree.columns)}")
        return self.fractions[:, self.tree.columns.index(what)]

    def blank(self, rows: Tensor) -> "Votes":
        """NaN for these rows."""
        return replace(
            self,
            fractions=self.fractions.masked_fill(rows[:, None], torch.nan),
            concentration=self.concentration.masked_fill(rows[:, None], torch.nan),
        )

    @classmethod
    def pool(cls, parts: Sequence["Votes"]) -> "Votes":
        """Mean fractions, and the geometric mean of the concentrations.

        Looks at the same pixels share their noise, so many are not surer than one.
        """
        return cls(
            parts[0].tree,
            torch.stack([part.fractions for part in parts]).mean(0),
            torch.stack([part.concentration for part in parts]).log().mean(0).exp(),
        )

    @classmethod
    def join(cls, parts: Sequence["Votes"]) -> "Votes":
        """Votes of several batches as one."""
        return cls(
            parts[0].tree,
            torch.cat([part.fractions for part in parts]),
            torch.cat([part.concentration for part in parts]),
        )
