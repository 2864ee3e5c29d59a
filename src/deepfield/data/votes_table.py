"""Tables of votes: counts as Galaxy Zoo 2 publishes them, or a column for each answer."""

import re
from dataclasses import dataclass

import numpy as np
import torch
from astropy.table import Table
from torch import Tensor

from deepfield.nouns.decision_tree import DecisionTree
from deepfield.nouns.galaxy_zoo import GALAXY_ZOO_2

PUBLISHED = re.compile(r"t\d\d_(?P<answer>.+)_weighted_fraction")
"""a column of Willett+13, such as t01_smooth_or_features_a01_smooth_weighted_fraction"""
VOLUNTEERS = "total_classifications"
TOLERANCE = 0.02
"""by which the fractions of a question may miss 1"""
SPARE = 1.5
"""votes that rounding may add to a question"""
BAD = "bad_votes"


@dataclass(frozen=True)
class Ballots:
    """What volunteers said of every object.

    Args:
        votes: [object, answer] counts; NaN for a question whose votes cannot be.
        bad: [object] how many of the object's questions these are.
    """

    votes: Tensor
    bad: Tensor


def counts(table: Table) -> Table:
    """A table with Galaxy Zoo 2's published votes as counts; any other table as it is.

    Example:
        >>> counts(Table({"id": ["a"], "kind": ["spiral"]})).colnames
        ['id', 'kind']
    """
    published = (
        set(GALAXY_ZOO_2.columns) <= set(_published(table)) and VOLUNTEERS in table.colnames
    )
    return tidy(table) if published else table


def tidy(table: Table, tree: DecisionTree = GALAXY_ZOO_2) -> Table:
    """The same table with a column of counts for each answer, named ``<question>_<answer>``.

    Counts are taken as they are, or worked out of the weighted fractions of Willett et al. 2013:
    the number of volunteers, times the share of them who get to the question, times the answer's
    fraction of it, rounded. Fractions and other answers' columns are dropped. ``bad_votes`` says
    how many of an object's questions were unusable; these are NaN, and count nothing.

    Args:
        table: a row an object.
        tree: the questions.

    Raises:
        ValueError: no votes for some answer, or none that can be used.

    Example:
        >>> from deepfield.nouns.galaxy_zoo import CANDELS
        >>> counts = {f"main_class_{answer}": [3] for answer in CANDELS.questions[0].answers}
        >>> tidy(Table({"id": ["a"], **counts}), CANDELS)["main_class_disc"].tolist()
        [3.0]
    """
    published = _published(table)
    if set(tree.columns) <= set(table.colnames):
        found = counted(tree, _columns(table, tree.columns))
    elif set(tree.columns) <= set(published) and VOLUNTEERS in table.colnames:
        fractions = _columns(table, [published[name] for name in tree.columns])
        volunteers = _columns(table, [VOLUNTEERS])[:, 0]
        found = from_fractions(tree, fractions, volunteers)
    else:
        absent = [name for name in tree.columns if name not in {*table.colnames, *published}]
        raise ValueError(
            f"the table has no votes for {', '.join(absent[:3] or [VOLUNTEERS])}; expected a "
            "column of counts <question>_<answer> for each answer, or the weighted fractions of "
            f"Galaxy Zoo 2 beside {VOLUNTEERS}"
        )
    if bool((found.bad == len(tree.questions)).all()):
        raise ValueError(
            f"none of {len(table)} objects has votes that can be: expected counts of 0 or more, "
            "and no more votes for a question than volunteers who get to it"
        )
    others = [n for n in table.colnames if not re.match(r"t\d\d_", n) and n not in tree.columns]
    clean = Table({name: table[name] for name in others}, meta=dict(table.meta))
    for quantity, votes in zip(tree.quantities, found.votes.T, strict=True):
        clean[quantity.name] = votes.numpy()
        clean[quantity.name].description = quantity.description
    clean[BAD] = found.bad.numpy()
    clean[BAD].description = "questions of the object whose votes cannot be"
    return clean


def counted(tree: DecisionTree, votes: Tensor) -> Ballots:
    """Counts, checked: none negative, and no more than were led to the question.

    Args:
        tree: the questions.
        votes: [object, answer].

    Example:
        >>> from deepfield.nouns.galaxy_zoo import CANDELS
        >>> counted(CANDELS, torch.tensor([[1.0, -1.0, 0.0, 0.0, 0.0]])).bad.tolist()
        [1]
    """
    bad = tree.total((~(votes >= 0)).float()) > 0
    total = tree.total(votes.clamp(min=0).nan_to_num())
    for i, question in enumerate(tree.questions):
        if question.after:
            led = votes[:, [tree.columns.index(name) for name in question.after]].sum(1)
            bad[:, i] |= total[:, i] > led + SPARE
    return _ballots(tree, votes, bad)


def from_fractions(tree: DecisionTree, fractions: Tensor, volunteers: Tensor) -> Ballots:
    """Counts from the fractions of those who were asked, and the number of all volunteers.

    Args:
        tree: the questions.
        fractions: [object, answer]; a question's sum to 1, or are all 0 if nobody was asked.
        volunteers: [object].

    Example:
        >>> from deepfield.nouns.galaxy_zoo import CANDELS
        >>> shares = torch.tensor([[0.5, 0.3, 0.2, 0.0, 0.0], [0.5, 0.9, 0.2, 0.0, 0.0]])
        >>> found = from_fractions(CANDELS, shares, torch.tensor([10.0, 10.0]))
        >>> found.votes[0].tolist(), found.bad.tolist()
        ([5.0, 3.0, 2.0, 0.0, 0.0], [0, 1])
    """
    total = tree.total(fractions)
    sums = ((total - 1).abs() <= TOLERANCE) | (total == 0)
    bad = ~sums | (tree.total((~(fractions >= 0)).float()) > 0)
    bad |= ~(volunteers > 0)[:, None]
    shares = tree.normalised(fractions.clamp(min=0)).nan_to_num()
    votes = volunteers[:, None] * tree.joint(shares)
    return _ballots(tree, votes.round(), bad)


def _ballots(tree: DecisionTree, votes: Tensor, bad: Tensor) -> Ballots:
    return Ballots(votes.masked_fill(tree.spread(bad), torch.nan).float(), bad.sum(1))


def _published(table: Table) -> dict[str, str]:
    """``<question>_<answer>`` to the name of its column in the table of Galaxy Zoo 2."""
    found = {}
    for name in table.colnames:
        if said := PUBLISHED.fullmatch(name):
            # t01_smooth_or_features_a01_smooth: the answer's number goes.
            found[re.sub(r"_a\d\d_", "_", said["answer"])] = name
    return found


def _columns(table: Table, names: list[str] | tuple[str, ...]) -> Tensor:
    """[object, column] float64, NaN where masked.

    Raises:
        ValueError: a column that holds no numbers.
    """
    if words := [name for name in names if table[name].dtype.kind not in "fiub"]:
        raise ValueError(
            f"column {words[0]} holds {table[words[0]].dtype}; expected numbers of votes"
        )
    columns: list[np.ma.MaskedArray] = [np.ma.asarray(table[name], float) for name in names]
    return torch.from_numpy(np.stack([np.ma.filled(each, np.nan) for each in columns], 1))
