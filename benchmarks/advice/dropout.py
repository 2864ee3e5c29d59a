"""Does dropout help (Srivastava+14, JMLR 15, 1929), and how much of it?

On the maps and on the hidden layer of a plain network with 45,000 weights, for a small training
set without augmentation, every object of which is seen 14 times.
"""

from pathlib import Path

from experiment import Budget, Choice, Experiment, main
from learn import network, taught
from small import small
from stamps import lesson

BUDGET = Budget(updates=110)


def experiment(
    budget: Budget = BUDGET,
    shares: tuple[float, ...] = (0.0, 0.3, 0.6),
    sizes: tuple[int, ...] = (250,),
) -> Experiment:
    """The experiment at this budget; sizes of training sets are at most its pool."""
    names = {f"{size} objects": size for size in sizes}

    def run(curve: str, share: Choice, seed: int, folder: Path) -> dict[str, float]:
        given = lesson(folder, names[curve], seed, pool=budget.pool, tested=budget.tested)
        net = network(lambda: small(dropout=float(share)), seed)
        return taught(net, given, seed, updates=budget.updates, augment=None)

    few = next(iter(names))
    return Experiment(
        name="dropout",
        question=__doc__.splitlines()[0],
        curves=tuple(names),
        choices=shares,
        x="share that is dropped",
        metrics={
            "accuracy": "accuracy",
            "loss": "cross-entropy on test objects",
            "train_loss": "loss on training objects",
        },
        run=run,
        ours=(few, shares[-1]),
        peer=(few, shares[0]),
        settings=str(budget),
    )


if __name__ == "__main__":
    main(experiment())
