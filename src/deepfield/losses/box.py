"""Boxes: the quadratic loss on their coordinates, and how much two of them overlap."""

import torch
from torch import Tensor


def quadratic(predicted: Tensor, true: Tensor) -> Tensor:
    """Squared distance of the coordinates, summed over a box, averaged over the boxes.

    Args:
        predicted, true: [box, coordinate] in any units.

    Returns:
        the mean over boxes; 0 without any.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> quadratic(torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 0.0, 2.0, 4.0]]))
        tensor(5.)
    """
    if predicted.shape != true.shape or predicted.ndim != 2:
        raise ValueError(
            f"boxes have shapes {tuple(predicted.shape)} and {tuple(true.shape)}; expected the "
            "same [box, coordinate] for both"
        )
    return (predicted - true).square().sum() / max(len(predicted), 1)


def iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of pairs of boxes.

    Args:
        first, second: [..., 4] as (left, bottom, right, top) in any units; they broadcast, so
            that ``iou(a[:, None], b)`` takes each with each. A box that ends before it starts
            is empty.

    Returns:
        [...] between 0 and 1; 0 for two boxes without area. Where boxes do not meet it does not
        say how far apart they are: its gradient is 0.

    Example:
        >>> iou(torch.tensor([0.0, 0.0, 2.0, 2.0]), torch.tensor([1.0, 0.0, 3.0, 2.0]))
        tensor(0.3333)
    """
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:], second[..., 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    union = _area(first) + _area(second) - shared
    return torch.where(union > 0, shared / union.where(union > 0, 1), 0)


def _area(box: Tensor) -> Tensor:
    return (box[..., 2:] - box[..., :2]).clamp(min=0).prod(-1)
