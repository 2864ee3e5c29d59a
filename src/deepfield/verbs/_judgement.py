"""What an evaluation says of one kind of answer."""

from dataclasses import dataclass

from astropy.table import Table

from deepfield.evaluate.compare import Comparison
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.votes import Votes
from deepfield.report.parts import Part


@dataclass(frozen=True)
class Judgement:
    """The verdict, the objects, and the page.

    Args:
        sentence: which method one would use.
        answers: one row an object: the truth, and what every method said.
        parts: of the report.
    """

    sentence: str
    answers: Table
    parts: list[Part]


def answers(comparison: Comparison, kind: type[Posterior | Votes]) -> Table:
    """Every object with its numbers in the truth, and the columns of every method's answers.

    Args:
        comparison: of the network and its rivals.
        kind: of the answers.
    """
    table, truth = Table({"object_id": comparison.batch.ids}), comparison.truth
    for name in truth:
        if truth[name].ndim == 1:
            table[name] = truth[name].cpu().numpy()
            if unit := truth.quantity(name).unit:
                table[name].unit = unit
    for method, prediction in comparison.predictions.items():
        for answer in prediction.values():
            if isinstance(answer, kind):
                columns = answer.columns()
                for name in columns.colnames:
                    table[f"{method}_{name}"] = columns[name]
    return table
