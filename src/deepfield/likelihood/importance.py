"""Importance: draws of one density, weighted or drawn again until they are another's."""

import torch
from torch import Tensor

HALVINGS = 14
"""of the range of a temperature"""


def effective(log_weights: Tensor) -> Tensor:
    """As many draws without weights would know as much (Kish 1965).

    Args:
        log_weights: [object, sample], up to a constant of each object.

    Returns:
        [object] between 1 and the number of samples; 0 where no weight is a number.

    Example:
        >>> effective(torch.tensor([[0.0, 0.0, -99.0]])).tolist()
        [2.0]
    """
    return (1 / log_weights.softmax(1).square().sum(1)).nan_to_num(0.0)


def tempered(log_weights: Tensor, enough: float) -> Tensor:
    """Weights to the highest power, at most 1, at which enough draws count.

    Draws under them lie between the two densities: never narrower than the one that is sought.

    Args:
        log_weights: [object, sample].
        enough: effective draws, fewer than there are samples.

    Example:
        >>> logs = torch.linspace(-20, 0, 100)[None]
        >>> round(float(effective(logs))), round(float(effective(tempered(logs, 40.0))))
        (10, 40)
    """
    low, high = torch.zeros(len(log_weights)), torch.ones(len(log_weights))
    low = torch.where(effective(log_weights) >= enough, high, low)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        many = effective(middle[:, None] * log_weights) >= enough
        low, high = torch.where(many, middle, low), torch.where(many, high, middle)
    return low[:, None] * log_weights


def resampled(points: Tensor, log_weights: Tensor, count: int) -> Tensor:
    """Points without weights, in the mean as often as their weights say (Kitagawa 1996).

    Neighbours in the answer are far from each other in the list of points.

    Args:
        points: [object, sample, D].
        log_weights: [object, sample].
        count: how many.

    Returns:
        [object, count, D].

    Example:
        >>> points = torch.arange(4.0)[None, :, None]
        >>> half = resampled(points, torch.tensor([[0.0, 0.0, -99.0, -99.0]]), 6)
        >>> half[0, :, 0].sort().values.tolist()
        [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    """
    edges = log_weights.softmax(1).nan_to_num(1.0).cumsum(1)
    places = (torch.arange(count) + 0.5) / count
    shuffled = places[torch.randperm(count, generator=torch.Generator().manual_seed(count))]
    wanted = (shuffled * edges[:, -1:]).contiguous()
    picked = torch.searchsorted(edges, wanted).clamp(max=points.shape[1] - 1)
    return points.gather(1, picked[..., None].expand(-1, -1, points.shape[2]))
