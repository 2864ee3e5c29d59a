"""Does a bound on the norm of every kernel help (max-norm; Srebro & Shraibman 2005, COLT)?

After every update the weights of a neuron that are longer than the bound are scaled back to it.
The same plain network with Adam, and with SGD at a rate that is on the high side for it.
"""

from collections.abc import Iterable
from pathlib import Path

import torch
from experiment import Budget, Choice, Experiment, main
from learn import RATE, network, on_stamps
from small import small
from torch.nn import Parameter
from torch.optim import Optimizer

from deepfield.train.players import MakeOptimizer, adam, sgd

OPTIMISERS = {f"Adam, {RATE:g}": adam(RATE), "SGD with momentum, 0.3": sgd(0.3)}
FREE = "none"


def bounded(make: MakeOptimizer, most: float) -> MakeOptimizer:
    """An optimizer after whose steps no neuron's weights are longer than ``most``.

    Args:
        make: makes the optimizer itself.
        most: largest Euclidean norm of the weights into a neuron; biases are free.
    """

    def build(parameters: Iterable[Parameter]) -> Optimizer:
        free = list(parameters)
        optimizer = make(free)
        optimizer.register_step_post_hook(lambda *step: clamp(free, most))
        return optimizer

    return build


@torch.no_grad()
def clamp(parameters: Iterable[Parameter], most: float) -> None:
    """Shorten the weights into every neuron to ``most``, in place."""
    for weight in parameters:
        if weight.ndim > 1:
            length = weight.flatten(1).norm(dim=1).clamp(min=most)
            weight.mul_((most / length).reshape(-1, *[1] * (weight.ndim - 1)))


BUDGET = Budget(objects=500, updates=100)


def experiment(
    budget: Budget = BUDGET,
    bounds: tuple[str, ...] = ("2", FREE),
) -> Experiment:
    """The experiment at this budget."""

    def run(curve: str, bound: Choice, seed: int, folder: Path) -> dict[str, float]:
        make = OPTIMISERS[curve]
        if bound != FREE:
            make = bounded(make, float(bound))
        return on_stamps(network(small, seed), seed, folder, budget, optimizer=make)

    first, second = OPTIMISERS
    return Experiment(
        name="kernel_constraint",
        question=__doc__.splitlines()[0],
        curves=(first, second),
        choices=bounds,
        x="largest norm of a kernel",
        metrics={"accuracy": "accuracy", "non_finite": "share of runs not finite"},
        run=run,
        ours=(first, bounds[0]),
        peer=(first, FREE),
        settings=str(budget),
        shares=("non_finite",),
    )


if __name__ == "__main__":
    main(experiment())
