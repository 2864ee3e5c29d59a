"""Galaxies to light: noiseless images of a population, its parts, and whether they can be seen."""

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.nouns.survey import Survey
from deepfield.render.pixels import convolve, subpixel_grid
from deepfield.render.sersic import sersic
from deepfield.sky.painted import PAINTERS, PARTS, Painted
from deepfield.sky.population import SMOOTH, Galaxies
from deepfield.sky.profiles import by_slope
from deepfield.sky.rows import take
from deepfield.sky.visibility import matched_filter

SUPERSAMPLING = 2
IN_CACHE = 16
"""galaxies painted at a time: three times as fast as a hundred"""


@dataclass(frozen=True)
class Shown:
    """What a population looks like before noise, and what of it can be seen.

    Args:
        image: [object, channel, y, x] nJy.
        feature_signal_to_noise: [object] of the feature's image, with it minus without it (the
            same light without the pattern), by a matched filter over all bands against the sky.
        feature_size: [object] px, the scale that must be resolved for it to be told.
        parts: [object, y, x] nJy in the middle band of every part that was asked for.

    A smooth galaxy has no feature. Its lack of one can be seen if each of the four kinds of
    feature could be, in a galaxy of its size and brightness: both numbers are the least of four.
    """

    image: Tensor
    feature_signal_to_noise: Tensor
    feature_size: Tensor
    parts: dict[str, Tensor]


def shine(
    galaxies: Galaxies, survey: Survey, *, size: int, psf: Psf, parts: Collection[str] = ()
) -> Shown:
    """Render every galaxy through the PSF.

    Smooth galaxies and bulges are Sersic profiles on the Gaussian ladder; discs are painted on a
    finer grid.

    Args:
        galaxies: their parameters.
        survey: bands, pixel scale and depth.
        size: side of the stamps, px.
        psf: shared, or one for each galaxy.
        parts: names of ``PARTS`` to render alone.
    """
    image = _spheroids(galaxies, survey, psf, size)
    alone = {name: image.new_zeros(len(galaxies), size, size) for name in parts}
    strength, scale = (torch.full((len(galaxies),), torch.inf) for _ in range(2))
    y, x = subpixel_grid(size, SUPERSAMPLING)
    for kind, paint in PAINTERS.items():
        for at in _chunks(galaxies.kind == kind):
            some, seeing = take(galaxies, at), psf.take(at)
            painted = paint(some, survey, y, x)
            image[at] += convolve(
                painted.light, seeing, painted.flux, size=size, supersampling=SUPERSAMPLING
            )
            strength[at] = _strength(painted, survey, seeing)
            scale[at] = painted.size * some.radius
            for name in PARTS & painted.parts.keys() & alone.keys():
                alone[name][at] = _part(painted, name, survey, seeing, size)
        for at in _chunks(galaxies.kind == SMOOTH):
            some = take(galaxies, at)
            painted = paint(some, survey, y, x)
            strength[at] = strength[at].minimum(_strength(painted, survey, psf.take(at)))
            scale[at] = scale[at].minimum(painted.size * some.radius)
    return Shown(image, strength, scale, alone)


def _chunks(which: Tensor) -> list[Tensor]:
    rows = which.nonzero()[:, 0]
    return list(rows.split(IN_CACHE)) if len(rows) else []


def _strength(painted: Painted, survey: Survey, psf: Psf) -> Tensor:
    return matched_filter(
        painted.feature, painted.feature_flux, survey, psf=psf, supersampling=SUPERSAMPLING
    )


def _part(painted: Painted, name: str, survey: Survey, psf: Psf, size: int) -> Tensor:
    """[object, y, x] one part in the middle band; what is fainter than the disc counts as 0."""
    middle = slice(len(survey.bands) // 2, len(survey.bands) // 2 + 1)
    light = painted.parts[name].clamp(min=0)[:, None]
    total = light.sum((-1, -2), keepdim=True)[..., 0]
    seen = convolve(
        # A part that a galaxy lacks has no light to share out.
        torch.where(total[..., None] > 0, light, 1.0),
        Psf(psf.kernel[:, middle], psf.oversampling),
        total,
        size=size,
        supersampling=SUPERSAMPLING,
    )
    return seen[:, 0].clamp(min=0)


def _spheroids(galaxies: Galaxies, survey: Survey, psf: Psf, size: int) -> Tensor:
    """Smooth galaxies and bulges, and what lies inside some of the smooth ones."""
    smooth = galaxies.kind == SMOOTH
    inside = (smooth & (galaxies.inner > 0)).nonzero()[:, 0]
    rows = torch.cat([torch.arange(len(galaxies)), inside])
    share = torch.where(smooth, 1 - galaxies.inner, galaxies.bulge_to_total)
    some = take(galaxies, inside)

    def both(outer: Tensor, inner: Tensor) -> Tensor:
        return torch.cat([outer, inner])

    slope = torch.where(smooth, galaxies.slope, galaxies.slope_bulge)
    light = sersic(
        sersic_index=both(galaxies.sersic_index, torch.ones_like(some.inner)),
        radius=both(
            torch.where(smooth, galaxies.radius, galaxies.bulge_radius), 0.7 * some.radius
        ),
        axis_ratio=both(
            torch.where(smooth, galaxies.axis_ratio, galaxies.bulge_axis_ratio),
            some.inner_axis_ratio,
        ),
        position_angle=both(
            torch.where(smooth, galaxies.position_angle, galaxies.bulge_angle), some.inner_angle
        ),
        x=both(galaxies.x, some.x),
        y=both(galaxies.y, some.y),
        flux=by_slope(
            both(share * galaxies.flux, some.inner * some.flux), both(slope, some.slope), survey
        ),
        psf=psf.take(rows),
        size=size,
    )
    image = light[: len(galaxies)].contiguous()
    return image.index_add_(0, inside, light[len(galaxies) :])
