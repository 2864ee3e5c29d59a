"""Asinh or linear pixels? Fluxes of galaxies span decades, a network's numbers should not.

First layers before the same network (plain, without batch norm): flux over noise as it is; the
same over the stamp's brightest pixel, as a picture is shown; asinh of flux over twice the noise
(Lupton+99, AJ 118, 1406). At several learning rates, since a stretch also scales the gradients.
"""

from pathlib import Path
from typing import Any

import numpy as np
from experiment import Budget, Choice, Experiment, Results, main, over_seeds
from learn import network, on_stamps
from small import small
from torch import Tensor

from deepfield.nets.stretch import AsinhStretch
from deepfield.nouns.batch import Batch
from deepfield.train.players import adam


class Linear(AsinhStretch):
    """Flux over noise (which is 1 in these stamps)."""

    def __init__(self) -> None:
        super().__init__((1.0,))

    def forward(self, batch: Batch) -> Tensor:
        """The values as they are."""
        return batch.values


class OverBrightest(Linear):
    """Flux over that of the stamp's brightest pixel."""

    def forward(self, batch: Batch) -> Tensor:
        """Values up to 1."""
        return batch.values / batch.values.amax((2, 3), keepdim=True)


STRETCHES = {
    "linear": Linear,
    "over the brightest": OverBrightest,
    "asinh": lambda: AsinhStretch((2.0,)),
}


BUDGET = Budget()


def experiment(
    budget: Budget = BUDGET,
    rates: tuple[float, ...] = (1e-3, 1e-2),
) -> Experiment:
    """The experiment at this budget."""

    def run(curve: str, rate: Choice, seed: int, folder: Path) -> dict[str, float]:
        first = STRETCHES[curve]()
        channels = len(first.softenings)
        net = network(lambda: small(channels=channels), seed, stretch=first)
        return on_stamps(net, seed, folder, budget, optimizer=adam(float(rate)))

    def conclude(results: Results) -> dict[str, Any]:
        best = {}
        for curve in STRETCHES:
            at = max(rates, key=lambda r: np.nanmean(results.of("accuracy", curve, r)))
            best[curve] = results.of("accuracy", curve, at)
        return {
            **{f"best, {curve}": list(over_seeds(found)) for curve, found in best.items()},
            "asinh_minus_linear_at_best": list(over_seeds(best["asinh"] - best["linear"])),
        }

    return Experiment(
        name="stretch",
        question=__doc__.splitlines()[0],
        curves=tuple(STRETCHES),
        choices=rates,
        x="learning rate of Adam",
        metrics={"accuracy": "accuracy", "loss": "cross-entropy"},
        run=run,
        ours=("asinh", rates[-1]),
        peer=("linear", rates[-1]),
        settings=str(budget),
        log_x=True,
        conclude=conclude,
    )


if __name__ == "__main__":
    main(experiment())
