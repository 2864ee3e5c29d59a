"""DecisionTree: questions that volunteers are asked, and which answer leads to which question."""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from deepfield.nouns.quantity import Quantity


@dataclass(frozen=True)
class Question:
    """One question with exclusive answers.

    Args:
        name: of the question.
        answers: names of its answers.
        after: ``<question>_<answer>`` of earlier answers, any one of which leads here; none =
            everybody is asked.
    """

    name: str
    answers: tuple[str, ...]
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class DecisionTree:
    """Questions in the order in which they may be asked.

    Votes, fractions and probabilities all lie in one tensor [object, answer], the answers of all
    questions one after the other, in columns named ``<question>_<answer>``.

    Args:
        questions: the first is asked of every volunteer.

    Raises:
        ValueError: no questions, a first one that is not asked of everybody, fewer than two
            answers, a repeated name, or a question after an answer that does not come before it.

    Example:
        >>> tree = DecisionTree((
        ...     Question("shape", ("smooth", "disc")),
        ...     Question("bar", ("yes", "no"), after=("shape_disc",)),
        ... ))
        >>> tree.columns
        ('shape_smooth', 'shape_disc', 'bar_yes', 'bar_no')
        >>> tree.joint(torch.tensor([[0.2, 0.8, 0.5, 0.5]])).tolist()[0][2]
        0.4000000059604645
    """

    questions: tuple[Question, ...]

    def __post_init__(self) -> None:
        if not self.questions or self.questions[0].after:
            raise ValueError(
                f"{len(self.questions)} questions; expected at least one, and the first asked of "
                "everybody (after=())"
            )
        seen: set[str] = set()
        for question in self.questions:
            if len(question.answers) < 2:
                raise ValueError(
                    f"question {question.name} has {len(question.answers)} answers; expected at "
                    "least two: add them, or leave the question out"
                )
            if unknown := [name for name in question.after if name not in seen]:
                raise ValueError(
                    f"question {question.name} comes after {', '.join(unknown)}; expected answers "
                    f"of earlier questions: {', '.join(sorted(seen)) or 'none'}"
                )
            names = [f"{question.name}_{answer}" for answer in question.answers]
            if twice := sorted({name for name in names if name in seen or names.count(name) > 1}):
                raise ValueError(
                    f"answers are repeated: {', '.join(twice)}; give each its own name"
                )
            seen.update(names)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """``<question>_<answer>`` of all answers."""
        return tuple(f"{q.name}_{answer}" for q in self.questions for answer in q.answers)

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where the answers of each question lie."""
        ends = accumulate((len(q.answers) for q in self.questions), initial=0)
        return tuple(slice(low, high) for low, high in pairwise(ends))

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """Votes for every answer: what a truth holds under the columns' names."""
        return tuple(
            Quantity(
                f"{q.name}_{answer}",
                description=f"volunteers who answered {q.name} with {answer}",
            )
            for q in self.questions
            for answer in q.answers
        )

    def question(self, name: str) -> int:
        """Position of the question of this name.

        Raises:
            ValueError: there is none; the message lists those that there are.
        """
        names = [question.name for question in self.questions]
        if name not in names:
            raise ValueError(f"no question {name!r}; there is {', '.join(names)}")
        return names.index(name)

    def asked(self, fractions: Tensor) -> Tensor:
        """Share of the volunteers who reach each question.

        Args:
            fractions: [object, answer] among those who are asked.

        Returns:
            [object, question].
        """
        joint, shares = fractions, []
        for question, at in zip(self.questions, self.slices, strict=True):
            share = torch.ones_like(fractions[:, 0])
            if question.after:
                share = joint[:, [self.columns.index(name) for name in question.after]].sum(1)
            # Not in place: whoever learns needs the gradient of every step.
            before, after = joint[:, : at.start], joint[:, at.stop :]
            joint = torch.cat([before, share[:, None] * fractions[:, at], after], 1)
            shares.append(share)
        return torch.stack(shares, 1)

    def joint(self, fractions: Tensor) -> Tensor:
        """[object, answer] share of all volunteers who get to an answer and give it.

        Args:
            fractions: [object, answer] among those who are asked.
        """
        return self.spread(self.asked(fractions)) * fractions

    def spread(self, values: Tensor) -> Tensor:
        """[object, question] -> [object, answer]: every question's value at all of its answers."""
        widths = torch.tensor([len(q.answers) for q in self.questions], device=values.device)
        return values.repeat_interleave(widths, 1)

    def total(self, values: Tensor) -> Tensor:
        """[object, answer] -> [object, question]: sums over the answers of each question."""
        return torch.stack([values[:, at].sum(1) for at in self.slices], 1)

    def normalised(self, values: Tensor) -> Tensor:
        """Values over their question's sum; NaN where nobody was asked.

        Args:
            values: [object, answer] votes or shares, at least 0.
        """
        total = self.spread(self.total(values))
        return (values / total).masked_fill(~(total > 0), torch.nan)

    def stacked(self, truth: dict[str, Tensor]) -> Tensor:
        """[object, answer] votes from a column each.

        Args:
            truth: [object] by the columns' names.

        Raises:
            ValueError: answers without a column.
        """
        if absent := [name for name in self.columns if name not in truth]:
            raise ValueError(
                f"no votes for {', '.join(absent[:4])}{', ...' if len(absent) > 4 else ''}; "
                f"expected a column of counts for each of the {len(self.columns)} answers"
            )
        return torch.stack([truth[name].float() for name in self.columns], 1)
