"""Galaxies to light: noiseless images of a population, and whether its features can be seen."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.nouns.survey import Survey
from deepfield.render.noise import sky_variance
from deepfield.render.pixels import convolve, subpixel_grid
from deepfield.render.psf import survey_psf
from deepfield.render.sersic import sersic
from deepfield.sky import features
from deepfield.sky.population import BARRED, EDGE_ON, IRREGULAR, SMOOTH, SPIRAL, Galaxies

SUPERSAMPLING = 2
IN_CACHE = 16
"""galaxies painted at a time: three times as fast as a hundred"""
ROUNDER = 0.45
"""axis ratio at which an edge-on disc would pass for a smooth galaxy"""


@dataclass(frozen=True)
class Light:
    """What a population looks like before noise, and what of it can be seen.

    Args:
        image: [object, channel, y, x] nJy, with companions.
        feature_signal_to_noise: [object] of the feature's image, with it minus without it (the
            same light without the pattern), by a matched filter over all bands against the sky.
        feature_size: [object] px, the scale that must be resolved for it to be told.

    A smooth galaxy has no feature. Its lack of one can be seen if each of the four kinds of
    feature could be, in a galaxy of its size and brightness: both numbers are the least of four.
    """

    image: Tensor
    feature_signal_to_noise: Tensor
    feature_size: Tensor


@dataclass(frozen=True)
class Painted:
    """A disc in components: how its light is shared with the feature in place, and the feature.

    Args:
        components: [object, component, Y, X] surface brightness.
        image, feature: [object, component] shares of the disc's light; the second sums to 0.
        tinted: component numbers that have the feature's colour.
        size: [object] half-light radii, the feature's scale.
    """

    components: Tensor
    image: Tensor
    feature: Tensor
    tinted: tuple[int, ...]
    size: Tensor


def colours(slope: Tensor, survey: Survey) -> Tensor:
    """[object, channel] flux relative to the middle band, for spectra that are power laws."""
    wavelengths = torch.tensor([band.wavelength for band in survey.bands])
    return (wavelengths / wavelengths[len(wavelengths) // 2]) ** slope[:, None]


def shine(galaxies: Galaxies, survey: Survey, *, size: int) -> Light:
    """Render every galaxy through the survey's PSF.

    Smooth galaxies, bulges, companions and edge-on discs are Sersic profiles on the Gaussian
    ladder; discs with arms, bars or clumps are painted on a finer grid.

    Args:
        galaxies: their parameters.
        survey: bands, pixel scale and PSF.
        size: side of the stamps, px.
    """
    psf = survey_psf(survey)
    image = _spheroids(galaxies, survey, psf, size)
    _add_companions(image, galaxies, survey, psf, size)
    sky = sky_variance(survey)[:, None, None]
    strength, scale = (torch.full((len(galaxies),), torch.inf) for _ in range(2))
    for kind in (EDGE_ON, SPIRAL, BARRED, IRREGULAR):
        has_it = galaxies.kind == kind
        for at in (has_it | (galaxies.kind == SMOOTH)).nonzero()[:, 0].split(IN_CACHE):
            if not len(at):  # an empty tensor splits into one empty part
                continue
            some = galaxies.take(at)
            disc, feature, extent = _disc(kind, some, survey, psf, size)
            image.index_add_(0, at, disc * has_it[at][:, None, None, None])
            seen = (feature**2 / sky).sum((1, 2, 3)).sqrt()
            strength[at] = strength[at].minimum(seen)
            scale[at] = scale[at].minimum(extent * some.radius)
    return Light(image, strength, scale)


def _spheroids(galaxies: Galaxies, survey: Survey, psf: Psf, size: int) -> Tensor:
    smooth = galaxies.kind == SMOOTH
    flux = galaxies.flux * torch.where(smooth, 1.0, galaxies.bulge_to_total)
    slope = torch.where(smooth, galaxies.slope, galaxies.slope_bulge)
    return sersic(
        sersic_index=galaxies.sersic_index,
        radius=torch.where(smooth, galaxies.radius, galaxies.bulge_radius),
        # A bulge is rounder than the disc it sits in.
        axis_ratio=torch.where(smooth, galaxies.axis_ratio, galaxies.axis_ratio**0.4),
        position_angle=galaxies.position_angle,
        x=galaxies.x,
        y=galaxies.y,
        flux=flux[:, None] * colours(slope, survey),
        psf=psf,
        size=size,
    )


def _add_companions(
    image: Tensor, galaxies: Galaxies, survey: Survey, psf: Psf, size: int
) -> None:
    owner, number = (galaxies.companions[..., 4] > 0).nonzero(as_tuple=True)
    if not len(owner):
        return
    x, y, radius, index, share, slope = galaxies.companions[owner, number].T
    light = sersic(
        sersic_index=index,
        radius=radius,
        axis_ratio=torch.full_like(radius, 0.8),
        position_angle=torch.zeros_like(radius),
        x=x,
        y=y,
        flux=(share * galaxies.flux[owner])[:, None] * colours(slope, survey),
        psf=psf,
        size=size,
    )
    image.index_add_(0, owner, light)


def _disc(
    kind: int, galaxies: Galaxies, survey: Survey, psf: Psf, size: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Images of the disc and of its feature, and the feature's size in half-light radii."""
    flux = galaxies.flux * (1 - galaxies.bulge_to_total)
    seen = flux[:, None] * colours(galaxies.slope, survey)
    if kind == EDGE_ON:
        thin = galaxies.axis_ratio.clamp(max=0.22)
        edge_on, rounder = (
            sersic(
                sersic_index=torch.ones_like(ratio),
                radius=galaxies.radius,
                axis_ratio=ratio,
                position_angle=galaxies.position_angle,
                x=galaxies.x,
                y=galaxies.y,
                flux=seen,
                psf=psf,
                size=size,
            )
            for ratio in (thin, torch.full_like(thin, ROUNDER))
        )
        return edge_on, edge_on - rounder, torch.ones_like(thin)
    painted = {SPIRAL: _spiral, BARRED: _barred, IRREGULAR: _irregular}[kind](galaxies, size)
    tinted = flux[:, None] * colours(galaxies.slope_feature, survey)
    colour = torch.stack(
        [tinted if i in painted.tinted else seen for i in range(painted.image.shape[1])], 1
    )
    both = convolve(
        painted.components,
        Psf(torch.cat([psf.kernel, psf.kernel], 1), psf.oversampling),
        torch.cat(
            [painted.image[..., None] * colour, painted.feature[..., None] * tinted[:, None]], 2
        ),
        size=size,
        supersampling=SUPERSAMPLING,
    )
    image, feature = both.split(len(survey.bands), 1)
    return image, feature, painted.size


