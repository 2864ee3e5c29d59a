"""Class weights: rare classes count as much as common ones."""

import torch
from torch import Tensor

from deepfield.nouns.source import Source


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


def balanced(source: Source, name: str, exponent: float) -> tuple[float, ...] | None:
    """Weights of a source's classes in the loss, between as frequent as they are and all alike.

    Args:
        source: its training part is counted, which reads all of it.
        name: of the classes.
        exponent: 0 leaves the classes as frequent as they are, 1 makes them count alike.

    Returns:
        a number a class; None for an exponent of 0 or a source without objects.

    Example:
        >>> from deepfield.data.blank import Blank
        >>> from deepfield.nouns.quantity import Quantity
        >>> kind = Quantity("kind", classes=("smooth", "spiral"))
        >>> print(balanced(Blank(("r",), (kind,)), "kind", 1.0))
        None
    """
    train = source.part("train")
    if exponent == 0 or not len(train):
        return None
    labels = []
    for rows in torch.arange(len(train)).split(256):
        truth = train.take(rows, 0).truth
        assert truth is not None
        labels.append(truth[name])
    weights = class_weights(torch.cat(labels), source.quantity(name).classes)
    return tuple((weights**exponent).tolist())
