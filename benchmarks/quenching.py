"""Which property quenches? The ranking of Teimoorinia+16, on a mock whose answer is known.

Run: ``python benchmarks/quenching.py`` (about four minutes of one core). A one-hidden-layer
network learns from every property alone and from groups; logistic regression and a random forest
see all of them together, and rank them by coefficient and by permutation importance. All three
rank once for each of several resamples of 5,000 training objects. The last line is one JSON
object.
"""

import argparse
import json
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr

from deepfield.data.simulated_table import SimulatedTable
from deepfield.data.subset import Subset
from deepfield.evaluate.ranking import ranking
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source, Split
from deepfield.recipes.quenching import mock, quenching
from deepfield.rivals.table_classes import TableForest, TableLogistic
from deepfield.scores.classification import auroc
from deepfield.sky.quenching import PROPERTIES, STATE, Quenching
from deepfield.train.loop import fit

NAMES = tuple(one.name for one in PROPERTIES)
FEW = 5000
"""training objects of a resample"""
GROUPS = {
    "masses": tuple(name for name in NAMES if name.endswith("mass")),
    "structure": ("bulge_to_total", "log_radius", "log_bulge_mass"),
    "all but the first": NAMES[1:],
    "all": NAMES,
}


def learnt(source: SimulatedTable, taught: Source) -> torch.Tensor:
    """Probabilities of a source's test galaxies, from a network that learnt from another."""
    recipe = quenching(source)
    fit(recipe.net, recipe.task, taught, recipe.training, progress=False)
    test = source.part("test")
    with torch.no_grad():
        answer = recipe.task.predict(recipe.net, test.take(torch.arange(len(test)), 0))
    return answer[STATE.name].probabilities


class Resampled:
    """A source whose training objects are drawn anew, with repeats."""

    def __init__(self, source: Source, seed: int) -> None:
        self.source = source
        count = len(source.part("train"))
        self.rows = np.random.default_rng(seed).integers(count, size=count)

    def quantity(self, name: str) -> Quantity:
        """What the truth of this name means."""
        return self.source.quantity(name)

    def part(self, split: Split) -> Source:
        """The objects of one split."""
        part = self.source.part(split)
        return Subset(part, self.rows) if split == "train" else part


def agreement(tried: list[Sequence[float]], bayes: list[float]) -> dict[str, float]:
    """How often the first property is ranked first, and the others' order against the truth."""
    first = [int(np.argmax(row)) == 0 for row in tried]
    order = [spearmanr(row[1:], bayes[1:]).statistic for row in tried]
    return {"cause_first": float(np.mean(first)), "order_of_the_others": float(np.mean(order))}


def main() -> None:
    """Train, rank and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", type=int, default=20000)
    parser.add_argument("--test", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--refits", type=int, default=20)
    asked = parser.parse_args()
    counts = {"train": asked.train, "validation": 2000, "test": asked.test}
    sky = Quenching()
    labels = mock(objects=counts, seed=asked.seed).part("test")
    truth = labels.take(torch.arange(asked.test), 0).truth[STATE.name]

    def catalogue(columns: tuple[str, ...], train: int = asked.train) -> SimulatedTable:
        return mock(objects={**counts, "train": train}, seed=asked.seed, columns=columns)

    sources = {name: catalogue((name,)) for name in NAMES}
    alone = {name: learnt(source, source) for name, source in sources.items()}
    ranked = ranking(alone, truth, seed=asked.seed)
    bayes = [sky.bayes_auc(name) for name in NAMES]

    table = Table(title=f"{asked.test:,} unseen galaxies, seed {asked.seed}")
    for column in ("input", "AUC of the network", "95 %", "Bayes AUC", "first in"):
        table.add_column(column)
    for name, area in ranked.areas.items():
        table.add_row(
            name,
            f"{area.value:.4f}",
            f"{area.low:.4f} to {area.high:.4f}",
            f"{sky.bayes_auc(name):.4f}",
            f"{100 * ranked.first[name]:.1f} %",
        )
    for name, columns in GROUPS.items():
        source = catalogue(columns)
        area = auroc(learnt(source, source), truth)
        table.add_row(name, f"{area:.4f}", "", "", "")
    console = Console(width=100)
    console.print(table)

    rivals = {
        "logistic regression": partial(TableLogistic, strengths=(1.0, 100.0)),
        "random forest": partial(TableForest, trees=60, leaves=(20,)),
    }
    few = catalogue(NAMES, FEW)
    found: dict[str, dict[str, float]] = {}
    for name, make in rivals.items():
        tried = [
            make(STATE.name).fit(Resampled(few, seed)).importances()
            for seed in range(asked.refits)
        ]
        found[name] = agreement(tried, bayes)
    short = {name: catalogue((name,), FEW) for name in NAMES}
    tried = [
        [auroc(learnt(source, Resampled(source, seed)), truth) for source in short.values()]
        for seed in range(asked.refits)
    ]
    found["network, one at a time"] = agreement(tried, bayes)
    table = Table(title="Is the cause ranked first, and are the others in the order of their AUC?")
    for column in ("method", "cause first in", "rank correlation of the others"):
        table.add_column(column)
    for name, row in found.items():
        share, order = row["cause_first"], row["order_of_the_others"]
        table.add_row(name, f"{100 * share:.0f} %", f"{order:.2f}")
    console.print(table)
    off = {name: ranked.areas[name].value - sky.bayes_auc(name) for name in NAMES}
    largest = max(off.values(), key=abs)
    print(
        json.dumps({"cause_first": ranked.first[NAMES[0]], "largest_off_bayes": largest, **found})
    )


if __name__ == "__main__":
    main()