def _spiral(galaxies: Galaxies, size: int) -> Painted:
    radius, azimuth = features.disc_plane(galaxies, *subpixel_grid(size, SUPERSAMPLING))
    share, none = galaxies.arm_strength, torch.zeros_like(galaxies.arm_strength)
    # Neighbouring arms at the half-light radius are so far apart.
    pitch = torch.deg2rad(galaxies.arm_pitch.abs())
    apart = (2 * torch.pi * pitch.sin() / galaxies.arms).clamp(max=1.0)
    return Painted(
        torch.stack([features.disc(radius), features.arms(galaxies, radius, azimuth)], 1),
        torch.stack([1 - share, share], 1),
        torch.stack([none - share, share], 1),
        (1,),
        apart,
    )


def _barred(galaxies: Galaxies, size: int) -> Painted:
    radius, azimuth = features.disc_plane(galaxies, *subpixel_grid(size, SUPERSAMPLING))
    bar, none = galaxies.bar_strength, torch.zeros_like(galaxies.bar_strength)
    arms = galaxies.bar_arms * (1 - bar)
    turn = torch.deg2rad(galaxies.bar_angle)
    projected = torch.hypot(turn.cos(), turn.sin() * galaxies.axis_ratio)
    return Painted(
        torch.stack(
            [
                features.disc(radius),
                features.arms(galaxies, radius, azimuth),
                features.bar(galaxies, radius, azimuth),
                features.round_bar(galaxies, radius, azimuth),
            ],
            1,
        ),
        torch.stack([1 - arms - bar, arms, bar, none], 1),
        torch.stack([none, none, bar, -bar], 1),
        (2, 3),
        galaxies.bar_length * projected,
    )


def _irregular(galaxies: Galaxies, size: int) -> Painted:
    y, x = subpixel_grid(size, SUPERSAMPLING)
    angle = torch.deg2rad(galaxies.arm_phase)
    shift = galaxies.lopsided * galaxies.radius
    off_centre = replace(
        galaxies, x=galaxies.x + shift * angle.cos(), y=galaxies.y + shift * angle.sin()
    )
    radius, _ = features.disc_plane(off_centre, y, x)
    share = galaxies.clump_strength
    return Painted(
        torch.stack([features.disc(radius), features.clumps(galaxies, y, x)], 1),
        torch.stack([1 - share, share], 1),
        torch.stack([-share, share], 1),
        (1,),
        torch.ones_like(share),
    )
