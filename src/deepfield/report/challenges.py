"""What every method makes of the same objects seen otherwise."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deepfield.report.confusion import confusion_matrices
from deepfield.report.figures import label
from deepfield.report.metric_names import CLASSES
from deepfield.report.parts import Figure, Part, Table
from deepfield.report.score_tables import with_limits


def challenge_parts(
    scores: Mapping[str, Any],
    names: Sequence[str],
    *,
    confusions: Mapping[str, Mapping[str, np.ndarray]],
    classes: Sequence[str],
) -> list[Part]:
    """A table of what each challenge costs, and the confusion matrices under it.

    Args:
        scores: the content of ``scores.json``.
        names: of the challenges; none gives no parts.
        confusions: by challenge and method, [true, predicted] counts; empty where the answers
            are no classes.
        classes: their names.
    """
    if not names:
        return []
    parts: list[Part] = [challenge_table(scores, names)]
    for name, matrices in confusions.items():
        parts.append(
            Figure(
                confusion_matrices(matrices, classes),
                "Rows are the true classes, columns what the method said: per cent of the true "
                "class, and the number of objects.",
                title=f"What is taken for what: {label(name)}",
            )
        )
    return parts


def challenge_table(scores: Mapping[str, Any], names: Sequence[str]) -> Table:
    """Methods by challenges: the score, and what was lost, each with its 95 % interval.

    Args:
        scores: the content of ``scores.json``.
        names: of the challenges.

    Example:
        >>> found = {"accuracy": 0.9, "accuracy_shifted": 0.7, "lost_accuracy_shifted": 0.2}
        >>> challenge_table({"scores": {"net": found}, "intervals": {}}, ["shifted"]).text
        [['accuracy', 'net', '0.900', '0.700', '0.200']]
    """
    methods = scores["scores"]
    metrics = [
        metric
        for metric in CLASSES
        if any(f"{metric}_{name}" in found for found in methods.values() for name in names)
    ]
    rows = []
    for metric in metrics:
        shown = [metric]
        for name in names:
            shown += [f"{metric}_{name}", f"lost_{metric}_{name}"]
        for method, found in methods.items():
            limits = scores["intervals"].get(method, {})
            cells = [with_limits(found.get(each), limits.get(each)) for each in shown]
            rows.append([CLASSES[metric], label(method), *cells])
    columns = ["score", "method", "as they are"]
    for name in names:
        columns += [label(name), "lost"]
    return Table(
        columns,
        rows,
        title="The same objects seen otherwise",
        caption="Lost: how much worse the score became, on the same objects; 95 % bootstrap "
        "intervals, of the loss paired.",
    )
