"""How does the error fall with the training set? error = a + b N^-c (Cortes+94, NIPS 6).

The plain network with the same number of updates whatever the set, enough to see each of the
largest nine times, on galaxies that are turned by quarters and mirrored. The fit's intervals are
from a bootstrap over the seeds: a whole seed, with all its training sets, is drawn again.
"""

from pathlib import Path
from typing import Any

import numpy as np
from experiment import LEVEL, Budget, Choice, Experiment, Results, main
from learn import network, taught
from small import small
from stamps import lesson

CURVE = "plain network"
EXPONENTS = np.linspace(0.05, 2.0, 196)
DRAWS = 400


def power_law(objects: np.ndarray, error: np.ndarray) -> tuple[float, float, float]:
    """a, b, c of the least squares of error = a + b N^-c, with a and b not below 0.

    Exact in a and b at every c of a grid.

    Args:
        objects: [size] N.
        error: [size].

    Example:
        >>> sizes = np.array([100.0, 400.0, 1600.0])
        >>> print(*(round(x, 2) for x in power_law(sizes, 0.1 + 2 * sizes**-0.5)))
        0.1 2.0 0.5
    """
    x = objects ** -EXPONENTS[:, None]
    slope = ((x - x.mean(1, keepdims=True)) * error).sum(1) / (x.var(1) * len(objects))
    level = error.mean() - slope * x.mean(1)
    alone = (x * error).sum(1) / (x * x).sum(1)
    b = np.where(level < 0, alone, slope.clip(0))
    a = np.where(level < 0, 0.0, error.mean() - b * x.mean(1))
    best = ((a[:, None] + b[:, None] * x - error) ** 2).sum(1).argmin()
    return float(a[best]), float(b[best]), float(EXPONENTS[best])


def fit(objects: np.ndarray, error: np.ndarray) -> dict[str, list[float]]:
    """a, b and c with their bootstrap intervals.

    Args:
        objects: [size] N.
        error: [size, seed].
    """
    rng = np.random.default_rng(0)
    seeds = error.shape[1]
    drawn = [
        power_law(objects, error[:, rng.integers(seeds, size=seeds)].mean(1)) for _ in range(DRAWS)
    ]
    limits = np.quantile(drawn, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2], axis=0)
    columns = zip("abc", power_law(objects, error.mean(1)), *limits, strict=True)
    return {name: [value, float(low), float(high)] for name, value, low, high in columns}


BUDGET = Budget(updates=300)


def experiment(
    budget: Budget = BUDGET,
    sizes: tuple[int, ...] = (64, 128, 256, 512, 1024),
) -> Experiment:
    """The experiment at this budget; the largest size is at most its pool."""

    def run(curve: str, objects: Choice, seed: int, folder: Path) -> dict[str, float]:
        given = lesson(folder, int(objects), seed, pool=budget.pool, tested=budget.tested)
        net = network(small, seed)
        found = taught(net, given, seed, updates=budget.updates)
        return {**found, "error": 1 - found["accuracy"]}

    def conclude(results: Results) -> dict[str, Any]:
        return dict(fit(np.array(sizes, float), results.points("error", CURVE).runs))

    return Experiment(
        name="learning_curve",
        question=__doc__.splitlines()[0],
        curves=(CURVE,),
        choices=sizes,
        x="training objects",
        metrics={"error": "error on test objects", "train_loss": "loss on training objects"},
        run=run,
        ours=(CURVE, sizes[-1]),
        peer=(CURVE, sizes[0]),
        settings=str(budget),
        log_x=True,
        log_y=("error",),
        conclude=conclude,
    )


if __name__ == "__main__":
    main(experiment())
