"""Course: everything that stays the same while a network trains."""

import hashlib
import math
import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from functools import cached_property, partial
from typing import Any

import torch
from accelerate import PartialState
from torch import Tensor, nn

from deepfield.nouns.contracts import Task
from deepfield.nouns.source import Source
from deepfield.train import seeds
from deepfield.train.parallel import agree, ask_main, share
from deepfield.train.precision import precision
from deepfield.train.run import Run
from deepfield.train.training import Training
from deepfield.train.validation import named_losses, validate

ORDER, AUGMENTATION, DROPOUT = range(3)  # streams of random numbers


@dataclass(frozen=True)
class Course:
    """What is learnt from what, and how; it moves a ``Run`` along.

    Args:
        net, task, training: as given to ``fit``.
        train, validation: parts of the source.
        machine: device and processes.

    Raises:
        ValueError: too few objects.
    """

    net: nn.Module
    task: Task
    training: Training
    train: Source
    validation: Source
    machine: PartialState

    def __post_init__(self) -> None:
        if not self.steps or not len(self.validation):
            raise ValueError(
                f"{len(self.train)} training and {len(self.validation)} validation objects; "
                f"training needs at least {2 * self.machine.num_processes} and 1: give more"
            )

    @cached_property
    def steps(self) -> int:
        """Updates in an epoch."""
        return len(self.batches(0))

    @cached_property
    def number_format(self) -> torch.dtype:
        """Of the network's arithmetic; weights are float32."""
        return precision(self.machine.device)

    def batches(self, epoch: int) -> list[Tensor]:
        """Rows of the training part in this epoch's order; a function of (seed, epoch) alone."""
        start = seeds.generator(self.training.seed, epoch, ORDER)
        order = torch.randperm(len(self.train), generator=start)
        batches = list(order.split(self.training.batch_size))
        return batches if len(batches[-1]) >= 2 * self.machine.num_processes else batches[:-1]

    def update(self, run: Run, rows: Tensor) -> None:
        """One update of every player on these training objects.

        Raises:
            FloatingPointError: a loss or gradient is not finite; the weights have not moved.
        """
        training, machine, device = self.training, self.machine, self.machine.device
        epoch = len(run.history)
        done = (epoch * self.steps + run.step) / (training.epochs * self.steps)
        factor = training.schedule(done)
        place = (training.seed, epoch, run.step, machine.process_index)
        batch = self.train.take(share(rows, machine), epoch)
        if training.augment is not None:
            batch = training.augment(batch, seeds.generator(*place, AUGMENTATION))
        if device.type != "cpu":
            batch = batch.to(device)
        seeds.set_global(device, *place, DROPOUT)
        for player in run.players:
            run.rate = player.set_rate(factor)
            with self._autocast():
                losses = self.task.losses(self.net, batch)
            run.add(player.update(losses, training.clip, machine), len(rows))
        run.objects += len(rows)
        run.step += 1

    def measure(self, run: Run) -> dict[str, float]:
        """The history's row of an epoch whose updates are made.

        Raises:
            FloatingPointError: the validation loss is not finite.
        """
        agree(self.net, self.machine)
        epoch = len(run.history)
        validation = ask_main(
            partial(
                validate,
                self.net,
                self.task,
                self.validation,
                batch_size=self.training.batch_size,
                device=self.machine.device,
            ),
            self.machine,
        )
        if not math.isfinite(validation["loss"]):
            raise FloatingPointError(f"the validation loss is {validation['loss']}")
        if (monitor := self.training.stopping.monitor) not in validation:
            raise ValueError(
                f"stopping monitors {monitor!r}; validation gives {', '.join(validation)}"
            )
        return {
            "epoch": epoch + 1,
            "step": epoch * self.steps + run.step,
            "rate": run.rate,
            "seconds": round(run.seconds, 3),
            **{f"train_{name}": value for name, value in named_losses(run.means()).items()},
            **{f"validation_{name}": value for name, value in validation.items()},
        }

    def settings(self) -> dict[str, str]:
        """What decides the weights, as text by name: so that a difference can be named.

        Functions are known by their names and bound arguments, sources by the ids of their
        objects, the network by its tensors' names and shapes.
        """
        tensors = [f"{name} {tuple(v.shape)}" for name, v in self.net.state_dict().items()]
        return {
            **{f.name: _text(getattr(self.training, f.name)) for f in fields(self.training)},
            "network": _digest(tensors),
            "task": _text(self.task),
            "training objects": f"{len(self.train)} ({_digest(self.train.ids)})",
            "validation objects": f"{len(self.validation)} ({_digest(self.validation.ids)})",
            "precision": str(self.number_format),
            "processes": str(self.machine.num_processes),
            "torch": str(torch.__version__),
        }

    def _autocast(self) -> AbstractContextManager:
        if self.number_format == torch.float32:
            return nullcontext()
        return torch.autocast(self.machine.device.type, dtype=self.number_format)


def _text(value: Any) -> str:
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def _digest(texts: Any) -> str:
    return hashlib.sha256("\n".join(map(str, texts)).encode()).hexdigest()[:12]
