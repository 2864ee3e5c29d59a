"""Fastest: the backend that answers soonest without changing the answers, by a short trial."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import nan

import torch

from deepfield.deploy.backends import QUICK, Backend, Run, eager
from deepfield.deploy.change import change
from deepfield.deploy.deployed import TRUNK, Deployed, Networked, Trunk, trunk_input
from deepfield.nouns.batch import Batch

BOUND = 0.05
"""change of the answers that is allowed, in units of their errors"""
MOST = 0.99
"""share of the objects whose answers must keep the bound"""


@dataclass(frozen=True)
class Trial:
    """What became of one backend.

    Args:
        backend: its name.
        milliseconds: of the processor, an object, in the trunk; NaN = could not be had.
        change: of the answers of 99 % of the objects at most, in units of their errors.
        largest: of any object.
        note: why it was left out; empty = it was not.
    """

    backend: str
    milliseconds: float = nan
    change: float = nan
    largest: float = nan
    note: str = ""


@dataclass(frozen=True)
class Choice:
    """What a trial found.

    Args:
        deployed: on the fastest backend that keeps the bound.
        backend: its name.
        trials: of all, in the order in which they were asked.
        batch_size: objects that the trunk was handed at once, and ``threads`` it ran on.
    """

    deployed: Deployed
    backend: str
    trials: tuple[Trial, ...]
    batch_size: int
    threads: int

    @property
    def ratio(self) -> float:
        """How many times faster the trunk is than as it was trained."""
        times = {trial.backend: trial.milliseconds for trial in self.trials}
        return times["eager"] / times[self.backend]


def fastest(
    trained: Networked,
    batch: Batch,
    *,
    backends: Mapping[str, Backend] = QUICK,
    bound: float = BOUND,
    seconds: float = 3.0,
) -> Choice:
    """Try backends on these objects and take the fastest whose answers stay.

    Backends run in turn, so that a busy neighbour slows all alike; the fastest run of each
    counts, in seconds of the processor. One that is missing or fails is noted and left out;
    ``eager`` always runs.

    Args:
        trained: a fitted predictor around a network with a ``trunk``.
        batch: some hundred objects like those that will come.
        backends: by name; ``BACKENDS`` has the slow ones to build too.
        bound: largest change of the answers of 99 % of the objects, in units of their errors.
        seconds: for the timing, building left out.

    Raises:
        ValueError: fewer than 2 objects, or a network without a trunk.

    Example:
        >>> choice = fastest(trained, batch)  # doctest: +SKIP
        >>> choice.backend, choice.deployed.predict(batch)  # doctest: +SKIP
    """
    if len(batch) < 2:
        raise ValueError(f"a trial on {len(batch)} objects; expected at least 2, better 256")
    example = trunk_input(trained, batch)
    reference = trained.predict(batch)
    ready: dict[str, Deployed] = {}
    found: dict[str, Trial] = {}
    for name, backend in {"eager": eager, **backends}.items():
        try:
            deployed = Deployed(trained, backend, batch)
            moved = change(deployed.predict(batch), reference)
        except Exception as error:  # whatever a foreign library may meet
            said = (str(error).strip() or type(error).__name__).splitlines()[0][:120]
            found[name] = Trial(name, note=said)
            continue
        within = float(torch.quantile(moved, MOST, interpolation="higher"))
        note = "" if within <= bound or name == "eager" else "changes the answers"
        found[name] = Trial(name, nan, within, float(moved.max()), note)
        ready[name] = deployed
    runs = {name: _run(deployed) for name, deployed in ready.items()}
    times = _times(runs, example, seconds)
    trials = [replace(t, milliseconds=times.get(name, nan)) for name, t in found.items()]
    best = min((t for t in trials if not t.note), key=lambda t: t.milliseconds)
    return Choice(
        ready[best.backend], best.backend, tuple(trials), len(example), torch.get_num_threads()
    )


def _run(deployed: Deployed) -> Run:
    trunk = deployed.fast.net.get_submodule(TRUNK)
    assert isinstance(trunk, Trunk)
    return trunk.run


def _times(runs: Mapping[str, Run], example: torch.Tensor, seconds: float) -> dict[str, float]:
    """Milliseconds of the processor an object: the fastest of at least three rounds."""
    best = dict.fromkeys(runs, torch.inf)
    began, rounds = time.process_time(), 0
    while rounds < 3 or time.process_time() - began < seconds:
        for name, run in runs.items():
            start = time.process_time()
            run(example)
            best[name] = min(best[name], time.process_time() - start)
        rounds += 1
    return {name: 1e3 * value / len(example) for name, value in best.items()}
