"""Run: everything that changes while a network trains, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from deepfield.train.checkpoint import flatten, load_weights, save_weights, unflatten
from deepfield.train.history import History
from deepfield.train.players import Player, load_optimizer
from deepfield.train.stopping import Stopping

POSITION = ("step", "sums", "objects", "seconds", "rate")


@dataclass
class Run:
    """Where training is. Random numbers are functions of the position, so it has no other state.

    Args:
        net: the network as it is now.
        players: with their optimizers.
        best: weights and buffers of the best epoch so far; at first, those it started with.
        history: finished epochs.
        step: updates made in the present epoch, which is ``len(history)``.
        sums: of losses times objects, in the present epoch.
        objects: seen in it.
        seconds: spent on it.
        rate: of the last update.
    """

    net: nn.Module
    players: Sequence[Player]
    best: dict[str, Tensor] = field(init=False)
    history: History = field(default_factory=History)
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    objects: int = 0
    seconds: float = 0.0
    rate: float = 0.0

    def __post_init__(self) -> None:
        self.keep_best()

    def keep_best(self) -> None:
        """The present weights are the best ones."""
        self.best = {name: v.detach().clone() for name, v in self.net.state_dict().items()}

    def restore_best(self) -> None:
        """Back to the best weights."""
        self.net.load_state_dict(self.best)

    def add(self, losses: dict[str, float], objects: int) -> None:
        """Count the losses of so many objects towards the epoch's means."""
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * objects

    def means(self) -> dict[str, float]:
        """Mean losses of the epoch so far."""
        return {name: total / self.objects for name, total in self.sums.items()}

    def finish_epoch(self, row: dict[str, float], stopping: Stopping) -> None:
        """Append a row of the history, keep the weights if it is the best, turn to the next."""
        self.history.rows.append(row)
        values = self.history.column(f"validation_{stopping.monitor}")
        if stopping.best(values) == len(values) - 1:
            self.keep_best()
        self.step, self.sums, self.objects, self.seconds = 0, {}, 0, 0.0

    def save(self, path: Path, settings: dict[str, str]) -> None:
        """Write a checkpoint: whole, or not at all.

        Raises:
            FloatingPointError: weights are not finite; the old checkpoint stays.
        """
        for name, value in self.net.state_dict().items():
            if not bool(torch.isfinite(value).all()):
                raise FloatingPointError(f"the weights {name} are not finite")
        optimizers = [player.optimizer.state_dict() for player in self.players]
        tree, tensors = flatten(
            {"net": dict(self.net.state_dict()), "best": self.best, "optimizers": optimizers},
            "run",
        )
        metadata = {
            "settings": settings,
            "tree": tree,
            "position": {name: getattr(self, name) for name in POSITION},
            "history": self.history.rows,
        }
        save_weights(path, tensors, metadata)

    def load(self, path: Path, settings: dict[str, str]) -> None:
        """Go on from a checkpoint.

        Raises:
            ValueError: not a checkpoint, or one of a run with other settings.
        """
        tensors, metadata = load_weights(path)
        if "settings" not in metadata:
            raise ValueError(f"{path} is not a checkpoint: it holds no training settings")
        written = metadata["settings"]
        for name in {**settings, **written}:
            if settings.get(name) != written.get(name):
                raise ValueError(
                    f"{path} was written with {name} {written.get(name)}, this run has "
                    f"{settings.get(name)}: resume with the same, or start anew without resume"
                )
        saved = unflatten(metadata["tree"], tensors)
        self.net.load_state_dict(saved["net"])
        for name, value in saved["best"].items():
            self.best[name].copy_(value)
        for player, state in zip(self.players, saved["optimizers"], strict=True):
            load_optimizer(player.optimizer, state)
        self.history.rows[:] = metadata["history"]
        for name in POSITION:
            setattr(self, name, metadata["position"][name])
