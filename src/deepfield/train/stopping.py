"""Stopping: when training no longer helps, and which epoch was best."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Stopping:
    """Stop when a validation quantity has not become better for some epochs.

    The answer depends on the values alone, so nothing but the history has to be kept.

    Args:
        monitor: ``loss``, or any score that the task gives, such as ``accuracy``.
        patience: epochs without improvement before training stops, at least 1.
        min_delta: an improvement is larger than this, at least 0.
        better: which direction is good; None = lower for names that end in ``loss`` or ``error``,
            higher for all others.

    Raises:
        ValueError: ``patience`` or ``min_delta`` out of range.

    Example:
        >>> stopping = Stopping(monitor="accuracy", patience=2)
        >>> stopping.best([0.5, 0.8, 0.7, 0.8]), stopping.over([0.5, 0.8, 0.7, 0.8])
        (1, True)
    """

    monitor: str = "loss"
    patience: int = 10
    min_delta: float = 0.0
    better: Literal["lower", "higher"] | None = None

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise ValueError(f"patience is {self.patience} epochs; expected at least 1")
        if not self.min_delta >= 0:
            raise ValueError(f"min_delta is {self.min_delta}; expected at least 0")

    def best(self, values: Sequence[float]) -> int:
        """Position of the best value; of equals the first. NaN is worse than anything."""
        lower = (
            self.monitor.endswith(("loss", "error"))
            if self.better is None
            else (self.better == "lower")
        )
        sign = -1.0 if lower else 1.0
        best, height = 0, -float("inf")
        for position, value in enumerate(values):
            if sign * value > height + self.min_delta:
                best, height = position, sign * value
        return best

    def over(self, values: Sequence[float]) -> bool:
        """Whether training stops after these epochs."""
        return len(values) - 1 - self.best(values) >= self.patience
