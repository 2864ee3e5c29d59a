"""Prediction: a distribution for every question that was asked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import torch
from astropy.table import Table
from torch import Tensor

from deepfield.nouns.quantity import Quantity


class Answer(Protocol):
    """One answer for every object: classes, a posterior, maps, boxes, or a score."""

    def __len__(self) -> int: ...

    def __getitem__(self, indices: Tensor) -> Self:
        """The answers for some objects."""
        ...

    def columns(self) -> Table:
        """Columns of a catalogue, one row an object; NaN = not measured."""
        ...

    def scalar(self, what: str) -> Tensor:
        """[object] one number each, differentiable where the predictor is: what explain asks for.

        Raises:
            ValueError: an unknown ``what``; the message lists those that there are.
        """
        ...

    def blank(self, rows: Tensor) -> Self:
        """The same answers with NaN where ``rows`` ([object] bool) is set."""
        ...

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Answers for several batches as one."""
        ...

    @classmethod
    def pool(cls, parts: Sequence[Self]) -> Self:
        """Several looks at the same objects as one answer, all with the same weight."""
        ...


@dataclass(frozen=True)
class Classes:
    """Probabilities of exclusive classes.

    Args:
        quantity: names the question and its classes.
        probabilities: [object, class], rows summing to 1.

    Example:
        >>> kind = Quantity("kind", classes=("smooth", "spiral"))
        >>> answer = Classes(kind, torch.tensor([[0.25, 0.75]]))
        >>> answer.scalar("spiral").tolist()
        [0.75]
        >>> answer.columns().colnames
        ['kind', 'kind_smooth', 'kind_spiral']
    """

    quantity: Quantity
    probabilities: Tensor

    def __len__(self) -> int:
        return len(self.probabilities)

    def __getitem__(self, indices: Tensor) -> "Classes":
        return Classes(self.quantity, self.probabilities[indices])

    def columns(self) -> Table:
        """The most probable class (empty where not measured) and every class's probability."""
        name, classes = self.quantity.name, self.quantity.classes
        probabilities = self.probabilities.detach().float().cpu().numpy()
        measured = np.isfinite(probabilities).all(1)
        best = np.array([*classes, ""])[
            np.where(measured, np.nan_to_num(probabilities).argmax(1), len(classes))
        ]
        table = Table({name: best})
        table[name].description = self.quantity.description or f"most probable {name}"
        for i, label in enumerate(classes):
            table[f"{name}_{label}"] = probabilities[:, i]
            table[f"{name}_{label}"].description = f"probability that {name} is {label}"
        return table

    def scalar(self, what: str) -> Tensor:
        """Probability of the class ``what``."""
        if what not in self.quantity.classes:
            raise ValueError(
                f"{self.quantity.name} has no class {what!r}; it has "
                f"{', '.join(self.quantity.classes)}"
            )
        return self.probabilities[:, self.quantity.classes.index(what)]

    def blank(self, rows: Tensor) -> "Classes":
        """NaN probabilities for these rows."""
        return Classes(self.quantity, self.probabilities.masked_fill(rows[:, None], torch.nan))

    @classmethod
    def pool(cls, parts: Sequence["Classes"]) -> "Classes":
        """Geometric mean of the probabilities, normalised.

        Looks at the same pixels share their noise: an arithmetic mean would be less sure than
        each of them, and than it should be.
        """
        logs = torch.stack([part.probabilities.clamp(min=1e-12).log() for part in parts])
        return cls(parts[0].quantity, logs.mean(0).softmax(1))

    @classmethod
    def join(cls, parts: Sequence["Classes"]) -> "Classes":
        """Classes of several batches as one."""
        return cls(parts[0].quantity, torch.cat([part.probabilities for part in parts]))


@dataclass(frozen=True)
class Score:
    """One number per object without a distribution, such as an anomaly score.

    Args:
        quantity: what the number means.
        values: [object].

    Example:
        >>> Score(Quantity("out_of_domain"), torch.tensor([0.5])).columns().colnames
        ['out_of_domain']
    """

    quantity: Quantity
    values: Tensor

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, indices: Tensor) -> "Score":
        return Score(self.quantity, self.values[indices])

    def columns(self) -> Table:
        """One column."""
        name = self.quantity.name
        table = Table({name: self.values.detach().float().cpu().numpy()})
        table[name].description = self.quantity.description
        if self.quantity.unit:
            table[name].unit = self.quantity.unit
        return table

    def scalar(self, what: str) -> Tensor:
        """The score itself, by its name."""
        if what != self.quantity.name:
            raise ValueError(f"no score {what!r}; there is {self.quantity.name}")
        return self.values

    def blank(self, rows: Tensor) -> "Score":
        """NaN for these rows."""
        return Score(self.quantity, self.values.masked_fill(rows, torch.nan))

    @classmethod
    def pool(cls, parts: Sequence["Score"]) -> "Score":
        """The mean score."""
        return cls(parts[0].quantity, torch.stack([part.values for part in parts]).mean(0))

    @classmethod
    def join(cls, parts: Sequence["Score"]) -> "Score":
        """Scores of several batches as one."""
        return cls(parts[0].quantity, torch.cat([part.values for part in parts]))


class Prediction(Mapping[str, Answer]):
    """Answers by name, all for the same objects.

    Example:
        >>> kind = Quantity("kind", classes=("smooth", "spiral"))
        >>> prediction = Prediction({"kind": Classes(kind, torch.eye(2))})
        >>> len(prediction["kind"]), prediction.columns().colnames
        (2, ['kind', 'kind_smooth', 'kind_spiral'])
    """

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = dict(answers)

    def __getitem__(self, name: str) -> Answer:
        return self._answers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._answers)

    def __len__(self) -> int:
        return len(self._answers)

    def take(self, indices: Tensor) -> "Prediction":
        """The answers for some objects."""
        return Prediction({name: answer[indices] for name, answer in self.items()})

    def blank(self, rows: Tensor) -> "Prediction":
        """The same answers with NaN where ``rows`` ([object] bool) is set."""
        return Prediction({name: answer.blank(rows) for name, answer in self.items()})

    def columns(self) -> Table:
        """All answers' columns side by side."""
        table = Table()
        for answer in self.values():
            columns = answer.columns()
            for name in columns.colnames:
                table[name] = columns[name]
        return table

    @classmethod
    def pool(cls, parts: Sequence["Prediction"]) -> "Prediction":
        """Several looks at the same objects as one prediction."""
        return cls({name: type(a).pool([p[name] for p in parts]) for name, a in parts[0].items()})

    @classmethod
    def join(cls, parts: Sequence["Prediction"]) -> "Prediction":
        """Predictions for several batches as one."""
        return cls({name: type(a).join([p[name] for p in parts]) for name, a in parts[0].items()})
