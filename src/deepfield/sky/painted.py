"""Painted: discs with arms, bars, rings, knots or dust, as surface brightness on a fine grid."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.nouns.survey import Survey
from deepfield.sky.arms import paint_arms
from deepfield.sky.bars import paint_bar, paint_round_bar
from deepfield.sky.discs import axes, column, exponential
from deepfield.sky.edge_on import MIXED, dust_lane, paint_edge_on
from deepfield.sky.knots import paint_knots
from deepfield.sky.population import BARRED, EDGE_ON, IRREGULAR, SPIRAL, Galaxies
from deepfield.sky.profiles import by_slope
from deepfield.sky.rings import paint_ring

PARTS = {"arm", "bar", "ring", "clump", "dust"}
ROUNDER = 0.45
"""axis ratio at which an edge-on disc would pass for a smooth galaxy"""


@dataclass(frozen=True)
class Painted:
    """Discs as planes of like colour, the feature of their kind, and parts alone.

    Args:
        light: [object, plane, Y, X] surface brightness, any unit.
        flux: [object, plane, channel] nJy of every plane; negative = absorbed.
        feature: [object, Y, X] with it minus without it, as shares of the disc's light.
        feature_flux: [object, channel] nJy of the disc in the feature's colour.
        size: [object] half-light radii, the scale that must be resolved to tell the feature.
        parts: [object, Y, X] nJy in the middle band above the smooth disc, before the PSF.
    """

    light: Tensor
    flux: Tensor
    feature: Tensor
    feature_flux: Tensor
    size: Tensor
    parts: dict[str, Tensor]


def paint_spirals(galaxies: Galaxies, survey: Survey, y: Tensor, x: Tensor) -> Painted:
    """Discs whose light is partly gathered in arms, some with a ring or HII regions."""
    radius, azimuth = _plane(galaxies, y, x)
    smooth = _shares(exponential(radius))
    arms = _shares(paint_arms(galaxies.arms, radius, azimuth))
    ring = _shares(paint_ring(galaxies.ring, radius))
    knots = _shares(_knots(galaxies, y, x))
    ringed, knotty = galaxies.ring.share, galaxies.regions.share
    gathered = galaxies.arms.share * (1 - ringed - knotty)
    young = column(gathered) * arms + column(ringed) * ring + column(knotty) * knots
    share = gathered + ringed + knotty
    disc = galaxies.flux * (1 - galaxies.bulge_to_total)
    feature = column(gathered) * (arms - smooth)
    return Painted(
        light=torch.stack([smooth, young], 1),
        flux=torch.stack(
            [
                by_slope(disc * (1 - share), galaxies.slope, survey),
                by_slope(disc * share, galaxies.slope_feature, survey),
            ],
            1,
        ),
        feature=feature,
        feature_flux=by_slope(disc, galaxies.slope_feature, survey),
        size=galaxies.arms.apart(),
        parts={
            "arm": column(disc) * feature,
            "ring": column(disc * ringed) * ring,
            "clump": column(disc * knotty) * knots,
        },
    )


def paint_barred(galaxies: Galaxies, survey: Survey, y: Tensor, x: Tensor) -> Painted:
    """Discs with a bar, some with faint arms, a ring or HII regions."""
    radius, azimuth = _plane(galaxies, y, x)
    smooth = _shares(exponential(radius))
    arms = _shares(paint_arms(galaxies.arms, radius, azimuth))
    ring = _shares(paint_ring(galaxies.ring, radius))
    knots = _shares(_knots(galaxies, y, x))
    bar = _shares(paint_bar(galaxies.bar, radius, azimuth))
    barred = galaxies.bar.share
    rest = 1 - barred
    ringed, gathered = galaxies.ring.share * rest, galaxies.faint_arms * rest
    # HII regions lie on arms: no arms, no knots.
    knotty = galaxies.regions.share * rest * (gathered > 0)
    disc = galaxies.flux * (1 - galaxies.bulge_to_total)
    young = column(gathered) * arms + column(ringed) * ring + column(knotty) * knots
    share = gathered + ringed + knotty
    old = column(rest - share) * smooth
    return Painted(
        light=torch.stack([old, bar, young + 1e-6 * smooth], 1),
        flux=torch.stack(
            [
                by_slope(disc * (rest - share), galaxies.slope, survey),
                by_slope(disc * barred, galaxies.slope_feature, survey),
                by_slope(disc * share, galaxies.slope_young, survey),
            ],
            1,
        ),
        feature=column(barred) * (bar - _shares(paint_round_bar(galaxies.bar, radius))),
        feature_flux=by_slope(disc, galaxies.slope_feature, survey),
        size=galaxies.bar.seen(galaxies.axis_ratio),
        parts={
            "arm": column(disc * gathered) * (arms - smooth),
            "bar": column(disc * barred) * bar,
            "ring": column(disc * ringed) * ring,
            "clump": column(disc * knotty) * knots,
        },
    )


def paint_irregular(galaxies: Galaxies, survey: Survey, y: Tensor, x: Tensor) -> Painted:
    """Lopsided discs full of clumps."""
    angle = torch.deg2rad(galaxies.lopsided_angle)
    shift = galaxies.lopsided * galaxies.radius
    along, across = axes(
        y,
        x,
        at_y=galaxies.y + shift * angle.sin(),
        at_x=galaxies.x + shift * angle.cos(),
        position_angle=galaxies.position_angle,
    )
    away = torch.hypot(along, across / column(galaxies.axis_ratio)) / column(galaxies.radius)
    smooth = _shares(exponential(away))
    clumps = _shares(
        paint_knots(
            galaxies.clumps, y, x, at_y=galaxies.y, at_x=galaxies.x, radius=galaxies.radius
        )
    )
    disc, share = galaxies.flux * (1 - galaxies.bulge_to_total), galaxies.clumps.share
    return Painted(
        light=torch.stack([smooth, clumps], 1),
        flux=torch.stack(
            [
                by_slope(disc * (1 - share), galaxies.slope, survey),
                by_slope(disc * share, galaxies.slope_feature, survey),
            ],
            1,
        ),
        feature=column(share) * (clumps - smooth),
        feature_flux=by_slope(disc, galaxies.slope_feature, survey),
        size=torch.ones_like(share),
        parts={"clump": column(disc * share) * clumps},
    )


def paint_edge_ons(galaxies: Galaxies, survey: Survey, y: Tensor, x: Tensor) -> Painted:
    """Discs from the side; dust takes light of the far half of disc and bulge, and some more."""
    along, across = axes(
        y, x, at_y=galaxies.y, at_x=galaxies.x, position_angle=galaxies.position_angle
    )
    before, behind = paint_edge_on(galaxies.edge, along, across, galaxies.radius)
    total = (before + behind).sum((-1, -2), keepdim=True)
    light = (before + behind) / total
    rounder = _shares(exponential(torch.hypot(along, across / ROUNDER) / column(galaxies.radius)))
    bulge = _shares(
        exponential(
            torch.hypot(along, across / column(galaxies.bulge_axis_ratio))
            / column(galaxies.bulge_radius)
        )
    )
    ratio = galaxies.bulge_to_total / (1 - galaxies.bulge_to_total)
    stars = (behind + MIXED * before) / total + column(ratio * (1 + MIXED) / 2) * bulge
    dimmed = stars * dust_lane(galaxies.edge, along, across, galaxies.radius)
    disc = galaxies.flux * (1 - galaxies.bulge_to_total)
    seen = by_slope(disc, galaxies.slope, survey)
    absorbed = galaxies.edge.absorbed(survey)
    lost = absorbed * dimmed.sum((-1, -2))[:, None]
    middle = len(survey.bands) // 2
    return Painted(
        light=torch.stack([light, dimmed], 1),
        flux=torch.stack([seen, -lost * seen], 1),
        feature=light - rounder,
        feature_flux=seen,
        size=torch.ones_like(disc),
        parts={"dust": column(disc * absorbed[:, middle]) * dimmed},
    )


Painter = Callable[[Galaxies, Survey, Tensor, Tensor], Painted]
PAINTERS: dict[int, Painter] = {
    EDGE_ON: paint_edge_ons,
    SPIRAL: paint_spirals,
    BARRED: paint_barred,
    IRREGULAR: paint_irregular,
}


def _plane(galaxies: Galaxies, y: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Radius (half-light radii) and azimuth (radians from the major axis) in the disc's plane."""
    along, across = axes(
        y, x, at_y=galaxies.y, at_x=galaxies.x, position_angle=galaxies.position_angle
    )
    across /= column(galaxies.axis_ratio)
    return torch.hypot(along, across) / column(galaxies.radius), torch.atan2(across, along)


def _knots(galaxies: Galaxies, y: Tensor, x: Tensor) -> Tensor:
    return paint_knots(
        galaxies.regions, y, x, at_y=galaxies.y, at_x=galaxies.x, radius=galaxies.radius
    )


def _shares(light: Tensor) -> Tensor:
    """Light of unit sum over the canvas."""
    return light / light.sum((-1, -2), keepdim=True)
