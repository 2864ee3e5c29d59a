"""Masks: their intersection over union (Jaccard index), and a form of it that has a gradient."""

import torch
import torch.nn.functional as F
from torch import Tensor


def mask_iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of pairs of masks.

    Args:
        first, second: [..., y, x] bool; they broadcast.

    Returns:
        [...] between 0 and 1; 1 for two empty masks, which agree.

    Raises:
        ValueError: masks that are not bool.

    Example:
        >>> mask_iou(torch.tensor([[True, True, False]]), torch.tensor([[False, True, True]]))
        tensor(0.3333)
    """
    if first.dtype != torch.bool or second.dtype != torch.bool:
        raise ValueError(
            f"masks are {first.dtype} and {second.dtype}; expected bool: cut probabilities at a "
            "threshold, or take soft_jaccard"
        )
    shared = (first & second).sum((-2, -1)).float()
    union = (first | second).sum((-2, -1)).float()
    return torch.where(union > 0, shared / union.clamp(min=1), 1)


def soft_jaccard(probabilities: Tensor, true: Tensor, *, smooth: float = 1e-6) -> Tensor:
    """The index with products for intersections, so that it has a gradient.

    It is ``mask_iou`` for probabilities of 0 and 1, but for ``smooth``.

    Args:
        probabilities: [object, y, x] that a pixel belongs.
        true: [object, y, x] masks or fractions, between 0 and 1.
        smooth: in pixels, added to both sides; makes two empty masks agree.

    Returns:
        [object] between 0 and 1.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> soft_jaccard(torch.tensor([[[0.5, 1.0]]]), torch.tensor([[[1.0, 1.0]]]))
        tensor([0.7500])
    """
    if probabilities.shape != true.shape:
        raise ValueError(
            f"probabilities have shape {tuple(probabilities.shape)} and masks "
            f"{tuple(true.shape)}; expected [object, y, x] for both"
        )
    true = true.to(probabilities.dtype)
    shared = (probabilities * true).sum((-2, -1))
    union = probabilities.sum((-2, -1)) + true.sum((-2, -1)) - shared
    return (shared + smooth) / (union + smooth)


def jaccard_loss(logits: Tensor, true: Tensor, *, smooth: float = 1e-6) -> Tensor:
    """Minus the logarithm of the soft index, plus the cross-entropy of the pixels.

    Source: Boucaud et al. 2020, MNRAS 491, 2481 (masks of blended galaxies).

    Args:
        logits: [object, y, x]; their sigmoid are the probabilities.
        true: [object, y, x] masks or fractions, between 0 and 1.
        smooth: as in ``soft_jaccard``.

    Returns:
        the mean over objects.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> right = torch.tensor([[[30.0, -30.0]]])
        >>> print(round(float(jaccard_loss(right, right > 0)), 4))
        0.0
    """
    index = soft_jaccard(logits.sigmoid(), true, smooth=smooth)
    pixels = F.binary_cross_entropy_with_logits(logits, true.to(logits.dtype))
    return pixels - index.log().mean()
