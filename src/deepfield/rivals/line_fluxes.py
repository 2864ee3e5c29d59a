"""Line fluxes: Gaussians on a polynomial continuum, by least squares at a known redshift."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

LIGHT = 2.99792458e17
"""nm/s"""
ABSORPTION = 1.1e-3
"""sigma in ln wavelength of stellar Balmer absorption"""
BALMER = (656.46, 486.27, 434.17)
"""nm; lines with absorption below"""


@dataclass(frozen=True)
class LineFluxes:
    """Fluxes of lines that share a window, with their covariance.

    Args:
        lines: nm, rest frame: those asked for, and others in the window that are fitted along.
        asked: how many of them, from the first, are asked for.
        half: of the window beyond the outermost lines, in ln wavelength.
        width: sigma of the lines in ln wavelength: the resolution.
        degree: of the continuum's polynomial.
        absorption: fit stellar absorption below Balmer lines too.
        floor: error of the line's shape, as a share of its flux; added to that of the noise.

    Raises:
        ValueError: no lines.

    Example:
        >>> nm = 400 * torch.exp(4e-4 * torch.arange(600))
        >>> line = torch.exp(-0.5 * ((nm / 450).log() / 4.25e-4) ** 2)
        >>> fit = LineFluxes((450.0,), 1)
        >>> flux, error = fit(1 + line[None], torch.ones(1, 600), nm, torch.zeros(1))
        >>> expected = 4.25e-4 * (2 * math.pi) ** 0.5 * LIGHT / 450 * 1e-15
        >>> abs(float(flux) / expected - 1) < 0.01
        True
    """

    lines: tuple[float, ...]
    asked: int
    half: float = 0.02
    width: float = 4.25e-4
    degree: int = 2
    absorption: bool = True
    floor: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.asked <= len(self.lines):
            raise ValueError(f"{self.asked} of {len(self.lines)} lines; expected one or more")

    def __call__(
        self, flux: Tensor, weight: Tensor, wavelength: Tensor, shift: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Fluxes and their covariance; NaN where a line is not covered.

        Args:
            flux: [object, point] nJy, 0 where nothing was measured.
            weight: [object, point] inverse variances, 0 where nothing was measured.
            wavelength: [point] nm, even in ln.
            shift: [object] ln(1 + z).

        Returns:
            [object, asked line] 1e-17 erg / s / cm2, and [object, asked, asked] covariances.
        """
        ln = wavelength.double().log()
        step = float(ln[-1] - ln[0]) / (len(ln) - 1)
        centres = torch.tensor(self.lines).double().log()
        low = float(centres.min()) - self.half
        points = int((float(centres.max()) + self.half - low) / step) + 1
        first = torch.ceil((low + shift.double() - float(ln[0])) / step).long()
        at = first[:, None] + torch.arange(points)
        inside = (at >= 0) & (at < len(ln))
        at = at.clamp(0, len(ln) - 1)
        data = flux.gather(1, at).double()
        weight = (weight.gather(1, at) * inside).double()
        rest = ln[at] - shift.double()[:, None]
        design = self._design(rest, centres)
        top = weight.amax(1).clamp(min=1e-30)[:, None]
        weighted = design * (weight / top)[:, None]
        matrix = weighted @ design.transpose(1, 2)
        scale = matrix.diagonal(dim1=1, dim2=2).clamp(min=1e-12).rsqrt()
        matrix = matrix * scale[:, None] * scale[:, :, None]
        inverse = torch.linalg.inv(matrix + 1e-9 * torch.eye(matrix.shape[1]).double())
        inverse = inverse * scale[:, None] * scale[:, :, None]
        peak = (inverse @ (weighted @ data[..., None]))[:, : self.asked, 0]
        spread = inverse[:, : self.asked, : self.asked] / top[..., None]
        # From the peak of f_nu to a flux: sigma sqrt(2 pi) c / wavelength.
        nm = (centres[: self.asked] + shift.double()[:, None]).exp()
        unit = self.width * math.sqrt(2 * math.pi) * LIGHT / nm * 1e-15
        near = (rest[:, None] - centres[: self.asked, None]).abs() < 2.5 * self.width
        covered = ((weight > 0)[:, None] & near).sum(2) >= 0.9 * (5 * self.width / step)
        known = torch.where(covered, 1.0, torch.nan)
        covariance = spread * (unit * known)[:, None] * (unit * known)[:, :, None]
        found = peak * unit * known
        covariance += torch.diag_embed((self.floor * found).square())
        return found.float(), covariance.float()

    def _design(self, rest: Tensor, centres: Tensor) -> Tensor:
        """[object, term, point]: lines, absorption, polynomials."""
        away = rest[:, None] - centres[:, None]
        terms = [torch.exp(-0.5 * (away / self.width) ** 2)]
        balmer = [i for i, line in enumerate(self.lines) if line in BALMER]
        if self.absorption and balmer:
            terms.append(torch.exp(-0.5 * (away[:, balmer] / ABSORPTION) ** 2))
        x = (rest - rest.mean(1, keepdim=True)) / self.half
        terms.append(torch.stack([x**n for n in range(self.degree + 1)], 1))
        return torch.cat(terms, 1)


def log_fluxes(flux: Tensor, covariance: Tensor, levels: Sequence[float] | Tensor) -> Tensor:
    """log10 of true fluxes above 0, as samples that keep the lines' correlation.

    Args:
        flux: [object, line], and
        covariance: [object, line, line], of a fit.
        levels: [sample, line] points in the open unit cube.

    Returns:
        [object, sample, line].

    Example:
        >>> points = torch.linspace(0.01, 0.99, 50)[:, None]
        >>> found = log_fluxes(torch.tensor([[100.0]]), torch.ones(1, 1, 1), points)
        >>> round(float(found.median()), 2)
        2.0
    """
    points = torch.as_tensor(levels, dtype=torch.float64)
    variance = covariance.double().diagonal(dim1=1, dim2=2)
    sigma = variance.sqrt()
    correlation = covariance.double() / (sigma[:, None] * sigma[:, :, None])
    correlation = correlation.nan_to_num() * 0.999 + 0.001 * torch.eye(points.shape[1])
    root = torch.linalg.cholesky(correlation)
    normal = torch.special.ndtri(points) @ root.transpose(1, 2)
    # The part of every Gaussian that is above 0.
    below = torch.special.ndtr(-flux.double() / sigma)[:, None]
    share = below + (1 - below) * torch.special.ndtr(normal)
    value = flux.double()[:, None] + sigma[:, None] * torch.special.ndtri(
        share.clamp(max=1 - 1e-12)
    )
    return value.clamp(min=1e-4 * sigma[:, None]).log10().float()
