"""The page of an evaluation: the network beside its rivals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deepfield.report.confusion import confusion_matrices
from deepfield.report.parts import Figure, Highlight, Part, Text
from deepfield.report.reliability import ReliabilityPoints, reliability_diagram
from deepfield.report.score_tables import claims_table, gap_table, headline
from deepfield.report.trends import TrendPoints, trend_curves


def evaluation_parts(
    scores: Mapping[str, Any],
    *,
    verdict: str,
    measured_on: str,
    confusions: Mapping[str, np.ndarray],
    classes: Sequence[str],
    reliabilities: Mapping[str, ReliabilityPoints],
    trends: Sequence[TrendPoints] = (),
) -> list[Part]:
    """The parts of an evaluation's page, but for its stamps.

    Args:
        scores: the content of ``scores.json``.
        verdict: which method one would use, in a sentence.
        measured_on: the objects, their source and split, and what was left out.
        confusions: [true, predicted] counts by method.
        classes: their names.
        reliabilities: accuracy against confidence by method.
        trends: accuracy against quantities; empty = no such figure.
    """
    parts: list[Part] = [
        Highlight(verdict),
        headline(scores),
        Text(measured_on, title="What the numbers were measured on"),
    ]
    if any(scores["gaps"].values()):
        parts.append(gap_table(scores))
    if scores["claims"]:
        parts.append(claims_table(scores["claims"]))
    parts.append(
        Figure(
            confusion_matrices(confusions, classes),
            "Rows are the true classes, columns what the method said: per cent of the true class, "
            "and the number of objects.",
            title="What is taken for what",
        )
    )
    parts.append(
        Figure(
            reliability_diagram(reliabilities),
            "Bins of equally many objects; bars are 95 % binomial limits. Below the diagonal a "
            "method is surer than it should be, above it less sure.",
            title="Do the probabilities mean what they say?",
        )
    )
    if trends:
        parts.append(
            Figure(
                trend_curves(trends),
                "Bins of equally many objects; bands are 95 % binomial limits.",
                title="Where it works",
            )
        )
    return parts
