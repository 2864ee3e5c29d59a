"""Clumpy: disc galaxies with unresolved clumps of star formation, at known places."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import gammainc, gammaincinv
from torch import Tensor

from deepfield.nouns.batch import Truth
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.sky import Light
from deepfield.nouns.survey import Survey
from deepfield.render.draws import uniforms
from deepfield.render.noise import NANOJANSKY, sky_variance
from deepfield.render.sersic import sersic
from deepfield.sky.discs import to_sky
from deepfield.sky.numbers import Numbers
from deepfield.sky.others import STAR, Others
from deepfield.sky.priors import Range, check_range
from deepfield.sky.profiles import by_slope

MOST = 8
TRIES = 8
IN_CLUMPS = 0.9
"""share of a galaxy's light above which its clumps are drawn again"""
EDGE = 3.0
"""px from the stamp's edge within which no clump lies"""
NUMBERS = 16 + MOST * (TRIES + 3)


@dataclass(frozen=True)
class Clumpy:
    """Sersic discs with 0 to 8 clumps that no telescope resolves (Huertas-Company+20).

    A clump's fraction is of the galaxy's total light in the middle band; clumps lie where the
    light of the disc does. Lengths are relative to the survey's PSF and brightness to its noise.

    Args:
        signal_to_noise: of half the light within the half-light ellipse, log-uniform.
        radius: major-axis half-light radius in PSF FWHM, log-uniform; at most 1/6 of the stamp.
        sersic_index: of the disc.
        axis_ratio: of the disc.
        clumps: fewest and most.
        fraction: of the galaxy's light in each clump, log-uniform.
        slope: d ln flux / d ln wavelength of the disc.
        bluer: what the slope of a clump is below that of its disc.

    Raises:
        ValueError: a prior that cannot be.

    Example:
        >>> from deepfield.render.psf import survey_psf
        >>> from deepfield.sky.surveys import hst
        >>> light = Clumpy().draw(
        ...     np.arange(3), hst(), seed=0, split="train", size=64, psf=survey_psf(hst())
        ... )
        >>> light.truth["clump_x"].shape
        torch.Size([3, 8])
    """

    signal_to_noise: Range = (15.0, 300.0)
    radius: Range = (1.5, 5.0)
    sersic_index: Range = (0.7, 1.8)
    axis_ratio: Range = (0.35, 1.0)
    clumps: tuple[int, int] = (0, MOST)
    fraction: Range = (0.01, 0.3)
    slope: Range = (1.0, 2.2)
    bluer: Range = (0.5, 1.5)

    quantities = (
        Quantity("clumps", description="number of clumps"),
        Quantity("clump_x", "pix", "point", description="first pixel's centre 0; NaN = no more"),
        Quantity("clump_y", "pix", "point", description="first pixel's centre 0; NaN = no more"),
        Quantity("clump_flux", "nJy", "flux", description="of every clump, middle band"),
        Quantity("clump_fraction", description="of the galaxy's light, for every clump"),
        Quantity("magnitude", "mag(AB)", "flux", description="total, in the middle band"),
        Quantity("radius", "arcsec", "length", description="major-axis half-light radius"),
        Quantity("axis_ratio", description="minor over major axis of the disc"),
        Quantity("position_angle", "deg", "angle", description="east of north"),
        Quantity("sersic_index", description="of the disc"),
        Quantity("signal_to_noise", description="of half the light, in the half-light ellipse"),
    )
    maps = (
        Quantity("clump", "nJy", "map", description="light of all clumps, middle band"),
        Quantity("disc", "nJy", "map", description="light of the disc, middle band"),
    )

    def __post_init__(self) -> None:
        check_range("signal_to_noise", self.signal_to_noise, at_least=1e-3)
        check_range("radius", self.radius, at_least=1e-2)
        check_range("sersic_index", self.sersic_index, at_least=0.5, at_most=6.2)
        check_range("axis_ratio", self.axis_ratio, at_least=0.05, at_most=1)
        check_range("clumps", self.clumps, at_least=0, at_most=MOST)
        check_range("fraction", self.fraction, at_least=1e-6, at_most=1)
        check_range("slope", self.slope)
        check_range("bluer", self.bluer)
        if self.clumps[1] * self.fraction[0] > IN_CLUMPS:
            raise ValueError(
                f"{self.clumps[1]} clumps of {self.fraction[0]} of the light or more; expected "
                f"clumps with at most {IN_CLUMPS} of it together: fewer or fainter ones"
            )

    def draw(
        self,
        indices: np.ndarray,
        survey: Survey,
        *,
        seed: int,
        split: str,
        size: int,
        psf: Psf,
        maps: tuple[str, ...] = (),
    ) -> Light:
        """The galaxies of these indices: see ``Sky.draw``."""
        numbers = Numbers(uniforms(seed, split, indices, NUMBERS))
        middle = len(survey.bands) // 2
        fwhm = survey.bands[middle].psf_fwhm / survey.pixel_scale
        snr = numbers.log_flat(self.signal_to_noise)
        low, high = (limit * fwhm for limit in self.radius)
        radius = numbers.log_flat((min(low, size / 6), min(high, size / 6)))
        index, ratio = numbers.flat(self.sersic_index), numbers.flat(self.axis_ratio)
        angle = numbers.flat((0.0, 180.0))
        x, y = numbers.flat((-1.5, 1.5)), numbers.flat((-1.5, 1.5))
        area = math.pi * (ratio * radius**2 + (0.6 * fwhm) ** 2)
        flux = 2 * snr * sky_variance(survey)[middle].sqrt() * area.sqrt()
        slope = numbers.flat(self.slope)
        bluer = numbers.flat(self.bluer)
        fewest, most = self.clumps
        number = (fewest + numbers.next() * (most + 1 - fewest)).long()
        fraction = self._fractions(numbers, number)
        there = fraction > 0
        dy, dx = _in_the_light(numbers, index, ratio, angle, radius, size)
        disc = sersic(
            sersic_index=index,
            radius=radius,
            axis_ratio=ratio,
            position_angle=angle,
            x=x,
            y=y,
            flux=by_slope(flux * (1 - fraction.sum(1)), slope, survey),
            psf=psf,
            size=size,
        )
        owner, clump = there.nonzero(as_tuple=True)
        points = Others(
            owner=owner,
            x=x[owner] + dx[owner, clump],
            y=y[owner] + dy[owner, clump],
            sersic_index=torch.full_like(x[owner], 0.5),
            radius=torch.full_like(x[owner], STAR),
            axis_ratio=torch.ones_like(x[owner]),
            position_angle=torch.zeros_like(x[owner]),
            flux=by_slope(
                flux[owner] * fraction[owner, clump], slope[owner] - bluer[owner], survey
            ),
        ).light(len(indices), survey, psf=psf, size=size)
        nothing = torch.tensor(torch.nan)
        values = {
            "clumps": number.float(),
            "clump_x": torch.where(there, x[:, None] + dx + (size - 1) / 2, nothing),
            "clump_y": torch.where(there, y[:, None] + dy + (size - 1) / 2, nothing),
            "clump_flux": torch.where(there, flux[:, None] * fraction, nothing),
            "clump_fraction": torch.where(there, fraction, nothing),
            "magnitude": NANOJANSKY - 2.5 * torch.log10(flux),
            "radius": radius * survey.pixel_scale,
            "axis_ratio": ratio,
            "position_angle": angle,
            "sersic_index": index,
            "signal_to_noise": snr,
        }
        alone = {"clump": points[:, middle], "disc": disc[:, middle]}
        truth = {quantity: values[quantity.name] for quantity in self.quantities}
        truth |= {
            quantity: alone[quantity.name] for quantity in self.maps if quantity.name in maps
        }
        return Light(disc + points, Truth(truth))

    def _fractions(self, numbers: Numbers, number: Tensor) -> Tensor:
        """[object, clump] of the galaxy's light; 0 = there is no such clump.

        The first of several draws that leaves light for the disc; the last is made to.
        """
        there = torch.arange(MOST) < number[:, None]
        chosen = torch.zeros(len(number), MOST)
        waiting = torch.ones(len(number), dtype=torch.bool)
        for _ in range(TRIES):
            drawn = torch.stack([numbers.log_flat(self.fraction) for _ in range(MOST)], 1) * there
            chosen = torch.where(waiting[:, None], drawn, chosen)
            waiting &= chosen.sum(1) > IN_CLUMPS
        return chosen * (IN_CLUMPS / chosen.sum(1, keepdim=True)).clamp(max=1)


def _in_the_light(
    numbers: Numbers, index: Tensor, ratio: Tensor, angle: Tensor, radius: Tensor, size: int
) -> tuple[Tensor, Tensor]:
    """Offsets [object, clump] y and x, px, distributed as the disc's light is in its plane."""
    n = index.double().numpy()
    b = gammaincinv(2 * n, 0.5)
    farthest = (size / 2 - EDGE - 1.5) / radius.double().numpy()
    inside = gammainc(2 * n, b * farthest ** (1 / n))
    rows, columns = [], []
    for _ in range(MOST):
        light = gammaincinv(2 * n, inside * numbers.next().numpy())
        away = torch.from_numpy((light / b) ** n) * radius
        turn = 2 * math.pi * numbers.next()
        y, x = to_sky(away * turn.cos(), away * turn.sin() * ratio, angle)
        rows.append(y.float())
        columns.append(x.float())
    return torch.stack(rows, 1), torch.stack(columns, 1)
