"""The page of an evaluation of vote fractions: the network beside its rivals."""

from collections.abc import Mapping
from typing import Any, Protocol

from deepfield.report.figures import label
from deepfield.report.measurement_tables import summary_table
from deepfield.report.metric_names import VOTES
from deepfield.report.parts import Figure, Highlight, Part, Table, Text
from deepfield.report.predicted_true import MethodPoints, predicted_true
from deepfield.report.reliability import ReliabilityPoints, reliability_diagram
from deepfield.report.score_tables import claims_table, gap_table


class PollPoints(MethodPoints, Protocol):
    """What one method expects of the volunteers."""

    @property
    def question(self) -> str:
        """The first one, whose answers are the quantities."""

    @property
    def reliability(self) -> ReliabilityPoints:
        """Given against predicted fractions, of all questions."""


def vote_parts(
    scores: Mapping[str, Any], *, verdict: str, measured_on: str, polls: Mapping[str, PollPoints]
) -> list[Part]:
    """The parts of the page.

    Args:
        scores: the content of ``scores.json``.
        verdict: which method one would use, in a sentence.
        measured_on: the objects, their source and split, and what was left out.
        polls: predicted and given fractions by method, at least one.
    """
    first = label(next(iter(polls.values())).question)
    parts: list[Part] = [
        Highlight(verdict),
        summary_table(scores, VOTES),
        Text(
            "Shares are of all volunteers, multiplied down the tree of questions. The least "
            "possible RMSE is that of whoever knows every answer's true probability. Volunteers "
            "agree where 80 % of them give one answer; the first answer is wrong where the "
            "likeliest answer to the first question is not the most frequent one."
        ),
        Text(measured_on, title="What the numbers were measured on"),
    ]
    if any(scores["gaps"].values()):
        parts.append(gap_table(scores, VOTES))
    if (by_answer := answer_table(scores)).rows:
        parts.append(by_answer)
    if scores["claims"]:
        parts.append(claims_table(scores["claims"]))
    return [
        *parts,
        Figure(
            reliability_diagram(
                {method: poll.reliability for method, poll in polls.items()},
                x="predicted fraction of the votes",
                y="fraction that volunteers gave",
            ),
            "All answers to all questions, among those who are asked, in bins of equally many "
            "votes; bars are 95 % binomial limits.",
            title="Do the fractions mean what they say?",
        ),
        Figure(
            predicted_true(polls),
            f"Shares of the answers to the first question, {first}: expected against given. "
            "Few volunteers scatter even about a perfect prediction; of many objects every n-th "
            "is drawn.",
            title="Predicted against given",
        ),
    ]


def answer_table(scores: Mapping[str, Any]) -> Table:
    """Completeness and purity of every answer to the first question, by method.

    Args:
        scores: the content of ``scores.json``; without such scores the table is empty.

    Example:
        >>> found = {"completeness_smooth": 0.9, "purity_smooth": 0.8}
        >>> answer_table({"scores": {"net": found}}).text
        [['smooth', 'net', '0.9', '0.8']]
    """
    kinds = ("completeness_", "purity_")
    methods = scores["scores"]
    answers = dict.fromkeys(
        metric.removeprefix(kinds[0])
        for found in methods.values()
        for metric in found
        if metric.startswith(kinds[0])
    )
    rows = [
        [label(answer), label(method), *(found.get(f"{kind}{answer}") for kind in kinds)]
        for answer in answers
        for method, found in methods.items()
    ]
    return Table(
        ["answer", "method", "completeness", "purity"],
        rows,
        title="Answers to the first question",
        caption="Of the galaxies whose most frequent answer this is, the share for which it is "
        "also the likeliest; and the other way round. A dash: there is none.",
    )
