"""Energy distance: between samples of points, and between samples of masks."""

import torch
from torch import Tensor

from deepfield.losses.jaccard import mask_iou


def energy_distance(first: Tensor, second: Tensor) -> Tensor:
    """Twice the mean distance between two samples, less the mean distances within each.

    Every point counts with itself too, so that it is 0 for equal samples and never below. In one
    dimension its square root is ``scipy.stats.energy_distance``.

    Source: Szekely & Rizzo 2013, J. Stat. Plan. Inference 143, 1249.

    Args:
        first, second: [point, dimension], any number of points each.

    Raises:
        ValueError: not the same dimensions, or no points.

    Example:
        >>> energy_distance(torch.zeros(3, 1), torch.full((2, 1), 5.0))
        tensor(10.)
    """
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ValueError(
            f"samples have shapes {tuple(first.shape)} and {tuple(second.shape)}; expected "
            "[point, dimension] with the same dimensions"
        )
    if not len(first) or not len(second):
        raise ValueError(f"{len(first)} and {len(second)} points; expected some of both")
    return 2 * _apart(first, second) - _apart(first, first) - _apart(second, second)


def mask_energy_distance(samples: Tensor, truths: Tensor) -> Tensor:
    """The same for masks, with 1 - IoU for a distance: the generalised energy distance.

    Judges a network that draws many answers against several that experts gave: it asks for the
    right ones, and for as much variety as there is.

    Source: Kohl et al. 2018 (NeurIPS), arXiv:1806.05034.

    Args:
        samples: [object, sample, y, x] bool.
        truths: [object, truth, y, x] bool.

    Returns:
        [object] at least 0, 0 is best.

    Example:
        >>> masks = torch.eye(2, dtype=torch.bool)[None, :, None]
        >>> mask_energy_distance(masks, masks), mask_energy_distance(masks[:, :1], masks)
        (tensor([0.]), tensor([0.5000]))
    """
    return (
        2 * _dissimilar(samples, truths)
        - _dissimilar(samples, samples)
        - _dissimilar(truths, truths)
    )


def _apart(first: Tensor, second: Tensor) -> Tensor:
    return torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist").mean()


def _dissimilar(first: Tensor, second: Tensor) -> Tensor:
    return (1 - mask_iou(first[:, :, None], second[:, None])).mean((1, 2))
