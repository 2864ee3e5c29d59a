"""Which optimiser, at which learning rate? SGD, with momentum, and Adam (Kingma & Ba 2015).

A network without batch norm, He's initial weights, a rate that falls as a cosine after a short
warm-up. A run whose loss or gradient is no longer finite is over: it keeps its best weights, and
its share is counted.
"""

from pathlib import Path
from typing import Any

import numpy as np
from experiment import Budget, Choice, Experiment, Results, main, over_seeds
from learn import network, on_stamps
from small import small

from deepfield.train.players import adam, sgd

OPTIMISERS = {
    "SGD": lambda rate: sgd(rate, momentum=0.0, nesterov=False),
    "SGD, momentum 0.9": sgd,
    "Adam": adam,
}


BUDGET = Budget(updates=150)


def experiment(
    budget: Budget = BUDGET,
    rates: tuple[float, ...] = (1e-3, 1e-2, 1e-1, 1.0, 10.0),
) -> Experiment:
    """The experiment at this budget."""

    def run(curve: str, rate: Choice, seed: int, folder: Path) -> dict[str, float]:
        net = network(small, seed)
        return on_stamps(net, seed, folder, budget, optimizer=OPTIMISERS[curve](float(rate)))

    def conclude(results: Results) -> dict[str, Any]:
        best = {
            curve: max(rates, key=lambda r: np.nanmean(results.of("accuracy", curve, r)))
            for curve in OPTIMISERS
        }
        broken = {
            curve: sum(int(results.of("non_finite", curve, r).sum()) for r in rates)
            for curve in OPTIMISERS
        }
        at_best = {curve: results.of("accuracy", curve, rate) for curve, rate in best.items()}
        return {
            "best_rate": list(best.values()),
            "accuracy_at_best_rate": [list(over_seeds(v)) for v in at_best.values()],
            "adam_minus_momentum_at_best": list(
                over_seeds(at_best["Adam"] - at_best["SGD, momentum 0.9"])
            ),
            "runs_non_finite": list(broken.values()),
            "runs_each": len(rates) * results.seeds,
        }

    return Experiment(
        name="optimisers",
        question=__doc__.splitlines()[0],
        curves=tuple(OPTIMISERS),
        choices=rates,
        x="learning rate",
        metrics={"accuracy": "accuracy", "non_finite": "share of runs not finite"},
        run=run,
        ours=("Adam", rates[1]),
        peer=("SGD, momentum 0.9", rates[:3][-1]),
        settings=str(budget),
        shares=("non_finite",),
        log_x=True,
        conclude=conclude,
    )


if __name__ == "__main__":
    main(experiment())
