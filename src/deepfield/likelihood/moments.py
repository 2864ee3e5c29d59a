"""Moments: centre, size, ellipticity and flux of a galaxy by a Gaussian that adapts to it."""

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from deepfield.likelihood.pixels import Pixels

ROUNDS = 10
CHUNK = 32
"""Stamps at a time: they stay in cache."""
HALF_LIGHT = math.sqrt(2 * math.log(2))
"""Half-light radius of a Gaussian, in standard deviations."""
SMALLEST, FLATTEST = 0.3, 0.1
"""Least standard deviation of a galaxy behind its PSF, px, and its least axis ratio."""


@dataclass(frozen=True)
class Moments:
    """Of galaxies behind their PSF, all bands together.

    Args:
        radius: [object] half-light, along the major axis, px, of the Gaussian that fits.
        axis_ratio, position_angle: [object]; degrees from +y towards -x.
        x, y: [object] offsets from the stamp's centre, px.
        flux: [object, band] of that Gaussian; its error where there is no light, 1 where there are
            no pixels.
    """

    radius: Tensor
    axis_ratio: Tensor
    position_angle: Tensor
    x: Tensor
    y: Tensor
    flux: Tensor


FIELDS = fields(Moments)


def moments(pixels: Pixels, sky: Tensor | None = None) -> Moments:
    """Adaptive moments (Bernstein & Jarvis 2002, section 3), less those of the PSF.

    The weight follows the galaxy, so that noise far from it and neighbours outside do not count.

    Args:
        pixels: of the objects; masked pixels do not count either.
        sky: [object, band] to subtract first.

    Returns:
        of every object; of one without pixels a guess, of the middle of its stamp.

    Example:
        >>> from deepfield.likelihood.model import Model
        >>> from deepfield.likelihood.pixels import pixels
        >>> from deepfield.nouns.psf import Psf
        >>> from deepfield.render.psf import moffat
        >>> psf = Psf(moffat(3.0, 3.0, side=31)[None, None])
        >>> flux_radius_shear = torch.tensor([[5.0, 1.5, 0.0, 0.8, -0.6, 0.4, -0.3]])
        >>> found = moments(pixels(Model(64).images(flux_radius_shear, psf), psf))
        >>> round(float(found.x), 1), round(float(found.position_angle))
        (0.4, 45)
    """
    kernel = pixels.psf.kernel.mean(1)
    finer = pixels.psf.oversampling
    _, blur = _adapt(kernel, kernel.new_full((len(kernel),), float(finer**2)))
    blur = (blur / finer**2).expand(len(pixels), -1)
    found = [
        _measure(pixels.take(rows), None if sky is None else sky[rows], blur[rows])
        for rows in torch.arange(len(pixels), device=kernel.device).split(CHUNK)
    ]
    return Moments(**{f.name: torch.cat([getattr(m, f.name) for m in found]) for f in FIELDS})


def _measure(pixels: Pixels, sky: Tensor | None, blur: Tensor) -> Moments:
    """Moments of a chunk, less those of the PSF [object, (yy, xx, xy)]."""
    values = pixels.values if sky is None else pixels.values - sky[:, :, None, None]
    power = pixels.weight.square()
    total = power.sum(1)
    image = torch.where(total > 0, (values * power).sum(1) / total, 0.0)
    size = image.shape[-1]
    spread = image.new_full((len(image),), (size / 10) ** 2)
    centre, matrix = _adapt(image, spread)
    yy, xx, xy = (matrix - blur).unbind(1)
    middle, half = (yy + xx) / 2, torch.hypot((yy - xx) / 2, xy)
    major = (middle + half).clamp(min=SMALLEST**2)
    minor = torch.maximum(middle - half, FLATTEST**2 * major)
    y, x = centre.unbind(1)
    return Moments(
        radius=HALF_LIGHT * major.sqrt(),
        axis_ratio=(minor / major).sqrt(),
        position_angle=torch.rad2deg(torch.atan2(-2 * xy, yy - xx)) / 2,
        x=x,
        y=y,
        flux=_fluxes(values, power, centre, matrix),
    )


def _adapt(image: Tensor, spread: Tensor) -> tuple[Tensor, Tensor]:
    """Centres [object, (y, x)] and second moments [object, (yy, xx, xy)] of the adapted weight."""
    zero = torch.zeros_like(spread)
    centre, matrix = torch.stack((zero, zero), 1), torch.stack((spread, spread, zero), 1)
    size = image.shape[-1]
    for _ in range(ROUNDS):
        weight, dy, dx = _gaussian(size, centre, matrix)
        # Sums of y^a x^b over the weighed image, for a and b up to 2.
        sums = _powers(dy).mT @ weight.mul_(image) @ _powers(dx)
        light = sums[:, 0, 0]
        y, x, yy, xx, xy = (
            sums[:, a, b] / light for a, b in ((1, 0), (0, 1), (2, 0), (0, 2), (1, 1))
        )
        # The weight halves the way of the centre, and the variance of a Gaussian.
        moved = (centre + 2 * torch.stack((y, x), 1)).clamp(-size / 4, size / 4)
        found = 2 * torch.stack((yy - y**2, xx - x**2, xy - x * y), 1)
        yy, xx, xy = found.unbind(1)
        good = (light > 0)[:, None]
        sane = (yy > 0.1) & (xx > 0.1) & (yy * xx - xy**2 > 0.01) & (yy + xx < size**2)
        centre = torch.where(good, moved, centre)
        matrix = torch.where(good & sane[:, None], found, matrix)
    return centre, matrix


def _powers(distance: Tensor) -> Tensor:
    """[object, pixel, (1, distance, its square)]."""
    return torch.stack((torch.ones_like(distance), distance, distance**2), -1)


def _gaussian(size: int, centre: Tensor, matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """[object, y, x] of peak 1, and the distances [object, y] and [object, x] from its centre."""
    axis = torch.arange(size, dtype=centre.dtype, device=centre.device) - (size - 1) / 2
    dy, dx = axis - centre[:, :1], axis - centre[:, 1:]
    yy, xx, xy = matrix[..., None].unbind(1)
    rows = torch.stack((dy**2 * xx, -2 * xy * dy, torch.ones_like(dy)), -1)
    columns = torch.stack((torch.ones_like(dx), dx, dx**2 * yy), -2)
    exponent = rows / (-2 * (yy * xx - xy**2))[..., None] @ columns
    # Far wings are 0 either way, and subnormal numbers slow.
    return exponent.clamp_(min=-60).exp_(), dy, dx


def _fluxes(values: Tensor, power: Tensor, centre: Tensor, matrix: Tensor) -> Tensor:
    """[object, band] of the Gaussian, least squares."""
    weight, _, _ = _gaussian(values.shape[-1], centre, matrix)
    yy, xx, xy = matrix.unbind(1)
    unit = (weight / (2 * math.pi * (yy * xx - xy**2).sqrt())[:, None, None])[:, None]
    precision = (power * unit**2).sum((2, 3))
    known = precision > 0
    precision = torch.where(known, precision, 1.0)
    flux = (values * unit * power).sum((2, 3)) / precision
    return torch.where(known, torch.maximum(flux, precision.rsqrt()), 1.0)
