"""Nearest: which of its training examples a network finds most like an object."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from deepfield.nouns.batch import Batch
from deepfield.nouns.source import Source
from deepfield.train.domain import REFERENCES
from deepfield.train.trained import Trained

SAME = 0.999
"""cosine between an example's features now and in the weights; less, and it is another example"""
REDRAWN = 200
"""examples that are looked through where the weights' own cannot be had"""


@dataclass(frozen=True)
class Nearest:
    """Training examples beside objects.

    Args:
        examples: every example that is near some object, once.
        rows: [object, neighbour] positions among them, the nearest first.
        distance: [object, neighbour] between unit vectors of features: 0 the same, 2 opposite.
        searched: examples that were looked through.
        same: they are those that the weights learnt from; otherwise the source has changed since,
            and gives others like them.
    """

    examples: Batch
    rows: Tensor
    distance: Tensor
    searched: int
    same: bool


def nearest(trained: Trained, learnt: Source, batch: Batch, count: int = 5) -> Nearest:
    """The training examples with the nearest features, as the domain measures them.

    Args:
        trained: a fitted predictor.
        learnt: what it was trained on; only a few of its objects are taken.
        batch: objects that have been measured.
        count: neighbours of each.

    Raises:
        ValueError: there are no examples.
    """
    part = learnt.part("train")
    if not len(part):
        raise ValueError("the source has no training objects; expected those of the weights")
    features = F.normalize(trained.embed(batch))
    kept = None if trained.domain is None else trained.domain.references
    if kept is not None and len(kept) == min(REFERENCES, len(part)):
        found, positions = _found(features, kept, part, count)
        again = F.normalize(trained.embed(found.examples))
        if float((again * kept[positions]).sum(1).median()) > SAME:
            return found
    drawn = F.normalize(trained.features(part, REDRAWN))
    return replace(_found(features, drawn, part, count)[0], same=False)


def _found(
    features: Tensor, references: Tensor, part: Source, count: int
) -> tuple[Nearest, Tensor]:
    """The nearest, and the positions in the source of the examples taken."""
    gaps = torch.cdist(features, references)
    near = gaps.topk(min(count, len(references)), dim=1, largest=False)
    positions, rows = near.indices.unique(return_inverse=True)
    found = Nearest(part.take(positions, 0), rows, near.values, len(references), same=True)
    return found, positions
