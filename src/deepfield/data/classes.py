"""Class weights: rare classes count as much as common ones."""

import torch
from torch import Tensor


def class_weights(labels: Tensor, classes: tuple[str, ...]) -> Tensor:
    """Inverse frequency of every class, with mean one.

    Args:
        labels: [object] int64, -1 = not known; or soft, [object, class] fractions, NaN = not
            known.
        classes: their names, in the order of the integers or columns.

    Returns:
        [class] float32.

    Raises:
        ValueError: a class that never occurs, or labels that do not fit the classes.

    Example:
        >>> class_weights(torch.tensor([0, 0, 0, 1, -1]), ("smooth", "spiral")).tolist()
        [0.5, 1.5]
    """
    if labels.is_floating_point():
        if labels.ndim != 2 or labels.shape[1] != len(classes):
            raise ValueError(
                f"soft labels have shape {tuple(labels.shape)}; expected "
                f"[object, {len(classes)}] for {', '.join(classes)}"
            )
        counts = labels[labels.isfinite().all(1)].double().sum(0)
    else:
        if len(labels) and int(labels.max()) >= len(classes):
            raise ValueError(
                f"label {int(labels.max())} for {len(classes)} classes "
                f"({', '.join(classes)}); expected 0 to {len(classes) - 1}, or -1"
            )
        counts = torch.bincount(labels[labels >= 0], minlength=len(classes)).double()
    if absent := [name for name, n in zip(classes, counts.tolist(), strict=True) if n <= 0]:
        raise ValueError(
            f"no object of class {', '.join(absent)} among {len(labels)}; a weight needs at "
            "least one: add examples or leave the class out"
        )
    weights = counts.reciprocal()
    return (weights / weights.mean()).float()
