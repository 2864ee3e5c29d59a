"""Rest frame: the principal components of spectra at many redshifts, gaps and noise allowed."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

ROUNDS = 12
FLOOR = 0.03
"""of the mean flux: added to the noise, so that a few bright spectra do not decide alone"""
BLUE = 8
"""points of templates beyond redshift 0, for what comes towards us"""
EDGE = 8
"""points at either end that a shift by a fraction spoils"""


@dataclass(frozen=True)
class RestFrame:
    """Templates on the grid of the spectra, from the bluest point that any redshift shows.

    Args:
        spectra: [template, rest point], of unit mean square, the most important first.
        origin: point of the templates that is point 0 of a spectrum at redshift 0.
        lowest, highest: shifts that they were learnt from, points.
    """

    spectra: Tensor
    origin: int
    lowest: float
    highest: float


def principal_components(
    flux: Tensor, variance: Tensor, shift: Tensor, *, count: int, origin: int
) -> RestFrame:
    """Components of noisy spectra, each seen in its own window of the rest frame.

    Expectation maximisation: coefficients of every spectrum by weighted least squares, then
    templates, rest point by rest point, by the same (Bailey 2012, PASP 124, 1015).

    Args:
        flux, variance: [object, point] on a grid that is even in ln wavelength.
        shift: [object] ln(1 + z) over the grid's step.
        count: templates.
        origin: the largest shift that templates must allow, points.

    Raises:
        ValueError: fewer spectra than templates.

    Example:
        >>> flux = 2 + torch.sin(torch.arange(80.0) / 5) * torch.rand(30, 1)
        >>> found = principal_components(
        ...     flux, torch.full_like(flux, 1e-4), torch.zeros(30), count=2, origin=0
        ... )
        >>> found.spectra.shape
        torch.Size([2, 88])
    """
    objects, points = flux.shape
    if objects < count:
        raise ValueError(f"{objects} spectra for {count} templates; expected more spectra")
    seen, weight, start = _aligned(flux, variance, shift, origin)
    numbers = np.random.default_rng(0).normal(size=(objects, count))
    coefficients = torch.from_numpy(numbers).float() * 0.1
    coefficients[:, 0] = 1
    length = points + origin + BLUE
    spectra = torch.zeros(count, length)
    for _ in range(ROUNDS):
        spectra = _maximised(seen, weight, start, coefficients, length)
        coefficients = _expected(seen, weight, start, spectra)
    # The most important first: by what the coefficients do to the spectra.
    covered = spectra.abs().sum(0) > 0
    scale = spectra[:, covered].square().mean(1).sqrt()
    _, _, turn = torch.linalg.svd(coefficients * scale, full_matrices=False)
    spectra = turn @ (spectra / scale[:, None])
    spectra = spectra / spectra[:, covered].square().mean(1).sqrt()[:, None]
    return RestFrame(spectra, origin, float(shift.min()), float(shift.max()))


def moved(spectra: Tensor, fraction: Tensor) -> Tensor:
    """Spectra shifted to the blue by fractions of a point, by the Fourier shift theorem.

    Args:
        spectra: [object, point].
        fraction: [object].

    Example:
        >>> wave = torch.sin(2 * torch.pi * torch.arange(64.0) / 16)[None]
        >>> whole = moved(wave, torch.tensor([1.0]))
        >>> bool(torch.allclose(whole[0, 9:50], wave[0, 10:51], atol=0.05))
        True
    """
    points = spectra.shape[1]
    # A straight line between the ends goes, that the jump there may not ring.
    ramp = torch.linspace(0, 1, points)
    line = torch.lerp(spectra[:, :1], spectra[:, -1:], ramp)
    frequency = torch.fft.rfftfreq(points)
    turn = torch.exp(2j * torch.pi * frequency * fraction[:, None])
    slope = (spectra[:, -1:] - spectra[:, :1]) / (points - 1)
    smooth: Tensor = torch.fft.irfft(torch.fft.rfft(spectra - line) * turn, points)
    return smooth + line + slope * fraction[:, None]


def _aligned(
    flux: Tensor, variance: Tensor, shift: Tensor, origin: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Spectra over their mean, weights, and the rest point of every one's first point."""
    known = variance.isfinite() & flux.isfinite()
    level = torch.where(known, flux, 0.0).sum(1) / known.sum(1).clamp(min=1)
    level = level.abs().clamp(min=1e-30)[:, None]
    whole = shift.round()
    clean = torch.where(known, flux, level) / level
    seen = moved(clean, shift - whole)
    weight = torch.where(known, 1 / (variance / level.square() + FLOOR**2), 0.0)
    weight[:, :EDGE], weight[:, -EDGE:] = 0, 0
    return seen, weight, origin - whole.long()


def _maximised(seen: Tensor, weight: Tensor, start: Tensor, c: Tensor, points: int) -> Tensor:
    """[template, rest point] that fit best for given coefficients."""
    count, width = c.shape[1], seen.shape[1]
    upper = torch.triu_indices(count, count)
    products = c[:, upper[0]] * c[:, upper[1]]
    matrix, right = torch.zeros(len(upper[0]), points), torch.zeros(count, points)
    for i, first in enumerate(start.tolist()):
        at = slice(first, first + width)
        matrix[:, at].addr_(products[i], weight[i])
        right[:, at].addr_(c[i], weight[i] * seen[i])
    full = torch.zeros(points, count, count)
    full[:, upper[0], upper[1]] = matrix.T
    full[:, upper[1], upper[0]] = matrix.T
    # Rest points that few spectra show stay near zero.
    ridge = 1e-3 * full.diagonal(dim1=1, dim2=2).mean().clamp(min=1e-12)
    full = full + ridge * torch.eye(count)
    return torch.linalg.solve(full, right.T[..., None])[..., 0].T.contiguous()


def _expected(seen: Tensor, weight: Tensor, start: Tensor, spectra: Tensor) -> Tensor:
    """[object, template] coefficients that fit best for given templates."""
    count, width = len(spectra), seen.shape[1]
    rows = []
    for i, first in enumerate(start.tolist()):
        shown = spectra[:, first : first + width]
        weighted = shown * weight[i]
        matrix = weighted @ shown.T
        ridge = 1e-6 * matrix.diagonal().mean() * torch.eye(count)
        rows.append(torch.linalg.solve(matrix + ridge, weighted @ seen[i]))
    return torch.stack(rows)
