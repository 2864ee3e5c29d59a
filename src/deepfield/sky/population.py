"""The population: how many galaxies of which kind, and how each is built."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.quantity import Quantity
from deepfield.nouns.survey import Survey
from deepfield.render.draws import uniforms
from deepfield.render.noise import sky_variance
from deepfield.sky.arms import Arms, draw_arms
from deepfield.sky.bars import Bar, draw_bar
from deepfield.sky.edge_on import EdgeOn, draw_edge_on
from deepfield.sky.knots import Knots, along_arms, scattered
from deepfield.sky.numbers import Numbers
from deepfield.sky.priors import Range, check_range
from deepfield.sky.rings import Ring, draw_ring

KIND = Quantity(
    "kind",
    classes=("smooth", "edge_on", "spiral", "barred", "irregular"),
    description="morphological kind",
)
SMOOTH, EDGE_ON, SPIRAL, BARRED, IRREGULAR = range(5)
NUMBERS = 160
"""uniform numbers kept for each galaxy; some are spare"""


@dataclass(frozen=True)
class Galaxies:
    """Parameters of many galaxies; lengths in pixels, angles in degrees east of north.

    Every galaxy has the parameters of every part; its kind says which of them it shows.

    Args:
        kind: [object] index into ``KIND.classes``.
        signal_to_noise: of half the light within the half-light ellipse, in the middle band.
        flux: nJy in the middle band.
        radius: major-axis half-light radius of the disc (of the whole, if smooth).
        axis_ratio, position_angle, x, y: of the disc; x and y from the stamp's centre.
        sersic_index: of the whole if smooth, else of the bulge.
        bulge_to_total, bulge_radius, bulge_axis_ratio, bulge_angle: of the bulge, light fraction
            first.
        inner, inner_axis_ratio, inner_angle: share of a second component inside a smooth galaxy,
            and its shape: an embedded disc or a twist, which make isophotes disky or boxy.
        slope, slope_bulge, slope_feature: d ln flux / d ln wavelength of the disc (or the
            whole), the bulge, and of arms, bar or clumps.
        slope_young: the same of what is young in a barred galaxy.
        arms, bar, ring, edge: of discs; ``faint_arms`` is the share of a barred galaxy's arms.
        regions: HII regions along the arms of spiral and barred galaxies.
        clumps: of an irregular galaxy.
        lopsided, lopsided_angle: shift of an irregular galaxy's disc in half-light radii, and
            its direction.
    """

    kind: Tensor
    signal_to_noise: Tensor
    flux: Tensor
    radius: Tensor
    axis_ratio: Tensor
    position_angle: Tensor
    x: Tensor
    y: Tensor
    sersic_index: Tensor
    bulge_to_total: Tensor
    bulge_radius: Tensor
    bulge_axis_ratio: Tensor
    bulge_angle: Tensor
    inner: Tensor
    inner_axis_ratio: Tensor
    inner_angle: Tensor
    slope: Tensor
    slope_bulge: Tensor
    slope_feature: Tensor
    slope_young: Tensor
    arms: Arms
    faint_arms: Tensor
    bar: Bar
    ring: Ring
    edge: EdgeOn
    regions: Knots
    clumps: Knots
    lopsided: Tensor
    lopsided_angle: Tensor

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True)
class Population:
    """Priors of five equally frequent kinds, relative to a survey's sharpness and depth.

    Sizes are in units of the PSF and brightness is a signal-to-noise ratio, so that the same
    question is equally hard in any survey. About half of the features can be seen.

    Args:
        signal_to_noise: lowest and highest, log-uniform.
        radius: disc half-light radius in PSF FWHM, lowest and highest, log-uniform.
        flocculent: share of spiral patterns that are broken and many-armed.
        ringed: share of barred galaxies with a ring; spirals have it half as often.
        dusty: share of edge-on discs with a dust lane.
        thick: share of edge-on discs with a thick disc.

    Raises:
        ValueError: a prior that cannot be.

    Example:
        >>> from deepfield.sky.surveys import sdss
        >>> galaxies = Population().draw(np.arange(3), sdss(), seed=1, split="train", size=64)
        >>> galaxies.radius.shape
        torch.Size([3])
    """

    signal_to_noise: Range = (5.0, 2500.0)
    radius: Range = (0.9, 3.2)
    flocculent: float = 0.45
    ringed: float = 0.4
    dusty: float = 0.6
    thick: float = 0.4

    def __post_init__(self) -> None:
        for name in ("signal_to_noise", "radius"):
            limits = getattr(self, name)
            check_range(name, limits, at_least=0)
            if limits[0] == 0:
                raise ValueError(f"{name} {limits}; expected more than 0")
        for name in ("flocculent", "ringed", "dusty", "thick"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} {getattr(self, name)}; expected a share from 0 to 1")

    def draw(
        self, indices: np.ndarray, survey: Survey, *, seed: int, split: str, size: int
    ) -> Galaxies:
        """The galaxies of these indices: each from (seed, split, index) alone.

        Args:
            indices: [object] int.
            survey: its middle band sets brightness and PSF.
            size: of the stamps, px; no half-light radius is above a sixth of it.
        """
        numbers = Numbers(uniforms(seed, split, indices, NUMBERS))
        band = survey.bands[len(survey.bands) // 2]
        fwhm = band.psf_fwhm / survey.pixel_scale
        kind = numbers.pick(0, 1, 2, 3, 4)
        snr = numbers.log_flat(self.signal_to_noise)
        low, high = (limit * fwhm for limit in self.radius)
        radius = numbers.log_flat((low, min(high, max(low, size / 6))))

        def by_kind(*values: Tensor | float) -> Tensor:
            """One of five values for each galaxy."""
            columns = [torch.as_tensor(v, dtype=torch.float32).expand(kind.shape) for v in values]
            return torch.stack(columns).gather(0, kind[None])[0]

        # An edge-on disc shows its major axis: more of its light lies in fewer pixels.
        edge = draw_edge_on(numbers, dusty=self.dusty, thick=self.thick)
        # As in Galaxy Zoo, arms and bars are asked for where the disc is seen well enough.
        inclined = numbers.flat((0.5, 1.0))
        axis_ratio = by_kind(
            numbers.flat((0.45, 1.0)),
            edge.axis_ratio,
            inclined,
            inclined,
            numbers.flat((0.45, 1.0)),
        )
        angle = numbers.flat((0.0, 180.0))
        area = math.pi * (axis_ratio * radius**2 + (0.6 * fwhm) ** 2)
        sigma = float(sky_variance(survey)[len(survey.bands) // 2].sqrt())
        bulge = numbers.flat((0.0, 0.4))
        # f_nu rises with wavelength: g - r is about 0.29 times the slope.
        early, tint = numbers.chance(0.75), numbers.normal(0.0, 0.2)
        red, blue = numbers.normal(2.4, 0.2), numbers.normal(1.55, 0.35)
        slope = by_kind(
            torch.where(early, red, blue),
            numbers.normal(2.0, 0.4),
            *[blue + 0.1] * 2,
            numbers.normal(1.1, 0.4),
        )
        arms, bar = draw_arms(numbers, flocculent=self.flocculent), draw_bar(numbers)
        # Knots stand out of what the arms gather; half of the spirals have none.
        gathered = numbers.flat((0.02, 0.1)) * numbers.chance(0.5)
        regions = along_arms(
            numbers, arms, position_angle=angle, axis_ratio=inclined, share=gathered
        )
        return Galaxies(
            kind=kind,
            signal_to_noise=snr,
            flux=2 * snr * sigma * area.sqrt(),
            radius=radius,
            axis_ratio=axis_ratio,
            position_angle=angle,
            x=numbers.flat((-1.5, 1.5)),
            y=numbers.flat((-1.5, 1.5)),
            sersic_index=torch.where(
                kind == SMOOTH, numbers.log_flat((0.8, 5.0)), numbers.flat((1.0, 4.0))
            ),
            bulge_to_total=by_kind(0.0, 0.9 * bulge, bulge, bulge, 0.25 * bulge),
            bulge_radius=radius * numbers.flat((0.12, 0.35)),
            # A bulge is rounder than the disc it sits in, and not quite aligned with it.
            bulge_axis_ratio=axis_ratio ** numbers.flat((0.25, 0.55)),
            bulge_angle=angle + numbers.normal(0.0, 10.0) * (kind != EDGE_ON),
            inner=numbers.flat((0.05, 0.35)) * numbers.chance(0.6) * (kind == SMOOTH),
            inner_axis_ratio=(axis_ratio * numbers.flat((0.55, 1.3))).clamp(max=1.0),
            inner_angle=angle + numbers.normal(0.0, 15.0),
            slope=slope,
            slope_bulge=slope.maximum(2.1 + tint),
            slope_feature=by_kind(slope, slope, slope - 0.5, slope + 0.2, slope - 0.5) + tint,
            slope_young=slope - 0.5,
            arms=arms,
            faint_arms=numbers.flat((0.1, 0.3)) * numbers.chance(0.5),
            bar=bar,
            ring=draw_ring(
                numbers,
                inner=torch.where(kind == BARRED, bar.length, 0.7),
                ringed=self.ringed * by_kind(0, 0, 0.5, 1, 0),
            ),
            edge=edge,
            regions=regions,
            clumps=scattered(numbers),
            lopsided=numbers.flat((0.1, 0.6)),
            lopsided_angle=numbers.flat((0.0, 360.0)),
        )
