"""Loop: a network learns a task from a source."""

import time
from pathlib import Path

import torch
from accelerate import PartialState
from torch import nn

from deepfield.nouns.contracts import Task
from deepfield.nouns.source import Source
from deepfield.train.course import Course
from deepfield.train.display import Display
from deepfield.train.history import History, HistoryFiles
from deepfield.train.parallel import agree, machine
from deepfield.train.players import Player, adam, sgd
from deepfield.train.run import Run
from deepfield.train.training import Training

__all__ = ["Training", "adam", "fit", "sgd"]

CHECKPOINT = "checkpoint.safetensors"
CHECKPOINT_SECONDS = 60.0  # between checkpoints within an epoch; one more after every epoch


def fit(
    net: nn.Module,
    task: Task,
    source: Source,
    training: Training,
    *,
    directory: Path | None = None,
    resume: bool = False,
    progress: bool = True,
) -> History:
    """Train a network in place; it ends with its best weights, in evaluation mode.

    The same seed gives the same weights on the same machine with as many threads, also when the
    run was killed and resumed. The caller's random numbers are left as they were. Several
    processes started with ``accelerate launch`` share the work.

    Args:
        net: called with a ``Batch``; it comes back to the device where it was.
        task: gives the losses and scores.
        source: has the parts ``train`` and ``validation``.
        training: the settings.
        directory: where the checkpoint, ``history.csv`` and ``history.png`` go; None = nowhere.
        resume: go on from the checkpoint in ``directory`` if there is one.
        progress: show a live line on a terminal, or else a line an epoch.

    Returns:
        one row an epoch.

    Raises:
        ValueError: too few objects; a checkpoint of other settings; a loss, gradient or weight
            that is not finite: it reaches no kept weights, and the net has the best ones so far.

    Example:
        >>> import numpy as np
        >>> from deepfield.nouns.batch import Batch
        >>> class Points:  # a source of eight numbers
        ...     ids = np.array(list("abcdefgh"))
        ...     def __len__(self): return 8
        ...     def part(self, split): return self
        ...     def take(self, rows, epoch):
        ...         return Batch(self.ids[rows], torch.ones(len(rows), 1), ("x",), grid=())
        >>> class Three:  # a task without truth: only losses
        ...     players = ()
        ...     def losses(self, net, batch): return {"far": (net(batch.values) - 3).abs().mean()}
        ...     def predict(self, net, batch): return None
        >>> training = Training(epochs=50, batch_size=4, optimizer=adam(0.1))
        >>> history = fit(nn.Linear(1, 1), Three(), Points(), training, progress=False)
        >>> min(history.column("validation_loss")) < 0.1
        True
    """
    here = machine()
    home = next(net.parameters()).device
    course = Course(net, task, training, source.part("train"), source.part("validation"), here)
    _place(net, here)
    run = Run(net, [Player(net, name, training.optimizer) for name in task.players or ("",)])
    settings = course.settings()
    if resume and directory is not None and (directory / CHECKPOINT).exists():
        run.load(directory / CHECKPOINT, settings)
    keeps = directory if here.is_main_process else None
    files = None if keeps is None else HistoryFiles(keeps)
    shown = progress and here.is_main_process
    cuda = [here.device] if here.device.type == "cuda" else []
    try:
        with (
            torch.random.fork_rng(devices=cuda),
            Display(training.epochs, course.steps, training.stopping.monitor, shown) as display,
        ):
            net.train()
            saved = time.monotonic()
            while not _over(run.history, training):
                began = time.monotonic() - run.seconds
                for rows in course.batches(len(run.history))[run.step :]:
                    course.update(run, rows)
                    now = time.monotonic()
                    run.seconds = now - began
                    display.step(run, now)
                    if keeps is not None and now - saved >= CHECKPOINT_SECONDS:
                        run.save(keeps / CHECKPOINT, settings)
                        saved = time.monotonic()
                run.finish_epoch(course.measure(run), training.stopping)
                display.epoch(run.history)
                if keeps is not None and files is not None:
                    run.save(keeps / CHECKPOINT, settings)
                    saved = time.monotonic()
                    files.update(run.history)
            if files is not None:
                files.finish(run.history)
    except FloatingPointError as problem:
        raise ValueError(
            f"training stopped in epoch {len(run.history) + 1} at step {run.step + 1} of "
            f"{course.steps}, learning rate {run.rate:.3g}: {problem}; the network keeps its best "
            "weights so far: lower the rate, set clip, or look at the images and labels"
        ) from None
    finally:
        run.restore_best()
        net.to(home).eval()
    return run.history


def _over(history: History, training: Training) -> bool:
    stopping = training.stopping
    values = history.column(f"validation_{stopping.monitor}")
    return len(history) >= training.epochs or stopping.over(values)


def _place(net: nn.Module, here: PartialState) -> None:
    """On the device, equal in all processes, and with the memory layout convolutions like."""
    net.to(here.device)
    for parameter in net.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    agree(net, here)
