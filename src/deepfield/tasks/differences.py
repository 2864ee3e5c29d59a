"""Differences: quantities that are the difference of two others, such as log ratios."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.contracts import Task
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source


@dataclass(frozen=True)
class Differences:
    """A task whose posterior also holds differences of its quantities, sample by sample.

    So a ratio's width knows how the errors of both fluxes hang together.

    Args:
        task: gives the posterior.
        pairs: of each new quantity the names of what is subtracted from, and of what is.

    Example:
        >>> from deepfield.tasks.density import Density
        >>> from deepfield.tasks.scales import Flat
        >>> a, b, ratio = Quantity("a"), Quantity("b"), Quantity("ratio", "dex")
        >>> task = Differences(Density((a, b), (Flat(0, 1), Flat(0, 1))), {ratio: ("a", "b")})
        >>> posterior = Posterior((a, b), torch.ones(1, 4, 2))
        >>> with_differences(posterior, task.pairs).of("ratio").tolist()
        [[0.0, 0.0, 0.0, 0.0]]
    """

    task: Task
    pairs: Mapping[Quantity, tuple[str, str]]

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Those of the task, which are learnt, and their differences."""
        return (*self.task.quantities, *self.pairs)

    @property
    def players(self) -> tuple[str, ...]:
        """Those of the task."""
        return self.task.players

    def losses(self, net: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Those of the task."""
        return self.task.losses(net, batch)

    def predict(self, net: nn.Module, batch: Batch) -> Prediction:
        """Those of the task, the posterior with the differences."""
        return Prediction(
            {
                name: with_differences(answer, self.pairs)
                if isinstance(answer, Posterior)
                else answer
                for name, answer in self.task.predict(net, batch).items()
            }
        )

    def calibrate(self, net: nn.Module, source: Source) -> None:
        """As the task does."""
        self.task.calibrate(net, source)

    def score(self, prediction: Prediction, truth: Truth) -> dict[str, float]:
        """Those of the task."""
        return self.task.score(prediction, truth)


def with_differences(posterior: Posterior, pairs: Mapping[Quantity, tuple[str, str]]) -> Posterior:
    """A posterior with differences of its quantities added.

    Args:
        posterior: of some quantities.
        pairs: of each new quantity the names of what is subtracted from, and of what is.
    """
    new = [posterior.of(a) - posterior.of(b) for a, b in pairs.values()]
    samples = torch.cat([posterior.samples, torch.stack(new, 2)], 2)
    return Posterior((*posterior.quantities, *pairs), samples, posterior.weights)
