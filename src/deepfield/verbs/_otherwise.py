"""How challenges are judged: what each costs, and what is then taken for what."""

from collections.abc import Mapping
from typing import Any

from deepfield.evaluate.by_method import classifications, confusions
from deepfield.evaluate.compare import NET, Comparison
from deepfield.evaluate.statistics import question
from deepfield.report.challenges import challenge_parts
from deepfield.report.parts import Part


def otherwise(others: Mapping[str, Comparison], scores: Mapping[str, Any]) -> list[Part]:
    """The report's parts on the challenges of a recipe; none where it has none.

    Args:
        others: by challenge.
        scores: the content of scores.json.
    """
    classes: tuple[str, ...] = ()
    matrices = {}
    for name, other in others.items():
        if question(other.predictions[NET], other.truth) is not None:
            matrices[name] = confusions(other)
            classes = classifications(other)[NET].quantity.classes
    return challenge_parts(scores, list(others), confusions=matrices, classes=classes)
