"""Change: how far two predictions for the same objects are apart, in units of their errors."""

import torch
from torch import Tensor

from deepfield.nouns.posterior import HALF_TURN, Posterior, wrapped
from deepfield.nouns.prediction import Answer, Prediction

LEVELS = (0.16, 0.5, 0.84)


def change(answers: Prediction, reference: Prediction) -> Tensor:
    """Largest change of any answer of an object.

    Of a posterior: that of its median and of both ends of its 68 % interval, over half the width
    of that interval. Of all others (probabilities, scores): over the standard deviation of the
    objects. What is NaN in both has not changed.

    Args:
        answers, reference: for the same objects.

    Returns:
        [object] at least 0; infinite where one has a number and the other none.

    Example:
        >>> from deepfield.nouns.prediction import Score
        >>> from deepfield.nouns.quantity import Quantity
        >>> one, other = (
        ...     Prediction({"size": Score(Quantity("size"), torch.tensor(values))})
        ...     for values in ([1.0, 3.0], [1.0, 3.1])
        ... )
        >>> change(other, one)
        tensor([0.0000, 0.0707])
    """
    parts = [_change(answers[name], answer) for name, answer in reference.items()]
    return torch.cat(parts, 1).max(1).values.float()


def _change(answer: Answer, reference: Answer) -> Tensor:
    """[object, number]."""
    if isinstance(answer, Posterior) and isinstance(reference, Posterior):
        new, old = answer.quantiles(LEVELS), reference.quantiles(LEVELS)
        width = (old[..., 2:] - old[..., :1]) / 2
        apart = new - old
        angle = torch.tensor([q.kind == "angle" for q in reference.quantities])
        apart = torch.where(angle[:, None], wrapped(apart), apart)
        # The width of an angle about which nothing is known is a quarter turn at most.
        width = torch.where(angle[:, None], width.clamp(max=HALF_TURN / 4), width)
        apart = apart.masked_fill(new.isnan() & old.isnan(), 0.0)
        return _relative(apart.flatten(1), width.expand_as(apart).flatten(1))
    new, old = _numbers(answer), _numbers(reference)
    known = old.isfinite()
    mean = old.nan_to_num().sum(0) / known.sum(0).clamp(min=1)
    square = (torch.where(known, old - mean, 0.0)).square().sum(0)
    spread = (square / (known.sum(0) - 1).clamp(min=1)).sqrt()
    apart = (new - old).masked_fill(new.isnan() & old.isnan(), 0.0)
    return _relative(apart, spread.expand_as(old))


def _numbers(answer: Answer) -> Tensor:
    """[object, column] of the catalogue's columns that are numbers."""
    table = answer.columns()
    found = [
        torch.as_tensor(table[name].value, dtype=torch.float64)
        for name in table.colnames
        if table[name].dtype.kind in "fiu"
    ]
    return torch.stack(found, 1)


def _relative(apart: Tensor, scale: Tensor) -> Tensor:
    found = torch.where(apart == 0, 0.0, apart.abs() / scale)
    return found.masked_fill(found.isnan(), torch.inf)
