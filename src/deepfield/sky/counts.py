"""Counts: how many stars and galaxies there are of each magnitude, how large and how red."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.survey import Survey
from deepfield.render.draws import generator
from deepfield.render.noise import NANOJANSKY, sky_variance
from deepfield.sky.others import STAR, Others
from deepfield.sky.profiles import by_slope

AT = 25.0
"""magnitude at which densities are given"""
DETECTED = 5.0
"""signal-to-noise ratio of a point source at a survey's limit"""
NUMBERS = 8
MOST_PIXELS = 8.0
"""px beyond the stamp's edge where something may still shine into it; at most 1/8 of its side"""


def limit(survey: Survey) -> float:
    """AB magnitude of a point source of 5 sigma in the middle band, against the sky alone.

    Example:
        >>> from deepfield.sky.surveys import sdss
        >>> 22 < limit(sdss()) < 24
        True
    """
    middle = len(survey.bands) // 2
    fwhm = survey.bands[middle].psf_fwhm / survey.pixel_scale
    # A matched filter sees 4 pi sigma^2 pixels of a Gaussian.
    pixels = 4 * math.pi * fwhm**2 / (8 * math.log(2))
    flux = DETECTED * math.sqrt(pixels * float(sky_variance(survey)[middle]))
    return NANOJANSKY - 2.5 * math.log10(flux)


@dataclass(frozen=True)
class Counts:
    """Magnitude counts N(< m) = density 10^(slope (m - 25)) down to a survey's limit.

    Density and slope are those of galaxies in the i band (LSST Science Book 2009, section 3.7).
    Sizes fall with brightness, from 2.5 arcsec at magnitude 17 to 0.3 at 25, as SDSS and COSMOS
    galaxies do.

    Args:
        density: galaxies per square arcmin brighter than magnitude 25.
        slope: of the logarithm of the counts, per magnitude.
        stars: share of stars in what there is.
        brightest: AB magnitude.

    Raises:
        ValueError: a prior that cannot be.

    Example:
        >>> from deepfield.sky.surveys import sdss
        >>> few = Counts().draw(
        ...     np.arange(9), sdss(), seed=0, split="train", size=64, closest=torch.full((9,), 5.0)
        ... )
        >>> few.flux.shape[1], bool((few.owner < 9).all())
        (3, True)
    """

    density: float = 46.0
    slope: float = 0.31
    stars: float = 0.25
    brightest: float = 16.0

    def __post_init__(self) -> None:
        if not (0 <= self.density < math.inf and 0 < self.slope < math.inf):
            raise ValueError(
                f"density {self.density} per arcmin^2, slope {self.slope}; expected a finite "
                "density of at least 0 and a positive slope"
            )
        if not 0 <= self.stars < 1:
            raise ValueError(f"stars {self.stars}; expected a share of at least 0 and below 1")
        if not math.isfinite(self.brightest):
            raise ValueError(f"brightest {self.brightest}; expected an AB magnitude")

    def expected(self, survey: Survey, size: int) -> float:
        """Mean number of stars and galaxies in a stamp, the middle of it included."""
        faintest = max(limit(survey), self.brightest)
        span = 10 ** (self.slope * (faintest - AT)) - 10 ** (self.slope * (self.brightest - AT))
        area = (size * survey.pixel_scale / 60) ** 2
        return self.density / (1 - self.stars) * span * area

    def draw(
        self,
        indices: np.ndarray,
        survey: Survey,
        *,
        seed: int,
        split: str,
        size: int,
        closest: Tensor,
    ) -> Others:
        """What surrounds the objects of these indices.

        The numbers come from the split ``"<split> neighbours"``: they never are the object's own.

        Args:
            indices: [object] int.
            survey: depth, bands, pixel scale.
            seed, split: as of the objects.
            size: side of the stamps, px.
            closest: [object] px from the stamp's centre within which nothing lies.

        Returns:
            what has its centre in the stamp or a little beyond its edge.
        """
        reach = size / 2 + min(size / 8, MOST_PIXELS)
        mean = self.expected(survey, size) * (2 * reach / size) ** 2
        rows, owners = [np.empty((0, NUMBERS))], [np.empty(0, dtype=np.int64)]
        for position, index in enumerate(indices):
            random = generator(seed, f"{split} neighbours", int(index))
            rows.append(random.random((random.poisson(mean), NUMBERS)))
            owners.append(np.full(len(rows[-1]), position))
        uniform = torch.from_numpy(np.concatenate(rows))
        owner = torch.from_numpy(np.concatenate(owners))
        x, y = ((2 * uniform[:, i] - 1) * reach for i in (0, 1))
        apart = torch.hypot(x, y) >= closest[owner]
        uniform, owner, x, y = uniform[apart], owner[apart], x[apart], y[apart]
        low, high = (10 ** (self.slope * m) for m in (self.brightest, limit(survey)))
        magnitude = torch.log10(low + (high - low) * uniform[:, 2]) / self.slope
        return of_magnitudes(
            uniform[:, 3:], owner, x, y, magnitude, stars=self.stars, survey=survey
        )


def of_magnitudes(
    uniform: Tensor,
    owner: Tensor,
    x: Tensor,
    y: Tensor,
    magnitude: Tensor,
    *,
    stars: float,
    survey: Survey,
) -> Others:
    """Stars and galaxies of given magnitudes, with sizes, shapes and colours to match.

    Args:
        uniform: [row, 5] in [0, 1).
        owner, x, y: [row] as in ``Others``.
        magnitude: [row] AB, middle band.
        stars: share of stars.
        survey: bands and pixel scale.
    """
    star = uniform[:, 0] < stars
    scatter = torch.special.ndtri(uniform[:, 1].clamp(1e-6, 1 - 1e-6))
    arcsec = 10 ** (0.4 - 0.11 * (magnitude - 17) + 0.15 * scatter)
    # Stars run from turn-off to M dwarfs; galaxies are a little bluer than their red end.
    slope = torch.where(star, 4.5 * uniform[:, 2], 0.5 + 2.6 * uniform[:, 2])
    return Others(
        owner=owner,
        x=x.float(),
        y=y.float(),
        sersic_index=torch.where(star, 0.5, 0.8 + 2.2 * uniform[:, 3] ** 2).float(),
        radius=torch.where(star, STAR, arcsec / survey.pixel_scale).float(),
        axis_ratio=torch.where(star, 1.0, 0.3 + 0.7 * uniform[:, 3]).float(),
        position_angle=(180 * uniform[:, 4]).float(),
        flux=by_slope((10 ** (0.4 * (NANOJANSKY - magnitude))).float(), slope.float(), survey),
    )
