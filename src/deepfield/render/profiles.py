"""Profiles: the shape of a PSF in any survey, at any width and shear."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.survey import Survey
from deepfield.render import optics

NODES = 3
"""Gauss-Legendre points per pixel and axis: exact to 2e-5 of the peak from FWHM = 1.5 px on."""


class Profile(Protocol):
    """A PSF's shape: what a survey makes of it, then stretched and sheared."""

    def kernels(
        self, survey: Survey, stretch: Tensor, shear: Tensor, *, side: int, oversampling: int
    ) -> Tensor:
        """Images of point sources, integrated over image pixels.

        Args:
            survey: bands and pixel scale.
            stretch: [object, channel] of the width that the survey gives.
            shear: [object, channel, 2] g1 (along +x) and g2 (along x = y), below 1 together.
            side: kernel pixels a side, odd.
            oversampling: kernel pixels per image pixel.

        Returns:
            [object, channel, y, x] float32, sum 1.
        """
        ...


@dataclass(frozen=True)
class Moffat:
    """Moffat (1969) profiles with the FWHM of the survey's bands.

    Args:
        beta: slope of the wings; 2.5 to 4.8 at most sites (Trujillo et al. 2001).

    Raises:
        ValueError: a slope at which the light has no finite sum.

    Example:
        >>> from deepfield.nouns.survey import Band
        >>> r = Band("r", 616.0, 26.0, 53.9, 20.86, 1.2, 1.0, "made up")
        >>> one, round_ = torch.ones(1, 1), torch.zeros(1, 1, 2)
        >>> survey = Survey("one band", (r,), 0.4)
        >>> Moffat().kernels(survey, one, round_, side=25, oversampling=1).shape
        torch.Size([1, 1, 25, 25])
    """

    beta: float = 3.0

    def __post_init__(self) -> None:
        if not 1 < self.beta < math.inf:
            raise ValueError(f"beta is {self.beta}; a Moffat profile has a finite flux above 1")

    def kernels(
        self, survey: Survey, stretch: Tensor, shear: Tensor, *, side: int, oversampling: int
    ) -> Tensor:
        """As :meth:`Profile.kernels`."""
        scale = stretch * _widths(survey) / (2 * math.sqrt(2 ** (1 / self.beta) - 1))
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        axis = (torch.arange(side) - side // 2)[:, None] / oversampling
        points = (axis + torch.from_numpy(nodes).float() / 2).flatten()
        weight = torch.from_numpy(weights).float()
        half = side // 2 + 1  # the other rows are these, turned by 180 degrees
        y, x = points[: half * NODES], points
        g1, g2 = shear[..., 0], shear[..., 1]
        # Squared distance in the unsheared image: a quadratic form, as a product of two factors.
        norm = 1 / ((1 - g1**2 - g2**2) * scale**2)
        xx, yy = ((1 - g1) ** 2 + g2**2) * norm, ((1 + g1) ** 2 + g2**2) * norm
        xy = -4 * g2 * norm
        left = torch.stack(
            torch.broadcast_tensors(
                1 + yy[..., None] * y**2,
                xy[..., None] * y,
                xx[..., None].expand(*xx.shape, len(y)),
            ),
            -1,
        )
        distance = left @ torch.stack((torch.ones_like(x), x, x**2))
        # A power by logarithms is three times as fast as torch's own, and as good to 1e-6.
        surface = torch.exp2(distance.log2_().mul_(-self.beta))
        rows = surface.unflatten(-1, (side, NODES)) @ weight
        upper = (rows.unflatten(-2, (half, NODES)) * weight[:, None]).sum(-2)
        kernel = torch.cat((upper, upper[..., :-1, :].flip((-1, -2))), -2)
        return kernel / kernel.sum((-1, -2), keepdim=True)


@dataclass(frozen=True)
class Kolmogorov:
    """Long exposures through the atmosphere, with the FWHM of the survey's bands.

    Example:
        >>> from deepfield.nouns.survey import Band
        >>> r = Band("r", 616.0, 26.0, 53.9, 20.86, 1.2, 1.0, "made up")
        >>> one, round_ = torch.ones(1, 1), torch.zeros(1, 1, 2)
        >>> survey = Survey("one band", (r,), 0.4)
        >>> Kolmogorov().kernels(survey, one, round_, side=25, oversampling=1).shape
        torch.Size([1, 1, 25, 25])
    """

    def kernels(
        self, survey: Survey, stretch: Tensor, shear: Tensor, *, side: int, oversampling: int
    ) -> Tensor:
        """As :meth:`Profile.kernels`."""
        fwhm = stretch * _widths(survey)
        return optics.kolmogorov(fwhm, shear, side=side, oversampling=oversampling)


@dataclass(frozen=True)
class Diffraction:
    """A telescope above the atmosphere: its aperture, pointing jitter and charge diffusion.

    The width comes from the optics and the wavelength, not from the survey's ``psf_fwhm``.

    Args:
        diameter: of the aperture, m.
        obscuration: diameter of the central obscuration over that of the aperture.
        jitter: standard deviation of the pointing, arcsec.
        diffusion: standard deviation of the charge in the detector, px.

    Raises:
        ValueError: numbers without a meaning.

    Example:
        >>> from deepfield.nouns.survey import Band
        >>> vis = Band("VIS", 720.0, 25.7, 2260.0, 22.3, 0.16, 3.1, "made up")
        >>> one, round_ = torch.ones(1, 1), torch.zeros(1, 1, 2)
        >>> euclid = Survey("Euclid", (vis,), 0.1)
        >>> Diffraction(1.2, 0.33).kernels(euclid, one, round_, side=25, oversampling=2).shape
        torch.Size([1, 1, 25, 25])
    """

    diameter: float
    obscuration: float = 0.0
    jitter: float = 0.0
    diffusion: float = 0.0

    def __post_init__(self) -> None:
        spread = min(self.jitter, self.diffusion) >= 0 and self.jitter + self.diffusion < math.inf
        if not (0 < self.diameter < math.inf and 0 <= self.obscuration < 1 and spread):
            raise ValueError(
                f"diameter {self.diameter} m, obscuration {self.obscuration}, jitter "
                f"{self.jitter} arcsec, diffusion {self.diffusion} px; expected a positive "
                "diameter, an obscuration from 0 to below 1 and the rest from 0"
            )

    def kernels(
        self, survey: Survey, stretch: Tensor, shear: Tensor, *, side: int, oversampling: int
    ) -> Tensor:
        """As :meth:`Profile.kernels`."""
        wavelength = torch.tensor([band.wavelength * 1e-9 for band in survey.bands])
        cutoff = survey.pixel_scale * optics.ARCSEC * self.diameter / wavelength / stretch
        blur = math.hypot(self.jitter / survey.pixel_scale, self.diffusion) * stretch
        return optics.diffraction(
            cutoff,
            shear,
            obscuration=self.obscuration,
            blur=blur,
            side=side,
            oversampling=oversampling,
        )


def _widths(survey: Survey) -> Tensor:
    """[channel] FWHM of the bands, px."""
    return torch.tensor([band.psf_fwhm / survey.pixel_scale for band in survey.bands])
