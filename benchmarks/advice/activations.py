"""Which activation: ReLU, LeakyReLU or PReLU (He+15, arXiv:1502.01852)?

The same plain network with the same initial weights. Silent is a hidden neuron that is never
positive on 500 test stamps before its activation: behind a ReLU it no longer learns.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from experiment import Budget, Choice, Experiment, main
from learn import network, on_stamps
from small import small
from stamps import Stamps, galaxies
from torch import Tensor, nn

from deepfield.nets.network import Network
from deepfield.train.players import adam

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "ReLU": nn.ReLU,
    "LeakyReLU 0.1": partial(nn.LeakyReLU, 0.1),
    "PReLU": partial(nn.PReLU, init=0.25),
}
LOOKED_AT = 500


def silent(net: Network, seen: Stamps) -> float:
    """Share of the hidden neurons that are never positive."""
    found: list[Tensor] = []
    hidden = next(m for m in net.trunk.children() if isinstance(m, nn.Linear))
    handle = hidden.register_forward_hook(lambda module, inputs, output: found.append(output))
    with torch.no_grad():
        net.eval()(seen.take(torch.arange(len(seen)), 0))
    handle.remove()
    return float((found[0] <= 0).all(0).float().mean())


BUDGET = Budget(updates=100)


def experiment(
    budget: Budget = BUDGET,
    rates: tuple[float, ...] = (1e-2,),
) -> Experiment:
    """The experiment at this budget."""

    names = {f"Adam, {rate:g}": rate for rate in rates}

    def run(curve: str, name: Choice, seed: int, folder: Path) -> dict[str, float]:
        net = network(lambda: small(activation=ACTIVATIONS[str(name)]), seed)
        scores = on_stamps(net, seed, folder, budget, optimizer=adam(names[curve]))
        looked_at = galaxies(folder, "test", budget.tested).take(
            torch.arange(min(LOOKED_AT, budget.tested))
        )
        return {**scores, "silent": silent(net, Stamps(looked_at))}

    return Experiment(
        name="activations",
        question=__doc__.splitlines()[0],
        curves=tuple(names),
        choices=tuple(ACTIVATIONS),
        x="",
        metrics={"accuracy": "accuracy", "silent": "share of silent neurons"},
        run=run,
        ours=(next(iter(names)), "PReLU"),
        peer=(next(iter(names)), "ReLU"),
        settings=str(budget),
    )


if __name__ == "__main__":
    main(experiment())
