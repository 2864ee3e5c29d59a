"""Scores of attribution maps: against the true evidence, and by taking it away."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.ndimage import maximum_filter
from scipy.stats import rankdata
from torch import Tensor


def pointing_game(maps: Tensor, truth: Tensor, *, tolerance: int = 0) -> float:
    """Share of objects whose strongest pixel lies on the evidence (Zhang+18, IJCV 126, 1084).

    Args:
        maps: [object, y, x] evidence; of pixels that are equally strong the share counts.
        truth: [object, y, x] bool, pixels that hold the evidence; objects without any are left
            out.
        tolerance: the strongest pixel may lie so many px beside it, along either axis.

    Returns:
        between 0 and 1; NaN without objects.

    Example:
        >>> maps = torch.tensor([[[0.0, 3.0, 1.0]], [[5.0, 0.0, 0.0]]])
        >>> truth = torch.tensor([[[False, True, False]], [[False, False, True]]])
        >>> pointing_game(maps, truth)
        0.5
    """
    strongest, inside = _checked(maps, truth)
    if tolerance:
        inside = maximum_filter(inside, size=(1, 2 * tolerance + 1, 2 * tolerance + 1))
    if not len(strongest):
        return float("nan")
    strongest = strongest == strongest.max((1, 2), keepdims=True)
    return float(((strongest & inside).sum((1, 2)) / strongest.sum((1, 2))).mean())


def overlap(maps: Tensor, truth: Tensor) -> float:
    """Mean intersection over union of the evidence and as many of the strongest pixels.

    Args:
        maps, truth: as in ``pointing_game``.

    Returns:
        between 0 and 1; NaN without objects.

    Example:
        >>> truth = torch.tensor([[[True, True, False]]])
        >>> round(overlap(torch.tensor([[[5.0, 1.0, 3.0]]]), truth), 3)
        0.333
    """
    values, inside = _checked(maps, truth)
    if not len(values):
        return float("nan")
    values, inside = values.reshape(len(values), -1), inside.reshape(len(values), -1)
    area = inside.sum(1)
    found = _places(values) < area[:, None]
    both = (found & inside).sum(1)
    return float((both / (2 * area - both)).mean())


def mass_inside(maps: Tensor, truth: Tensor) -> float:
    """Mean share of the positive evidence that lies on the true one (Arras+22, 2003.07258).

    Args:
        maps, truth: as in ``pointing_game``.

    Returns:
        between 0 and 1; a map without positive evidence counts 0; NaN without objects.

    Example:
        >>> truth = torch.tensor([[[True, False, False]]])
        >>> mass_inside(torch.tensor([[[3.0, 1.0, -5.0]]]), truth)
        0.75
    """
    values, inside = _checked(maps, truth)
    if not len(values):
        return float("nan")
    positive = values.clip(min=0)
    whole = positive.sum((1, 2))
    return float(((positive * inside).sum((1, 2)) / np.where(whole > 0, whole, 1)).mean())


def deletion(
    score: Callable[[Tensor], Tensor],
    values: Tensor,
    maps: Tensor,
    *,
    baseline: float | Tensor = 0.0,
    steps: int = 32,
) -> Tensor:
    """The score while pixels are taken away, strongest evidence first (Petsiuk+18, 1806.07421).

    Args:
        score: [object, channel, y, x] -> [object].
        values: [object, channel, y, x] the images.
        maps: [object, y, x] evidence; equally strong pixels go in the order of the grid.
        baseline: what a pixel becomes, broadcastable to the values.
        steps: as many equal shares of the pixels go at a time.

    Returns:
        [object, steps + 1] from the whole image to none of it.

    Raises:
        ValueError: shapes that do not fit, or less than one step.

    Example:
        >>> values, maps = torch.ones(1, 1, 2, 2), torch.tensor([[[4.0, 3.0], [2.0, 1.0]]])
        >>> deletion(lambda v: (v[:, 0] * maps).sum((1, 2)), values, maps, steps=4).tolist()
        [[10.0, 6.0, 3.0, 1.0, 0.0]]
    """
    return _curve(score, values, torch.as_tensor(baseline).to(values), values, maps, steps)


def insertion(
    score: Callable[[Tensor], Tensor],
    values: Tensor,
    maps: Tensor,
    *,
    baseline: float | Tensor = 0.0,
    steps: int = 32,
) -> Tensor:
    """The score while pixels are put into an empty image, strongest evidence first.

    Args:
        score, values, maps, baseline, steps: as in ``deletion``.

    Returns:
        [object, steps + 1] from nothing to the whole image.

    Example:
        >>> values, maps = torch.ones(1, 1, 2, 2), torch.tensor([[[4.0, 3.0], [2.0, 1.0]]])
        >>> insertion(lambda v: (v[:, 0] * maps).sum((1, 2)), values, maps, steps=4).tolist()
        [[0.0, 4.0, 7.0, 9.0, 10.0]]
    """
    return _curve(score, values, values, torch.as_tensor(baseline).to(values), maps, steps)


def area(curve: Tensor) -> Tensor:
    """[object] area under curves [object, step] over a unit interval: low deletion is good.

    Example:
        >>> area(torch.tensor([[1.0, 0.5, 0.0]])).tolist()
        [0.5]
    """
    return torch.trapezoid(curve, dx=1 / (curve.shape[1] - 1), dim=1)


def rank_correlation(maps: Tensor, others: Tensor) -> Tensor:
    """Spearman's rank correlation of two maps of each object.

    Args:
        maps, others: [object, ...] of one shape.

    Returns:
        [object] between -1 and 1; NaN where a map is constant.

    Raises:
        ValueError: different shapes.

    Example:
        >>> rank_correlation(torch.tensor([[1.0, 2.0, 9.0]]), torch.tensor([[0.0, 3.0, 4.0]]))
        tensor([1.])
    """
    if maps.shape != others.shape:
        raise ValueError(f"maps of shape {tuple(maps.shape)} and {tuple(others.shape)} differ")
    ranks = [rankdata(one.detach().flatten(1).cpu().numpy(), axis=1) for one in (maps, others)]
    first, second = (r - r.mean(1, keepdims=True) for r in ranks)
    scale = np.sqrt((first**2).sum(1) * (second**2).sum(1))
    # Rounding may go past 1.
    correlation = (first * second).sum(1) / np.where(scale > 0, scale, np.nan)
    return torch.from_numpy(correlation.clip(-1, 1)).float()


def _checked(maps: Tensor, truth: Tensor) -> tuple[np.ndarray, np.ndarray]:
    if maps.ndim != 3 or maps.shape != truth.shape:
        raise ValueError(
            f"maps of shape {tuple(maps.shape)} for evidence of shape {tuple(truth.shape)}; "
            "expected both [object, y, x]: sum the maps over bands"
        )
    inside = truth.detach().cpu().numpy().astype(bool)
    known = inside.any((1, 2))
    return maps.detach().float().cpu().numpy()[known], inside[known]


def _places(values: np.ndarray) -> np.ndarray:
    """[object, pixel] place of each pixel, the strongest first; ties in the order of the grid."""
    order = np.argsort(-values, axis=1, kind="stable")
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(order.shape[1])[None], axis=1)
    return places


def _curve(
    score: Callable[[Tensor], Tensor],
    values: Tensor,
    changed: Tensor,
    untouched: Tensor,
    maps: Tensor,
    steps: int,
) -> Tensor:
    if maps.shape != (len(values), *values.shape[2:]):
        raise ValueError(
            f"maps of shape {tuple(maps.shape)} for images of shape {tuple(values.shape)}; "
            "expected [object, y, x]: sum the maps over bands"
        )
    if steps < 1:
        raise ValueError(f"{steps} steps; expected at least 1")
    places = torch.from_numpy(_places(maps.detach().flatten(1).cpu().numpy())).to(values.device)
    share = ((places + 0.5) / places.shape[1]).reshape(len(values), 1, *values.shape[2:])
    with torch.no_grad():
        return torch.stack(
            [
                score(torch.where(share < step / steps, changed, untouched))
                for step in range(steps + 1)
            ],
            1,
        )
