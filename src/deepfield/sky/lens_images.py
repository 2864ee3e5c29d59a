"""Lens systems to light: arcs, what imitates them, the galaxy in front, and its neighbours."""

import math
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.nouns.survey import Survey
from deepfield.render.noise import sky_variance
from deepfield.render.pixels import convolve, subpixel_grid
from deepfield.render.sersic import sersic
from deepfield.sky.clumpy_sources import Sources, arcs
from deepfield.sky.impostors import Discs, rings, spirals
from deepfield.sky.lensing import Lens
from deepfield.sky.profiles import by_slope

LENS, WEAK, SPIRAL, RING, COMPANION, PLAIN = range(6)
FINE = 0.066
"""arcsec between points at which arcs are painted: half the width of the smallest clump"""
PAINTED = 2
"""points a pixel, along an axis, at which spirals and rings are painted"""
IN_CACHE = 4
"""systems painted at a time"""


@dataclass(frozen=True)
class Systems:
    """Parameters of many lens systems and impostors; arcsec, degrees east of north.

    Args:
        kind: [object] LENS, WEAK, SPIRAL, RING, COMPANION or PLAIN.
        x, y: [object] centre of the galaxy, from the stamp's.
        lens, sources: of all objects, whether they have a source or not.
        discs: a spiral's or a ring's; a plain galaxy's is a ring that is not shown.
        signal_to_noise: [object] of the feature: arcs, arms, ring or blue companions.
        contrast: [object] how many magnitudes the galaxy is brighter than its feature.
        slope, slope_feature: [object] d ln flux / d ln wavelength.
        sersic: [object, component, 5] of the galaxy: Sersic index, half-light radius, axis ratio,
            position angle, share of its light.
        companions: [object, companion, 7] of the feature of a COMPANION: x, y, radius, axis
            ratio, position angle, share of the feature's light, slope.
        neighbours: [object, neighbour, 7] the same, their share relative to the galaxy's light.
    """

    kind: Tensor
    x: Tensor
    y: Tensor
    lens: Lens
    sources: Sources
    discs: Discs
    signal_to_noise: Tensor
    contrast: Tensor
    slope: Tensor
    slope_feature: Tensor
    sersic: Tensor
    companions: Tensor
    neighbours: Tensor

    def take(self, indices: Tensor) -> "Systems":
        """Some of the systems."""
        some: dict[str, Any] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            some[f.name] = value[indices] if isinstance(value, Tensor) else value.take(indices)
        return Systems(**some)


@dataclass(frozen=True)
class Shown:
    """What systems look like before noise, apart.

    Args:
        arc: [object, channel, y, x] nJy, lensed light.
        galaxy: the galaxy in the middle, with its disc or ring.
        neighbours: what else is near, unlensed.
        flux_source, flux_galaxy: [object] nJy, middle band, 0 where there is none.
        magnification: [object] flux of the arcs over that of the source; NaN without a source.
    """

    arc: Tensor
    galaxy: Tensor
    neighbours: Tensor
    flux_source: Tensor
    flux_galaxy: Tensor
    magnification: Tensor


def shine(systems: Systems, survey: Survey, *, psf: Psf, size: int) -> Shown:
    """Render every system through the PSF.

    The brightness of each feature follows from its signal-to-noise ratio, by a matched filter
    over all bands against the sky, and the galaxy's from its feature's.

    Args:
        systems: their parameters.
        survey: bands, pixel scale and depth.
        psf: shared, or one for each system.
        size: side of the stamps, px.
    """
    feature, light = _features(systems, survey, psf, size)
    sky = sky_variance(survey)[:, None, None]
    flux = systems.signal_to_noise / (feature.square() / sky).sum((1, 2, 3)).sqrt()
    galaxy_flux = flux * light * 10 ** (0.4 * systems.contrast)
    kind = systems.kind
    # A disc's light is arms by half: these, not all of it, are as bright as arcs.
    flux = torch.where(kind == SPIRAL, 2 * flux, flux)
    feature *= flux[:, None, None, None]
    own, other = _galaxies(systems, galaxy_flux, survey, psf, size)
    lensed, disc = kind <= WEAK, (kind == SPIRAL) | (kind == RING)
    own += feature * _where(disc)
    other += feature * _where(kind == COMPANION)
    return Shown(
        arc=feature * _where(lensed),
        galaxy=own,
        neighbours=other,
        flux_source=flux * lensed,
        flux_galaxy=galaxy_flux + flux * disc,
        magnification=torch.where(lensed, light, torch.nan),
    )


