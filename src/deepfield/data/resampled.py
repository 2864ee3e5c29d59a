"""Resampled: spectra brought to another grid of wavelengths, with their variance."""

from dataclasses import replace

import torch
from torch import Tensor

from deepfield.nouns.batch import Batch, missing
from deepfield.nouns.flags import Flag

COVERED = 0.5
"""share of a new pixel that must be measured"""


def resampled(batch: Batch, wavelength: Tensor) -> Batch:
    """Spectra on the pixels of another grid: overlap-weighted means, which keep the flux density.

    Every new pixel is the mean of the old ones that it overlaps, weighted by the overlap; its
    variance is propagated as if old pixels were independent. New pixels within one old pixel
    share its noise: their variances are right, but they are correlated. Gaps stay gaps, and what
    the old grid does not cover becomes one.

    Source: Carnall 2017, arXiv:1705.05165.

    Args:
        batch: spectra with ``wavelength`` and a variance.
        wavelength: [point] nm, ascending, what is asked for.

    Returns:
        the batch on the new grid, flagged as resized, and as missing pixels where it has gaps.

    Raises:
        ValueError: no spectra, no wavelengths or variance, wavelengths that do not ascend, or
            grids that do not overlap.

    Example:
        >>> import numpy as np
        >>> nm = torch.linspace(400, 500, 101)
        >>> flux = torch.full((1, 1, 101), 3.0)
        >>> batch = Batch(np.array(["a"]), flux, ("flux",), ("wavelength",), flux, wavelength=nm)
        >>> coarse = resampled(batch, torch.linspace(410, 490, 21))
        >>> coarse.values[0, 0, :2].tolist(), bool((coarse.variance < 3).all())
        ([3.0, 3.0], True)
    """
    if batch.grid != ("wavelength",) or batch.wavelength is None or batch.variance is None:
        raise ValueError(
            f"grid {batch.grid}, wavelength {'missing' if batch.wavelength is None else 'given'}, "
            f"variance {'missing' if batch.variance is None else 'given'}; expected spectra with "
            "both"
        )
    old, new = edges(batch.wavelength), edges(wavelength)
    if new[0] >= old[-1] or new[-1] <= old[0]:
        raise ValueError(
            f"spectra from {float(old[0]):.1f} to {float(old[-1]):.1f} nm; expected some between "
            f"{float(new[0]):.1f} and {float(new[-1]):.1f} nm: is the wavelength in nm?"
        )
    seen = (~missing(batch)).double()
    values = torch.where(seen > 0, batch.values, 0.0).double()
    variance = torch.where(seen > 0, batch.variance.expand_as(values), 0.0).double()
    row, column, overlap = _overlaps(old, new)
    shape = (*values.shape[:2], len(wavelength))

    def gathered(numbers: Tensor, weight: Tensor) -> Tensor:
        out = torch.zeros(shape, dtype=torch.float64)
        return out.index_add(2, row, numbers[..., column] * weight)

    covered = gathered(seen, overlap)
    enough = covered > COVERED * new.diff()
    mean = gathered(values, overlap) / covered.clamp(min=1e-30)
    spread = gathered(variance, overlap.square()) / covered.clamp(min=1e-30).square()
    gap = (~enough).flatten(1).any(1)
    flags = torch.full((len(batch),), int(Flag.RESIZED)) | gap * int(Flag.MISSING_PIXELS)
    return replace(
        batch,
        values=torch.where(enough, mean, 0.0).to(batch.values),
        variance=torch.where(enough, spread, torch.inf).to(batch.variance),
        wavelength=wavelength.float(),
        flags=flags if batch.flags is None else batch.flags | flags,
    )


def edges(wavelength: Tensor) -> Tensor:
    """Borders of pixels half way between their centres, float64.

    Args:
        wavelength: [point] ascending.

    Returns:
        [point + 1].

    Raises:
        ValueError: fewer than two, or not ascending.

    Example:
        >>> edges(torch.tensor([1.0, 2.0, 3.0])).tolist()
        [0.5, 1.5, 2.5, 3.5]
    """
    nm = wavelength.double()
    if nm.ndim != 1 or len(nm) < 2 or not bool((nm.diff() > 0).all()):
        raise ValueError(
            f"wavelengths of shape {tuple(nm.shape)}; expected [point], ascending, two or more"
        )
    middle = (nm[1:] + nm[:-1]) / 2
    return torch.cat([2 * nm[:1] - middle[:1], middle, 2 * nm[-1:] - middle[-1:]])


def _overlaps(old: Tensor, new: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """New pixel, old pixel and nm that they share, of every pair that overlaps."""
    border = torch.cat([old, new]).unique()
    border = border[(border >= max(old[0], new[0])) & (border <= min(old[-1], new[-1]))]
    middle = (border[1:] + border[:-1]) / 2
    row, column = (torch.searchsorted(grid, middle) - 1 for grid in (new, old))
    return row, column, border.diff()
