"""Predictor and Task: what every network and every rival answers to."""

from typing import Protocol, Self

from torch import Tensor, nn

from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source


class Predictor(Protocol):
    """Anything that learns from a source and answers for a batch: a network or a rival."""

    def fit(self, source: Source) -> Self:
        """Learn from ``source.part("train")``; choose settings on ``source.part("validation")``.

        Returns:
            a fitted predictor; ``self`` keeps its settings.
        """
        ...

    def predict(self, batch: Batch) -> Prediction:
        """Answers for every object of the batch; flagged or empty objects get NaN, not errors."""
        ...


class Rival(Predictor, Protocol):
    """A classical method: a predictor without gradients."""

    @property
    def limit(self) -> int | None:
        """How many training objects it can afford; None = all."""
        ...


class Task(Protocol):
    """A question: what it is, how it is learnt, answered and judged.

    ``players`` names submodules of the network that are trained in turn, each with its own
    optimizer and on the loss of its name (a generator and a critic, say); empty = the whole
    network on the sum of all losses.
    """

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What is asked: names of the truth that training needs."""
        ...

    @property
    def players(self) -> tuple[str, ...]:
        """Names of submodules that are trained in turn; empty = the whole network at once."""
        ...

    def losses(self, net: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Named scalar losses, differentiable; known truth only."""
        ...

    def calibrate(self, net: nn.Module, source: Source) -> None:
        """Adjust in a trained network what held-out objects tell best; often nothing."""
        ...

    def predict(self, net: nn.Module, batch: Batch) -> Prediction:
        """Answers, differentiable: the caller decides on ``torch.no_grad``."""
        ...

    def score(self, prediction: Prediction, truth: Truth) -> dict[str, float]:
        """Named numbers over all objects at once."""
        ...
