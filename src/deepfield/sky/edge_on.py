"""Edge-on discs: finite thickness, a thick disc, and a dust lane before most of the stars."""

from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.nouns.survey import Survey
from deepfield.sky.discs import DARKEST, SCALE_LENGTH, column, exponential
from deepfield.sky.numbers import Numbers

HEIGHTS = (-0.97296, -0.25541, 0.25541, 0.97296)
"""medians of the four quarters of sech^2 z, which has the variance pi^2 / 12"""
WITHIN = 0.31645
"""variance that is left inside the quarters"""
SOFTEST = 0.25
"""px, the smallest scale length across a layer that a canvas with two points a pixel can hold"""
MIXED = 0.4
"""share of the near half's light that lies within the dust or behind it"""
REDDENING = -0.7
"""d ln (optical depth) / d ln wavelength (Charlot & Fall 2000)"""


@dataclass(frozen=True)
class EdgeOn:
    """A disc of layers, each exponential, whose heights follow sech^2 (van der Kruit 1981).

    Args:
        axis_ratio: [object] of the thin disc on the sky, by second moments.
        tilt: [object] cosine of the inclination.
        thick: [object] share of a disc that is three times thicker.
        optical_depth: [object] of the dust in the middle band; 0 = no dust.
        lane: [object] length of the lane in half-light radii, ``lane_ratio`` its axis ratio.
        side: [object] 1 or -1: which side of the minor axis is the far one.
    """

    axis_ratio: Tensor
    tilt: Tensor
    thick: Tensor
    optical_depth: Tensor
    lane: Tensor
    lane_ratio: Tensor
    side: Tensor

    def absorbed(self, survey: Survey) -> Tensor:
        """[object, channel] share of the light behind the middle of the lane that is lost."""
        wavelengths = torch.tensor([band.wavelength for band in survey.bands])
        curve = (wavelengths / wavelengths[len(wavelengths) // 2]) ** REDDENING
        return 1 - torch.exp(-self.optical_depth[:, None] * curve)


def draw_edge_on(numbers: Numbers, *, dusty: float, thick: float) -> EdgeOn:
    """Edge-on discs; takes 9 numbers.

    Args:
        numbers: at least 9 are left.
        dusty: share of discs with a lane.
        thick: share of discs with a thick disc.
    """
    ratio = numbers.flat((0.10, 0.22))
    tilt = ratio * numbers.flat((0.1, 0.7))
    lane = numbers.flat((0.7, 1.4))
    return EdgeOn(
        axis_ratio=ratio,
        tilt=tilt,
        thick=numbers.flat((0.1, 0.35)) * numbers.chance(thick),
        optical_depth=numbers.flat((1.0, 4.0)) * numbers.chance(dusty),
        lane=lane,
        lane_ratio=torch.hypot(tilt, numbers.flat((0.06, 0.15))),
        side=numbers.pick(-1, 1),
    )


def layers(
    ratio: Tensor, tilt: Tensor, side: Tensor, along: Tensor, across: Tensor, radius: Tensor
) -> tuple[Tensor, Tensor]:
    """Light of the half of a disc before its mid-plane, and of the half behind it.

    Args:
        ratio: [object] axis ratio on the sky by second moments, at least ``tilt``.
        tilt, side: [object] as in ``EdgeOn``.
        along, across: [object, Y, X] distances along the axes, px.
        radius: [object] half-light radius, px.

    Returns:
        two tensors [object, Y, X] of surface brightness.
    """
    height = _height(ratio, tilt) * SCALE_LENGTH * radius
    flat = 1 / column(_flattening(ratio, tilt, radius))
    along = along.square()
    halves = []
    for pair in (HEIGHTS[2:], HEIGHTS[:2]):
        half = torch.zeros_like(across)
        for z in pair:
            away = (across - column(side * z * height)) * flat
            half += exponential((along + away.square()).sqrt() / column(radius))
        halves.append(half)
    return halves[0], halves[1]


def paint_edge_on(
    disc: EdgeOn, along: Tensor, across: Tensor, radius: Tensor
) -> tuple[Tensor, Tensor]:
    """The halves of thin and thick disc together before and behind the mid-plane, without dust.

    Args:
        disc: of the galaxies.
        along, across: [object, Y, X] distances along the axes, px.
        radius: [object] half-light radius, px.

    Returns:
        two tensors [object, Y, X] of surface brightness.

    Example:
        >>> disc = draw_edge_on(Numbers(torch.rand(1, 9).numpy()), dusty=1.0, thick=1.0)
        >>> before, behind = paint_edge_on(
        ...     disc, torch.ones(1, 2, 2), torch.zeros(1, 2, 2), torch.ones(1)
        ... )
        >>> bool((behind > 0).all())
        True
    """
    before, behind = layers(disc.axis_ratio, disc.tilt, disc.side, along, across, radius)
    fat = (3 * disc.axis_ratio).clamp(max=0.5)
    thick = exponential(torch.hypot(along, across / column(fat)) / column(radius))
    # A thicker disc of the same light is fainter; the thin one is made of four quarters.
    quarters = 4 * _flattening(disc.axis_ratio, disc.tilt, radius)
    thick *= column(disc.thick * quarters / fat / 2)
    thin = column(1 - disc.thick)
    return thin * before + thick, thin * behind + thick


def dust_lane(disc: EdgeOn, along: Tensor, across: Tensor, radius: Tensor) -> Tensor:
    """[object, Y, X] how much of the lane's full depth the dust has, 0 to 1."""
    length = column(disc.lane * radius)
    thin = length * column(disc.lane_ratio).clamp(min=SOFTEST / length)
    exponent = (along / length).square() + (across / thin).square()
    return exponent.neg_().clamp_(min=DARKEST).exp_()


def _height(ratio: Tensor, tilt: Tensor) -> Tensor:
    """[object] of the disc in scale lengths; <x^2> of an exponential disc is three of them."""
    return ((ratio.square() - tilt.square()) * 36).sqrt() / torch.pi


def _flattening(ratio: Tensor, tilt: Tensor, radius: Tensor) -> Tensor:
    """[object] axis ratio of one layer."""
    exact = (tilt.square() + WITHIN / 3 * _height(ratio, tilt).square()).sqrt()
    return torch.maximum(exact, SOFTEST / (SCALE_LENGTH * radius))
