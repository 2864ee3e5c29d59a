"""Training: the settings of a run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch

from deepfield.nouns.batch import Batch
from deepfield.train.players import MakeOptimizer, adam
from deepfield.train.schedules import Schedule, cosine
from deepfield.train.stopping import Stopping


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Args:
        epochs: at most; each sees every training object once.
        batch_size: objects an update, of all processes together. The last, smaller batch of an
            epoch is used too, unless it leaves a process a single object, which batch
            normalisation cannot take.
        optimizer: makes an optimizer of parameters.
        schedule: fraction of all updates done -> factor on the optimizer's rates, asked before
            every update.
        stopping: when to stop early; the best weights are restored.
        augment: changes a batch at random, with the given generator alone.
        clip: longest gradient, by its norm; None = as it comes.
        seed: of the order of objects, augmentation and dropout.

    Raises:
        ValueError: ``epochs``, ``batch_size`` or ``clip`` out of range.

    Example:
        >>> Training(epochs=5, stopping=Stopping(patience=2)).batch_size
        64
    """

    epochs: int = 30
    batch_size: int = 64
    optimizer: MakeOptimizer = field(default_factory=partial(adam, 1e-3))
    schedule: Schedule = field(default_factory=cosine)
    stopping: Stopping = field(default_factory=Stopping)
    augment: Callable[[Batch, torch.Generator], Batch] | None = None
    clip: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 2:
            raise ValueError(
                f"epochs is {self.epochs} and batch_size {self.batch_size}; expected at least 1 "
                "epoch and 2 objects a batch"
            )
        if self.clip is not None and not self.clip > 0:
            raise ValueError(f"clip is {self.clip}; expected a gradient norm above 0, or None")
