"""Classical features by classical learners, on the mock sky of the recipe `morphology`.

Nine kinds of features and all of them together, each with five learners whose settings are
searched on validation objects; accuracy on test objects that nothing has seen, with 95 % bootstrap
intervals over objects, paired where two are compared. Then what is lost without each kind, and
with fewer dimensions (principal components). Times are of the processor. The figures go to --out;
the last line is JSON: ``ours`` is the best pair, ``peer`` HoG with support vectors, ``ratio`` the
peer's errors over ours.
"""

import argparse
import json
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch

from deepfield.mocks.kinds import kinds
from deepfield.nouns.source import Source
from deepfield.report.feature_table import (
    Measured,
    dimension_curves,
    feature_table,
    without_figure,
)
from deepfield.rivals.examples import Examples, batches, hard
from deepfield.rivals.features.binary_patterns import BinaryPatterns
from deepfield.rivals.features.co_occurrence import CoOccurrence
from deepfield.rivals.features.colour_histogram import ColourHistogram
from deepfield.rivals.features.contract import Features, joined, learnt
from deepfield.rivals.features.gabor import Gabor
from deepfield.rivals.features.gradients import Gradients
from deepfield.rivals.features.photometry import Photometry
from deepfield.rivals.features.pixels import Pixels
from deepfield.rivals.features.structure import Structure
from deepfield.rivals.features.words import Words
from deepfield.rivals.learners.boosting import Boosting
from deepfield.rivals.learners.forest import Forest
from deepfield.rivals.learners.logistic import Logistic
from deepfield.rivals.learners.one_hidden import OneHidden
from deepfield.rivals.learners.rbf_machine import RbfMachine
from deepfield.scores.bootstrap import Resampled, resample

TARGET = "kind"
FEATURES: dict[str, Features] = {
    "pixels": Pixels(),
    "colour_histogram": ColourHistogram(),
    "binary_patterns": BinaryPatterns(),
    "co_occurrence": CoOccurrence(),
    "gabor": Gabor(),
    "gradients": Gradients(),
    "words": Words(),
    "structure": Structure(),
    "photometry": Photometry(),
}
LEARNERS = {
    "logistic": Logistic,
    "support_vectors": RbfMachine,
    "forest": Forest,
    "boosting": Boosting,
    "one_hidden": OneHidden,
}
EVERYTHING = "everything"
WIDE = 150
"""columns from which on support vectors learn from principal components, as HoG + SVM does"""
COMPONENTS = 120
DIMENSIONS = (2, 4, 8, 16, 32, 64, 128, 256)
REDUCED = ("logistic", "support_vectors")


def measured(source: Source, features: Mapping[str, Features]) -> dict[str, Examples]:
    """Every kind of feature of the objects that all kinds can measure."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in features}
    labels, weights = [], []
    for batch in batches(source, None):
        tables = {name: measure(batch) for name, measure in features.items()}
        label, weight = hard(batch.truth[TARGET])
        use = (label >= 0) & ~np.any([np.isnan(t).all(1) for t in tables.values()], 0)
        for name, table in tables.items():
            parts[name].append(table[use])
        labels.append(label[use])
        weights.append(weight[use])
    y, w = np.concatenate(labels), np.concatenate(weights)
    found = {name: Examples(np.concatenate(tables), y, w) for name, tables in parts.items()}
    return {**found, EVERYTHING: together(found, list(features))}


def together(tables: Mapping[str, Examples], names: list[str]) -> Examples:
    """Some kinds side by side."""
    some = [tables[name] for name in names]
    return Examples(joined([each.features for each in some]), some[0].labels, some[0].weights)


def learner_of(name: str, columns: int):
    """The learner at its default search, with fewer columns where it can't take so many."""
    if name == "support_vectors" and columns > WIDE:
        return RbfMachine(components=COMPONENTS)
    return LEARNERS[name]()


def right(learner, train: Examples, validation: Examples, test: Examples) -> np.ndarray:
    """[object] whether the learner is right about a test object."""
    classes = int(train.labels.max()) + 1
    taught = learner.teach(train, validation, classes)
    return taught.probabilities(test.features).argmax(1) == test.labels


