"""How vote fractions are judged: errors beside the least possible, and calibration."""

from collections.abc import Mapping
from typing import Any

from deepfield.evaluate.compare import NET, Comparison
from deepfield.evaluate.measured_verdict import measured_verdict
from deepfield.evaluate.polls import polls
from deepfield.nouns.votes import Votes
from deepfield.report.votes import vote_parts
from deepfield.verbs._judgement import Judgement, answers


def voted(
    comparison: Comparison, scores: Mapping[str, Any], *, said: str, training_objects: int
) -> Judgement | None:
    """The judgement of vote fractions; None where the network gives none.

    Args:
        comparison: of the network and its rivals.
        scores: the content of scores.json.
        said: what the numbers were measured on.
        training_objects: that the network learned from.
    """
    every = polls(comparison)
    if NET not in every:
        return None
    sentence = measured_verdict(comparison, training_objects=training_objects)
    parts = vote_parts(scores, verdict=sentence, measured_on=said, polls=every)
    return Judgement(sentence, answers(comparison, Votes), parts)
