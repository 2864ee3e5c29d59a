"""What do augmentation and noise bring to a small training set?

The same galaxies, the same number of updates: as they are; turned by quarters and mirrored; turned
by any angle, shifted and zoomed; with noise of half the sky's sigma added; and with new noise in
every epoch in place of the old, which only a mock sky can give.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from experiment import Budget, Choice, Experiment, Results, main, over_seeds
from learn import network, taught
from small import small
from stamps import lesson

from deepfield.data.augment import Dihedral, isotropic
from deepfield.nouns.batch import Batch


@dataclass(frozen=True)
class Noisier:
    """White noise added to images whose own has one sigma.

    Args:
        sigma: of what is added.
    """

    sigma: float

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The same images, noisier; as the test objects are not, the variance stays."""
        noise = torch.randn(batch.values.shape, generator=generator)
        return replace(batch, values=batch.values + self.sigma * noise)


FRESH = "new noise"
WAYS: dict[str, Callable | None] = {
    "none": None,
    "quarter turns": Dihedral(),
    "any turn, zoom": isotropic(0.04, (1 / 1.15, 1.15)),
    "added noise": Noisier(0.5),
    FRESH: None,
}
BUDGET = Budget(updates=110)


def experiment(
    budget: Budget = BUDGET,
    sizes: tuple[int, ...] = (250,),
) -> Experiment:
    """The experiment at this budget; sizes of training sets are at most its pool."""
    names = {f"{size} objects": size for size in sizes}

    def run(curve: str, way: Choice, seed: int, folder: Path) -> dict[str, float]:
        given = lesson(
            folder,
            names[curve],
            seed,
            pool=budget.pool,
            tested=budget.tested,
            fresh=way == FRESH,
        )
        net = network(small, seed)
        return taught(net, given, seed, updates=budget.updates, augment=WAYS[str(way)])

    def conclude(results: Results) -> dict[str, Any]:
        few = next(iter(names))
        none = results.of("accuracy", few, "none")
        return {
            f"{way}, minus none": list(over_seeds(results.of("accuracy", few, way) - none))
            for way in WAYS
            if way != "none"
        }

    few = next(iter(names))
    return Experiment(
        name="augmentation",
        question=__doc__.splitlines()[0],
        curves=tuple(names),
        choices=tuple(WAYS),
        x="",
        metrics={"accuracy": "accuracy", "loss": "cross-entropy"},
        run=run,
        ours=(few, "quarter turns"),
        peer=(few, "none"),
        settings=str(budget),
        conclude=conclude,
    )


if __name__ == "__main__":
    main(experiment())
