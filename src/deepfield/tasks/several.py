"""Several: questions that one network answers together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.contracts import Task
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Answer, Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source


@dataclass(frozen=True)
class Several:
    """The sum of some tasks' losses, and all of their answers and scores.

    The network gives a mapping: for every task, by its name here, what the task would expect of a
    network of its own. Posteriors of the same name become one, of all their quantities, which
    are independent of each other where they come from different tasks.

    Args:
        tasks: by name.

    Raises:
        ValueError: there are none, or one is adversarial.

    Example:
        >>> from deepfield.nouns.quantity import Quantity
        >>> from deepfield.tasks.classification import Classification
        >>> kind = Quantity("kind", classes=("star", "galaxy"))
        >>> Several({"kind": Classification(kind)}).players
        ()
    """

    tasks: Mapping[str, Task]
    players: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.tasks or any(task.players for task in self.tasks.values()):
            raise ValueError("expected one task or more, none of them adversarial")

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Of all tasks."""
        return tuple(q for task in self.tasks.values() for q in task.quantities)

    def losses(self, net: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Every task's losses, under its name and theirs."""
        given = net(batch)
        return {
            f"{name}_{loss}": value
            for name, task in self.tasks.items()
            for loss, value in task.losses(_Given(given[name]), batch).items()
        }

    def predict(self, net: nn.Module, batch: Batch) -> Prediction:
        """Every task's answers."""
        given = net(batch)
        answers: dict[str, Answer] = {}
        for name, task in self.tasks.items():
            for key, answer in task.predict(_Given(given[name]), batch).items():
                before = answers.get(key)
                if isinstance(before, Posterior) and isinstance(answer, Posterior):
                    answer = _beside(before, answer)
                answers[key] = answer
        return Prediction(answers)

    def calibrate(self, net: nn.Module, source: Source) -> None:
        """Nothing: the tasks share a network, and adjust none of it."""

    def score(self, prediction: Prediction, truth: Truth) -> dict[str, float]:
        """Every task's scores."""
        return {
            name: value
            for task in self.tasks.values()
            for name, value in task.score(prediction, truth).items()
        }


class _Given(nn.Module):
    """A network whose answer is known."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, batch: Batch) -> Any:
        """What it was given."""
        return self.answer


def _beside(first: Posterior, second: Posterior) -> Posterior:
    """Both posteriors' quantities; the second's samples shuffled, all objects alike."""
    count = second.samples.shape[1]
    start = torch.Generator().manual_seed(len(first.quantities))
    order = torch.randperm(count, generator=start).to(second.samples.device)
    samples = torch.cat([first.samples, second.samples[:, order]], 2)
    return Posterior((*first.quantities, *second.quantities), samples)
