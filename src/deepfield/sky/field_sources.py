"""Field sources: stars and galaxies as frequent, large and red as they are at each magnitude."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor

from deepfield.nouns.quantity import Quantity
from deepfield.nouns.survey import Survey
from deepfield.render.draws import uniforms
from deepfield.render.noise import NANOJANSKY
from deepfield.sky.priors import Range, check_number, check_range, flat
from deepfield.sky.profiles import Profiles, by_slope

OBJECT = Quantity("object_type", classes=("galaxy", "star"), description="what it is")
NUMBERS = 16
POINT = 1e-3
"""half-light radius of a star, px: no wider than a point to any PSF"""
THICKNESS = 0.2
"""axis ratio of a disc seen from its edge"""


@dataclass(frozen=True)
class FieldSources:
    """Stars and bulge + disc galaxies drawn from magnitude counts.

    The number of galaxies rises as 10^(slope m), and their median size falls with magnitude;
    discs are inclined at random. The defaults follow deep I-band counts and sizes
    (Leauthaud+07, ApJS 172, 219: slope near 0.3, half-light radii near 0.5 arcsec at 22 mag).

    Args:
        magnitude: brightest and faintest, AB, in the middle band.
        slope: of log10 of the counts with magnitude.
        stars: share of stars.
        radius: median half-light radius of galaxies of 22 mag, arcsec; changes by
            ``radius_slope`` dex a magnitude and scatters by ``radius_scatter`` dex.
        bulges: share of galaxies that are bulge-dominated.
        colour: d ln flux / d ln wavelength of discs; bulges are redder by up to 1.

    Raises:
        ValueError: a prior that cannot be.

    Example:
        >>> from deepfield.sky.surveys import hsc
        >>> profiles, truth = FieldSources().profiles(np.arange(5), hsc(), seed=0, split="train")
        >>> profiles.flux.shape
        torch.Size([5, 2, 5])
    """

    magnitude: Range = (18.0, 26.0)
    slope: float = 0.3
    stars: float = 0.1
    radius: float = 0.5
    radius_slope: float = -0.09
    radius_scatter: float = 0.2
    bulges: float = 0.25
    colour: Range = (0.8, 3.0)

    quantities = (
        OBJECT,
        Quantity("magnitude", "mag(AB)", "flux", description="total, in the middle band"),
        Quantity("radius", "arcsec", "length", description="half-light radius of the disc"),
        Quantity("bulge_to_total", description="light of the bulge over all, middle band"),
        Quantity("axis_ratio", description="minor over major axis of the disc"),
        Quantity("position_angle", "deg", "angle", description="east of north"),
    )
    maps = ()

    def __post_init__(self) -> None:
        check_range("magnitude", self.magnitude)
        check_number("slope", self.slope)
        check_number("stars", self.stars, at_least=0, at_most=1)
        check_number("radius", self.radius, at_least=1e-3, at_most=100)
        check_number("radius_scatter", self.radius_scatter, at_least=0)
        check_number("bulges", self.bulges, at_least=0, at_most=1)
        check_range("colour", self.colour)

    def profiles(
        self, indices: np.ndarray, survey: Survey, *, seed: int, split: str
    ) -> tuple[Profiles, dict[str, Tensor]]:
        """The sources of these indices: bulge and disc each, and their truth by name."""
        columns = iter(uniforms(seed, split, indices, NUMBERS).T)

        def draw(limits: Range = (0, 1)) -> Tensor:
            return torch.as_tensor(flat(next(columns), limits), dtype=torch.float32)

        magnitude = torch.as_tensor(self._magnitudes(next(columns)), dtype=torch.float32)
        star = draw() < self.stars
        typical = np.log10(self.radius) + self.radius_slope * (magnitude - 22)
        scatter = torch.as_tensor(ndtri(np.clip(next(columns), 1e-6, 1 - 1e-6))).float()
        radius = 10 ** (typical + self.radius_scatter * scatter)
        early, share = draw() < self.bulges, draw()
        bulge = torch.where(early, 0.4 + 0.6 * share, 0.4 * share**2)
        ratio = torch.sqrt(draw() ** 2 * (1 - THICKNESS**2) + THICKNESS**2)
        angle = draw((0, 180))
        slope = draw(self.colour)
        slopes = torch.stack([slope + draw(), slope], 1)
        index, small = draw((2, 5)), draw((0.2, 0.6))
        # A bulge-dominated galaxy is as large as its bulge.
        small = torch.where(early, 0.5 + small, small)
        bulge = torch.where(star, 1.0, bulge)
        pixels = radius / survey.pixel_scale
        sizes = torch.stack([pixels * small, pixels], 1)
        flux = 10 ** (0.4 * (NANOJANSKY - magnitude))
        shares = torch.stack([bulge, 1 - bulge], 1) * flux[:, None]
        sources = Profiles(
            sersic_index=torch.stack([index, torch.ones_like(index)], 1),
            radius=torch.where(star[:, None], POINT, sizes),
            axis_ratio=torch.where(star[:, None], 1.0, torch.stack([ratio**0.5, ratio], 1)),
            position_angle=angle[:, None].expand(-1, 2),
            x=torch.zeros_like(magnitude),
            y=torch.zeros_like(magnitude),
            flux=by_slope(shares, slopes, survey),
        )
        truth = {
            "magnitude": magnitude,
            "radius": radius,
            "bulge_to_total": bulge,
            "axis_ratio": ratio,
            "position_angle": angle,
        }
        of_galaxies = {n: v.masked_fill(star, torch.nan) for n, v in truth.items()}
        return sources, {**of_galaxies, "object_type": star.long(), "magnitude": magnitude}

    def _magnitudes(self, uniform: np.ndarray) -> np.ndarray:
        """Inverse of the cumulative counts."""
        bright, faint = self.magnitude
        if abs(self.slope * (faint - bright)) < 1e-6:
            return flat(uniform, self.magnitude)
        high = 10 ** (self.slope * (faint - bright))
        return bright + np.log10(1 + (high - 1) * uniform) / self.slope
