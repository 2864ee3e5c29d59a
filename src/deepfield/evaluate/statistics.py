"""Which scores of an answer can be resampled, and how."""

import torch
from torch import Tensor

from deepfield.nouns.batch import Truth
from deepfield.nouns.prediction import Classes, Prediction
from deepfield.nouns.votes import Votes
from deepfield.scores.known import hard_labels
from deepfield.scores.resampled import Statistic, accuracy_of, auroc_of, calibration_error_of
from deepfield.scores.votes import rmse_of


def question(prediction: Prediction, truth: Truth) -> Classes | None:
    """The one classification among the answers whose truth is known; None if there is not one.

    Example:
        >>> from deepfield.nouns.quantity import Quantity
        >>> kind = Quantity("kind", classes=("smooth", "spiral"))
        >>> prediction = Prediction({"kind": Classes(kind, torch.eye(2))})
        >>> question(prediction, Truth({kind: torch.tensor([0, 1])})).quantity.name
        'kind'
    """
    found = [a for a in prediction.values() if isinstance(a, Classes) and a.quantity.name in truth]
    return found[0] if len(found) == 1 else None


def vote(prediction: Prediction, truth: Truth) -> Votes | None:
    """The one answer in vote fractions whose truth is known; None if there is not one."""
    found = [answer for answer in prediction.values() if isinstance(answer, Votes)]
    return found[0] if len(found) == 1 and set(found[0].tree.columns) <= set(truth) else None


def visible(truth: Truth) -> Tensor | None:
    """[object] bool: the truth says that the object's features can be seen; None = not said."""
    return truth["visible"].float() > 0.5 if "visible" in truth else None


def statistics(prediction: Prediction, truth: Truth) -> dict[str, Statistic]:
    """Scores by name, as functions of how often every object counts.

    Of one classification, or of votes; other answers have none yet, and so no intervals.

    Args:
        prediction: of all objects.
        truth: of the same objects; ``visible``, where it is there, adds ``accuracy_visible``.

    Example:
        >>> import numpy as np
        >>> from deepfield.nouns.quantity import Quantity
        >>> kind = Quantity("kind", classes=("smooth", "spiral"))
        >>> prediction = Prediction({"kind": Classes(kind, torch.eye(2))})
        >>> scores = statistics(prediction, Truth({kind: torch.tensor([0, 1])}))
        >>> {name: float(score(np.ones((1, 2)))[0]) for name, score in scores.items()}
        {'accuracy': 1.0, 'auroc': 1.0, 'calibration_error': 0.0}
    """
    answer = question(prediction, truth)
    if answer is None:
        return _votes(prediction, truth)
    labels = torch.from_numpy(hard_labels(truth[answer.quantity.name]))
    found = {
        "accuracy": accuracy_of(answer.probabilities, labels),
        "auroc": auroc_of(answer.probabilities, labels),
        "calibration_error": calibration_error_of(answer.probabilities, labels),
    }
    if (seen := visible(truth)) is not None:
        seen_labels = labels.masked_fill(~seen.cpu(), -1)
        found["accuracy_visible"] = accuracy_of(answer.probabilities, seen_labels)
    return found


def _votes(prediction: Prediction, truth: Truth) -> dict[str, Statistic]:
    """Of vote fractions, as shares of all volunteers."""
    answer = vote(prediction, truth)
    if answer is None:
        return {}
    tree = answer.tree
    votes = tree.stacked(dict(truth)).cpu()
    volunteers = votes[:, tree.slices[0]].sum(1, keepdim=True)
    observed = torch.where(volunteers > 0, votes / volunteers, torch.nan)
    return {"rmse_fractions": rmse_of(answer.joint().float().cpu(), observed)}
