"""Ballot: volunteers go down a decision tree, each with the same probabilities."""

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.decision_tree import DecisionTree
from deepfield.render.draws import uniforms


def ballot(
    tree: DecisionTree,
    fractions: Tensor,
    indices: np.ndarray,
    *,
    volunteers: int,
    seed: int,
    split: str,
) -> Tensor:
    """Votes of independent volunteers: multinomial at the first question, and on down the tree.

    Args:
        tree: the questions.
        fractions: [object, answer] probability of each answer for whoever is asked.
        indices: [object] int, of the objects.
        volunteers: how many look at each object.
        seed, split: as of the objects; the numbers come from ``"<split> volunteers"``.

    Returns:
        [object, answer] float32 counts.

    Example:
        >>> from deepfield.nouns.galaxy_zoo import CANDELS
        >>> certain = torch.tensor([[0.0, 1.0, 0.0, 0.0, 0.0]])
        >>> ballot(CANDELS, certain, np.arange(1), volunteers=40, seed=0, split="test").tolist()
        [[0.0, 40.0, 0.0, 0.0, 0.0]]
    """
    numbers = uniforms(seed, f"{split} volunteers", indices, volunteers * len(tree.questions))
    u = torch.from_numpy(numbers).view(len(indices), len(tree.questions), volunteers)
    votes = torch.zeros(len(indices), volunteers, len(tree.columns), dtype=torch.bool)
    for i, (question, at) in enumerate(zip(tree.questions, tree.slices, strict=True)):
        limits = fractions[:, at].double().cumsum(1)[:, None, :-1]
        given = (u[:, i, :, None] >= limits).sum(2)
        chosen = torch.nn.functional.one_hot(given, at.stop - at.start).bool()
        if question.after:
            led = [tree.columns.index(name) for name in question.after]
            chosen = chosen & votes[:, :, led].any(2)[:, :, None]
        votes[:, :, at] = chosen
    return votes.sum(1).float()
