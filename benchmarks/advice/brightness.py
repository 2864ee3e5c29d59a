"""How does the score depend on signal-to-noise, and on what the network was shown?

The same galaxies, made fainter or brighter than they were drawn, in training and in the test: one
network has seen only bright ones (S/N 300), one only faint ones (30), one all from 20 to 1000.
"""

from functools import lru_cache
from pathlib import Path

from experiment import Budget, Choice, Experiment, main
from learn import judged, network, taught
from small import small
from stamps import Lesson, Stamps, lesson
from torch import nn

TAUGHT = {"all": None, "bright": 300.0, "faint": 30.0}


def lit(stamps: Stamps, signal: float | None) -> Stamps:
    """The same stamps at one signal-to-noise ratio; None = at their own."""
    if signal is None:
        return stamps
    return Stamps(stamps.galaxies.at_signal(signal), stamps.seed, stamps.fresh)


BUDGET = Budget()


def experiment(
    budget: Budget = BUDGET,
    signals: tuple[float, ...] = (10.0, 20.0, 40.0, 100.0, 300.0, 1000.0),
) -> Experiment:
    """The experiment at this budget."""

    # Choices run fastest: one network is judged at all of them.
    @lru_cache(maxsize=1)
    def learnt(curve: str, seed: int, folder: Path) -> tuple[nn.Module, Stamps]:
        given = lesson(folder, budget.objects, seed, pool=budget.pool, tested=budget.tested)
        signal = TAUGHT[curve]
        shown = Lesson(lit(given.train, signal), lit(given.validation, signal), given.test)
        net = network(small, seed)
        taught(net, shown, seed, updates=budget.updates)
        return net, given.test

    def run(curve: str, signal: Choice, seed: int, folder: Path) -> dict[str, float]:
        net, test = learnt(curve, seed, folder)
        return judged(net, lit(test, float(signal)))

    return Experiment(
        name="brightness",
        question=__doc__.splitlines()[0],
        curves=tuple(TAUGHT),
        choices=signals,
        x="signal-to-noise of the test galaxies",
        metrics={"accuracy": "accuracy", "calibration_error": "calibration error"},
        run=run,
        ours=("all", signals[:3][-1]),
        peer=("bright", signals[:3][-1]),
        settings=str(budget),
        log_x=True,
    )


if __name__ == "__main__":
    main(experiment())
