"""Learn: a small network on a small set of stamps, through the package's own training loop."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from experiment import Budget
from stamps import SIZE, Lesson, Stamps, lesson
from torch import nn

from deepfield.data.augment import Dihedral
from deepfield.nets.network import Network
from deepfield.nets.seeded import seeded
from deepfield.nets.stretch import AsinhStretch
from deepfield.sky.population import KIND
from deepfield.tasks.classification import Classification
from deepfield.train.loop import fit
from deepfield.train.players import MakeOptimizer, adam
from deepfield.train.schedules import cosine
from deepfield.train.stopping import Stopping
from deepfield.train.training import Training
from deepfield.train.validation import validate

BATCH = 32
RATE = 6e-3
"""of Adam, where nothing else is said"""
TURNED = Dihedral()


def network(
    trunk: Callable[[], nn.Module],
    seed: int,
    *,
    stretch: AsinhStretch | None = None,
    outputs: int = len(KIND.classes),
    size: int = SIZE,
) -> Network:
    """A trunk for one channel behind a stretch of one softening, with this seed's weights."""
    first = AsinhStretch((2.0,)) if stretch is None else stretch
    return seeded(
        lambda: Network(trunk(), outputs=outputs, channels=1, size=size, stretch=first),
        seed,
    )


def taught(
    net: nn.Module,
    given: Lesson,
    seed: int,
    *,
    updates: int,
    optimizer: MakeOptimizer | None = None,
    augment: Callable | None = TURNED,
    batch: int = BATCH,
) -> dict[str, float]:
    """Train a network in place and judge its best epoch on the test objects.

    Args:
        net: untrained.
        given: what it learns from.
        seed: of the order and the augmentation.
        updates: on ``batch`` objects each, as nearly as whole epochs allow.
        optimizer: Adam if None.
        augment: of the training objects.
        batch: objects an update.

    Returns:
        accuracy, loss (cross-entropy) and calibration_error on the test objects; train_loss, the
        mean over the last epoch; non_finite, 1 if a loss or gradient was not finite, which ends
        the training.
    """
    epochs = max(1, round(updates * batch / len(given.train)))
    task = Classification(given.train.question)
    training = Training(
        epochs=epochs,
        batch_size=batch,
        optimizer=adam(RATE, weight_decay=1e-4) if optimizer is None else optimizer,
        schedule=cosine(warmup=0.05),
        stopping=Stopping(patience=epochs),
        augment=augment,
        seed=seed,
    )
    found = {"non_finite": 0.0}
    try:
        history = fit(net, task, given, training, progress=False)
        found["train_loss"] = history.column("train_loss")[-1]
    except ValueError as problem:
        if "training stopped" not in str(problem):
            raise
        found["non_finite"] = 1.0
    return {**found, **judged(net, given.test)}


def judged(net: nn.Module, test: Stamps) -> dict[str, float]:
    """Accuracy, loss and calibration_error of a network on some objects."""
    task = Classification(test.question)
    scores = validate(net, task, test, batch_size=250, device=torch.device("cpu"))
    return {name: scores[name] for name in ("accuracy", "loss", "calibration_error")}


def on_stamps(
    net: nn.Module, seed: int, folder: Path, budget: Budget, **how: Any
) -> dict[str, float]:
    """Train a network on this seed's galaxies and judge it.

    Args:
        net: untrained.
        seed: of the training set, the noise and the order.
        folder: of the stamps' cache.
        budget: how many galaxies and updates.
        how: further arguments of ``taught``.
    """
    given = lesson(folder, budget.objects, seed, pool=budget.pool, tested=budget.tested)
    return taught(net, given, seed, updates=budget.updates, **how)
