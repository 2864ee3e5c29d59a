"""What an evaluation says of one kind of answer."""

from dataclasses import dataclass

from astropy.table import Table

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
