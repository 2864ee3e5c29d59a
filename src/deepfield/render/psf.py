"""Point spread functions: kernels integrated over pixels, and their transforms."""

import math

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.nouns.survey import Survey

FINE = 2.5
"""Smallest full width at half maximum, in kernel pixels, that counts as well sampled."""


def moffat(fwhm: float, beta: float, *, side: int, oversampling: int = 1) -> Tensor:
    """Moffat profile (1 + (r/a)^2)^-beta, integrated over image pixels (Moffat 1969).

    Args:
        fwhm: full width at half maximum before pixel integration, image pixels.
        beta: slope of the wings; larger is steeper.
        side: kernel pixels a side, odd.
        oversampling: kernel pixels per image pixel.

    Returns:
        [y, x] float32, sum 1: light outside the kernel is given back in proportion.

    Raises:
        ValueError: an even side, or a width or slope without a meaning.

    Example:
        >>> kernel = moffat(3.0, 3.0, side=31)
        >>> kernel.shape, round(float(kernel.sum()), 4)
        (torch.Size([31, 31]), 1.0)
    """
    _check(fwhm, side, oversampling)
    if beta <= 1:
        raise ValueError(f"beta is {beta}; a Moffat profile has a finite flux only above 1")
    scale = fwhm / (2 * math.sqrt(2 ** (1 / beta) - 1))
    # Gauss-Legendre over the image pixel is exact to 1e-8 from FWHM = 1 px on.
    nodes, weights = np.polynomial.legendre.leggauss(10)
    points = _positions(side, oversampling)[:, None] + nodes / 2
    squared = (points / scale) ** 2
    surface = (1 + squared[:, None, :, None] + squared[None, :, None, :]) ** -beta
    kernel = np.einsum("yxab,a,b->yx", surface, weights, weights)
    return torch.from_numpy(kernel / kernel.sum()).float()


def gaussian(fwhm: float, *, side: int, oversampling: int = 1) -> Tensor:
    """Gaussian profile, integrated over image pixels exactly.

    Args:
        fwhm: full width at half maximum before pixel integration, image pixels.
        side: kernel pixels a side, odd.
        oversampling: kernel pixels per image pixel.

    Returns:
        [y, x] float32, sum 1.

    Raises:
        ValueError: an even side or a width without a meaning.

    Example:
        >>> kernel = gaussian(3.0, side=31)
        >>> bool(kernel[15, 15] == kernel.max())
        True
    """
    _check(fwhm, side, oversampling)
    sigma = fwhm / math.sqrt(8 * math.log(2))
    positions = torch.from_numpy(_positions(side, oversampling))
    upper, lower = ((positions + edge) / (sigma * math.sqrt(2)) for edge in (0.5, -0.5))
    profile = torch.erf(upper) - torch.erf(lower)
    kernel = profile[:, None] * profile
    return (kernel / kernel.sum()).float()


def survey_psf(survey: Survey, *, oversampling: int | None = None) -> Psf:
    """Moffat PSFs (beta 3) with the widths of a survey's bands.

    The kernels of all bands have the same side: 8 FWHM of the widest band (99.6 % of its light),
    at most 63 kernel pixels.

    Args:
        survey: its bands' ``psf_fwhm`` over its ``pixel_scale`` are the widths.
        oversampling: kernel pixels per image pixel; by default the smallest that samples the
            sharpest band by at least 2.5 kernel pixels per FWHM.

    Returns:
        one PSF for all objects, a channel per band.

    Example:
        >>> from deepfield.nouns.survey import Band
        >>> sharp = Band("F814W", 814.0, 25.9, 2000.0, 22.0, 0.1, 2.0, "made up")
        >>> psf = survey_psf(Survey("space", (sharp,), 0.05))
        >>> psf.oversampling, psf.kernel.shape
        (2, torch.Size([1, 1, 33, 33]))
    """
    widths = [band.psf_fwhm / survey.pixel_scale for band in survey.bands]
    side, finer = sampling(survey, oversampling=oversampling)
    kernels = [moffat(width, 3.0, side=side, oversampling=finer) for width in widths]
    return Psf(torch.stack(kernels)[None], finer)


def sampling(survey: Survey, *, oversampling: int | None = None) -> tuple[int, int]:
    """Side of the kernels, in kernel pixels, and oversampling for the widths of a survey's bands.

    Args:
        survey, oversampling: as in :func:`survey_psf`.

    Example:
        >>> from deepfield.nouns.survey import Band
        >>> r = Band("r", 616.0, 26.0, 53.9, 20.86, 1.2, 1.0, "made up")
        >>> sampling(Survey("one band", (r,), 0.4))
        (25, 1)
    """
    widths = [band.psf_fwhm / survey.pixel_scale for band in survey.bands]
    finer = oversampling or max(1, math.ceil(FINE / min(widths) - 1e-9))
    return min(63, 2 * math.ceil(4 * max(widths) * finer) + 1), finer


def transfer(psf: Psf, *, grid: int, supersampling: int) -> Tensor:
    """Transform of the PSF on the frequencies of a periodic, supersampled grid.

    A finely sampled kernel is cut to the grid's frequencies; one that is coarser than the grid is
    taken to have no power beyond its own Nyquist frequency.

    Args:
        psf: kernels.
        grid: image pixels a side of the periodic grid, even.
        supersampling: grid points per image pixel.

    Returns:
        [object or 1, channel, grid * supersampling, grid * supersampling // 2 + 1], complex,
        laid out as ``torch.fft.rfft2``.

    Raises:
        ValueError: a kernel wider than the grid.

    Example:
        >>> psf = Psf(torch.eye(3)[1].outer(torch.eye(3)[1])[None, None])
        >>> transfer(psf, grid=8, supersampling=1).abs().min().item()
        1.0
    """
    height, width = psf.kernel.shape[-2:]
    points = grid * psf.oversampling
    if max(height, width) > points:
        raise ValueError(
            f"PSF kernel of {height} x {width} is wider than the grid of {points}; expected at "
            "most that: cut the kernel's wings or draw larger stamps"
        )
    padded = torch.nn.functional.pad(psf.kernel, (0, points - width, 0, points - height))
    centred = torch.roll(padded, (-(height // 2), -(width // 2)), (-2, -1))
    spectrum = torch.fft.rfft2(centred)
    if psf.oversampling == supersampling:
        return spectrum
    wanted, half = grid * supersampling, grid * min(psf.oversampling, supersampling) // 2
    out = spectrum.new_zeros(*spectrum.shape[:2], wanted, wanted // 2 + 1)
    out[..., :half, : half + 1] = spectrum[..., :half, : half + 1]
    out[..., -half:, : half + 1] = spectrum[..., -half:, : half + 1]
    return out


def _positions(side: int, oversampling: int) -> np.ndarray:
    """Centres of the kernel's pixels along an axis, in image pixels."""
    return (np.arange(side) - side // 2) / oversampling


def _check(fwhm: float, side: int, oversampling: int) -> None:
    if not fwhm > 0 or side < 1 or side % 2 == 0 or oversampling < 1:
        raise ValueError(
            f"fwhm {fwhm}, side {side}, oversampling {oversampling}; expected a positive width, "
            "an odd side and an oversampling of at least 1"
        )