def _features(systems: Systems, survey: Survey, psf: Psf, size: int) -> tuple[Tensor, Tensor]:
    """Images of features of unit flux, and the flux that is seen of each.

    An arc's unit is the flux of its source, so that what is seen is the magnification; else 1.
    """
    image = torch.zeros(len(systems.kind), len(survey.bands), size, size)
    light = torch.ones(len(image))
    for kinds, paint in (
        ((LENS, WEAK), _arcs),
        ((SPIRAL,), _spirals),
        ((RING, PLAIN), _rings),
    ):
        for at in torch.isin(systems.kind, torch.tensor(kinds)).nonzero()[:, 0].split(IN_CACHE):
            if not len(at):  # an empty tensor splits into one empty part
                continue
            some = systems.take(at)
            image[at], light[at] = paint(some, survey, psf.take(at), size)
    at = (systems.kind == COMPANION).nonzero()[:, 0]
    some = systems.take(at)
    image[at] = _others(some, some.companions, light[at], survey, psf.take(at), size)
    return image, light


def _arcs(systems: Systems, survey: Survey, psf: Psf, size: int) -> tuple[Tensor, Tensor]:
    finer = max(PAINTED, math.ceil(survey.pixel_scale / FINE - 1e-9))
    painted = arcs(systems.lens, systems.sources, *_points(systems, survey, size, finer))
    light = painted.sum((1, 2)) * (survey.pixel_scale / finer) ** 2
    return _seen(painted, light, systems, survey, psf, size, finer), light


def _spirals(systems: Systems, survey: Survey, psf: Psf, size: int) -> tuple[Tensor, Tensor]:
    painted, one = spirals(systems.discs, *_points(systems, survey, size, PAINTED)), systems.x**0
    return _seen(painted, one, systems, survey, psf, size, PAINTED), one


def _rings(systems: Systems, survey: Survey, psf: Psf, size: int) -> tuple[Tensor, Tensor]:
    painted, one = rings(systems.discs, *_points(systems, survey, size, PAINTED)), systems.x**0
    return _seen(painted, one, systems, survey, psf, size, PAINTED), one


def _seen(
    painted: Tensor,
    light: Tensor,
    systems: Systems,
    survey: Survey,
    psf: Psf,
    size: int,
    finer: int,
) -> Tensor:
    """Painted features [object, Y, X] of so much light, through the PSF."""
    flux = by_slope(light, systems.slope_feature, survey)
    return convolve(painted[:, None], psf, flux[:, None], size=size, supersampling=finer)


def _galaxies(
    systems: Systems, flux: Tensor, survey: Survey, psf: Psf, size: int
) -> tuple[Tensor, Tensor]:
    """Images of the galaxies in the middle, and of their neighbours."""
    owner, number = (systems.sersic[..., 4] > 0).nonzero(as_tuple=True)
    index, radius, ratio, angle, share = systems.sersic[owner, number].T
    light = sersic(
        sersic_index=index,
        radius=radius / survey.pixel_scale,
        axis_ratio=ratio,
        position_angle=angle,
        x=systems.x[owner] / survey.pixel_scale,
        y=systems.y[owner] / survey.pixel_scale,
        flux=by_slope(share * flux[owner], systems.slope[owner], survey),
        psf=psf.take(owner),
        size=size,
    )
    image = torch.zeros(len(flux), len(survey.bands), size, size).index_add_(0, owner, light)
    return image, _others(systems, systems.neighbours, flux, survey, psf, size)


def _others(
    systems: Systems, rows: Tensor, flux: Tensor, survey: Survey, psf: Psf, size: int
) -> Tensor:
    """Images of exponential galaxies near the one in the middle, together."""
    image = torch.zeros(len(rows), len(survey.bands), size, size)
    owner, number = (rows[..., 5] > 0).nonzero(as_tuple=True)
    if not len(owner):
        return image
    x, y, radius, ratio, angle, share, slope = rows[owner, number].T
    light = sersic(
        sersic_index=torch.ones_like(x),
        radius=radius / survey.pixel_scale,
        axis_ratio=ratio,
        position_angle=angle,
        x=(systems.x[owner] + x) / survey.pixel_scale,
        y=(systems.y[owner] + y) / survey.pixel_scale,
        flux=by_slope(share * flux[owner], slope, survey),
        psf=psf.take(owner),
        size=size,
    )
    return image.index_add_(0, owner, light)


def _points(systems: Systems, survey: Survey, size: int, finer: int) -> tuple[Tensor, Tensor]:
    """x and y [object, Y, X] of a fine grid, arcsec from the galaxies."""
    y, x = (axis * survey.pixel_scale for axis in subpixel_grid(size, finer))
    both = torch.broadcast_tensors(x - systems.x[:, None, None], y - systems.y[:, None, None])
    return both[0], both[1]


def _where(mask: Tensor) -> Tensor:
    return mask[:, None, None, None]
