"""Noise: the sky level and its sigma, from images that come without a noise map."""

import torch
from torch import Tensor

RING = 8
"""the sky is sought in a ring along the edge, this part of the side wide"""
PIXELS = 4096
"""of the ring are used at most, evenly spaced: the level is then known to 0.04 sigma"""
SIGMA_PER_MAD = 1.4826


def sky(values: Tensor) -> tuple[Tensor, Tensor]:
    """Sky level and background sigma of every image and channel, robust against its galaxy.

    The level is sought where the pixels crowd most (the shortest interval that holds half of
    them), in a ring along the edge (in the whole
    image where the ring is empty); sigma is the spread of the pixels below it, where galaxies do
    not reach. The level is then the median of the pixels within 2 sigma. Pixels of equal value
    are taken as spread evenly over one quantisation step (the smallest gap between values), so
    that sigma is never below step / sqrt(12): not 0 on the constant background of a JPEG. An
    image of one value has the step 1.

    Args:
        values: [object, channel, y, x]; NaN = missing.

    Returns:
        level and sigma, [object, channel] each; NaN where there are no pixels.

    Example:
        >>> images = 5 + 2 * torch.randn(1, 1, 64, 64, generator=torch.manual_seed(0))
        >>> images[..., 24:40, 24:40] += 100.0
        >>> [round(x.item()) for x in sky(images)]
        [5, 2]
    """
    pixels = _ring(values).float()
    if not bool(pixels.isfinite().any(-1).all()):
        pixels = values.flatten(2).float()
    count = pixels.isfinite().sum(-1, keepdim=True)
    ordered = pixels.masked_fill(~pixels.isfinite(), torch.inf).sort(-1).values
    last = (count - 1).clamp(min=0)
    # What is not there repeats the largest value, which keeps the arithmetic finite.
    ordered = torch.where(ordered.isfinite(), ordered, ordered.gather(-1, last))
    ordered = ordered.nan_to_num(0.0, 0.0, 0.0)
    step = _step(ordered)
    spread = _spread(ordered, step, count)

    start = torch.arange(spread.shape[-1]).expand_as(spread)
    half = (count + 1) // 2
    end = (start + half - 1).clamp(min=0)
    width = spread.gather(-1, end.clamp(max=spread.shape[-1] - 1)) - spread
    first = width.masked_fill(end > last, torch.inf).argmin(-1, keepdim=True)
    level = spread.gather(-1, first + half // 2)
    for _ in range(2):
        level, sigma = _around(spread, level, count, step)
    empty = count[..., 0] == 0
    return level[..., 0].masked_fill(empty, torch.nan), sigma[..., 0].masked_fill(empty, torch.nan)


def estimate_sigma(values: Tensor) -> Tensor:
    """Background sigma of every image and channel; see ``sky``.

    Args:
        values: [object, channel, y, x]; NaN = missing.

    Returns:
        [object, channel], never 0; NaN where there are no pixels.

    Example:
        >>> bool(estimate_sigma(torch.full((1, 1, 8, 8), 3.0)) > 0.28)
        True
    """
    return sky(values)[1]


def _ring(values: Tensor) -> Tensor:
    """[object, channel, pixel] along the edge, thinned where there are very many."""
    rows, columns = values.shape[-2:]
    width = max(2, min(rows, columns) // RING)
    if min(rows, columns) <= 2 * width:
        pixels = values.flatten(2)
    else:
        sides = values[..., width:-width, :]
        parts = (
            values[..., :width, :],
            values[..., -width:, :],
            sides[..., :width],
            sides[..., -width:],
        )
        pixels = torch.cat([part.flatten(2) for part in parts], -1)
    return pixels[..., :: 1 + pixels.shape[-1] // PIXELS]


def _step(ordered: Tensor) -> Tensor:
    gaps = ordered.diff(dim=-1)
    smallest = gaps.masked_fill(gaps <= 0, torch.inf).amin(-1, keepdim=True)
    return torch.where(smallest.isfinite(), smallest, torch.ones_like(smallest))


def _spread(ordered: Tensor, step: Tensor, count: Tensor) -> Tensor:
    """The same ordered pixels, equal ones spread evenly over one step."""
    before = torch.searchsorted(ordered, ordered)
    after = torch.minimum(torch.searchsorted(ordered, ordered, right=True), count)
    place = torch.arange(ordered.shape[-1]) - before + 0.5
    return ordered + step * (place / (after - before).clamp(min=1) - 0.5)


def _around(spread: Tensor, level: Tensor, count: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
    """The level and sigma of the ordered pixels near a first level."""
    below = torch.searchsorted(spread, level, right=True).clamp(min=1)
    mad = level - spread.gather(-1, (below - 1) // 2)
    sigma = torch.maximum(SIGMA_PER_MAD * mad, step / 12**0.5)
    first = torch.searchsorted(spread, level - 2 * sigma)
    end = torch.minimum(torch.searchsorted(spread, level + 2 * sigma, right=True), count)
    return spread.gather(-1, ((first + end - 1) // 2).clamp(min=0)), sigma
