"""How classes are judged: confusion, reliability, trends, and the surest stamps."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.table import Table

from deepfield.evaluate.by_method import classifications, confusions, reliabilities
from deepfield.evaluate.compare import NET, Comparison
from deepfield.evaluate.statistics import question
from deepfield.evaluate.trends import trends
from deepfield.evaluate.verdict import verdict
from deepfield.report.best_and_worst import best_and_worst
from deepfield.report.evaluation import evaluation_parts
from deepfield.scores.known import hard_labels
from deepfield.verbs._judgement import Judgement

TRENDS = ("magnitude", "radius", "signal_to_noise", "feature_signal_to_noise")
IMAGE = ("y", "x")


def classified(
    comparison: Comparison, scores: Mapping[str, Any], *, said: str, training_objects: int
) -> Judgement | None:
    """The judgement of a classification; None where the network gives none.

    Args:
        comparison: of the network and its rivals.
        scores: the content of scores.json.
        said: what the numbers were measured on.
        training_objects: that the network learned from.
    """
    if question(comparison.predictions[NET], comparison.truth) is None:
        return None
    answer, truth = classifications(comparison)[NET], comparison.truth
    sentence = verdict(comparison, training_objects=training_objects)
    parts = evaluation_parts(
        scores,
        verdict=sentence,
        measured_on=said,
        confusions=confusions(comparison),
        classes=answer.quantity.classes,
        reliabilities=reliabilities(comparison),
        trends=trends(comparison, [name for name in TRENDS if name in truth]),
    )
    if comparison.batch.grid == IMAGE:
        parts += best_and_worst(comparison.batch, answer, hard_labels(truth[answer.quantity.name]))
    return Judgement(sentence, _answers(comparison), parts)


def _answers(comparison: Comparison) -> Table:
    """Every object with its true class and what each method said of it."""
    found = classifications(comparison)
    question = found[NET].quantity
    table = Table({"object_id": comparison.batch.ids})
    labels = hard_labels(comparison.truth[question.name])
    table[question.name] = np.array([*question.classes, ""])[labels]
    for method, answer in found.items():
        for i, label in enumerate(question.classes):
            table[f"{method}_{label}"] = answer.probabilities[:, i].numpy()
    return table