def drawn(correct: Mapping[object, np.ndarray]) -> dict[object, Resampled]:
    """Accuracies, all resampled together."""

    def accuracy(of: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return weights @ of / weights.sum(1)

    statistics = {str(key): partial(accuracy, of.astype(float)) for key, of in correct.items()}
    found = resample(statistics, len(next(iter(correct.values()))))
    return {key: found[str(key)] for key in correct}


def main() -> None:
    """Measure, print the table and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=int, default=2000)
    parser.add_argument("--validation", type=int, default=700)
    parser.add_argument("--test", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--out", type=Path, default=Path("out/features"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    began = time.process_time()
    counts = {split: getattr(given, split) for split in ("train", "validation", "test")}
    source = kinds(objects=counts, seed=given.seed)
    features = {name: learnt(each, source.part("train")) for name, each in FEATURES.items()}
    train, validation, test = (measured(source.part(split), features) for split in counts)
    print(f"features of {sum(counts.values())} objects: {time.process_time() - began:.0f} s")
    correct: dict[object, np.ndarray] = {}
    for name in train:
        start = time.process_time()
        columns = train[name].features.shape[1]
        for learner in LEARNERS:
            teach = learner_of(learner, columns)
            correct[name, learner] = right(teach, train[name], validation[name], test[name])
        shares = "  ".join(
            f"{learner} {correct[name, learner].mean():.3f}" for learner in LEARNERS
        )
        print(f"{name:17}{columns:5}  {shares}  {time.process_time() - start:.0f} s", flush=True)
    best = max(LEARNERS, key=lambda learner: correct[EVERYTHING, learner].mean())
    for name in features:
        names = [other for other in features if other != name]
        some = [together(tables, names) for tables in (train, validation, test)]
        correct["without", name] = right(learner_of(best, some[0].features.shape[1]), *some)
        print(f"without {name:17}{correct['without', name].mean():.3f}", flush=True)
    columns = train[EVERYTHING].features.shape[1]
    everything = [tables[EVERYTHING] for tables in (train, validation, test)]
    for learner in REDUCED:
        for k in DIMENSIONS:
            correct[learner, k] = right(LEARNERS[learner](components=k), *everything)
            print(f"{learner} on {k} components {correct[learner, k].mean():.3f}", flush=True)
    found = drawn(correct)
    limits = {key: Measured(*each.interval()) for key, each in found.items()}
    cells = {(name, learner): limits[name, learner] for name in train for learner in LEARNERS}
    lost = {
        name: Measured(*(found[EVERYTHING, best] - found["without", name]).interval())
        for name in features
    }
    curves = {learner: {k: limits[learner, k] for k in DIMENSIONS} for learner in REDUCED}
    whole = {learner: limits[EVERYTHING, learner] for learner in REDUCED}
    given.out.mkdir(parents=True, exist_ok=True)
    figures = {
        "table": feature_table(cells),
        "without": without_figure(lost, learner=best),
        "dimensions": dimension_curves(curves, whole=whole, columns=columns),
    }
    for name, figure in figures.items():
        figure.savefig(given.out / f"{name}.png", dpi=120)
    winner = max(cells, key=lambda pair: cells[pair].value)
    peer = ("gradients", "support_vectors")
    gap = (found[winner] - found[peer]).interval()
    content = {
        "name": "features",
        "ratio": round((1 - cells[peer].value) / (1 - cells[winner].value), 3),
        "ours": round(cells[winner].value, 4),
        "peer": round(cells[peer].value, 4),
        "best": list(winner),
        "gap": [round(x, 4) for x in gap],
        "objects": len(test[EVERYTHING]),
        "cells": {f"{a}+{b}": [round(x, 4) for x in cell] for (a, b), cell in cells.items()},
        "lost_without": {name: [round(x, 4) for x in each] for name, each in lost.items()},
        "dimensions": {
            learner: {k: [round(x, 4) for x in each] for k, each in curve.items()}
            for learner, curve in curves.items()
        },
        "seconds": round(time.process_time() - began),
    }
    print(json.dumps(content))


if __name__ == "__main__":
    main()
