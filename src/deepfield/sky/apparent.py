"""Apparent: how large and how steep a galaxy looks through the PSF, and how well that is known."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.survey import Survey
from deepfield.render.noise import sky_variance
from deepfield.render.psf import survey_psf
from deepfield.render.sersic import sersic

SHARES = (0.2, 0.5, 0.8)
"""of the light; the brightest pixels that hold them have an area each"""
AREAS, RADII = 24, 48
STEP = 0.02
"""relative change of a radius, for a derivative"""


@dataclass(frozen=True)
class Apparent:
    """What an eye can measure of a galaxy's light as a whole.

    Isophotes need no model: the brightest pixels that hold 20, 50 and 80 % of the light have an
    area each. Half of the light says how large it is; the ratio of the other two, beside those of
    an exponential and a de Vaucouleurs profile of the same size through the same PSF, how steep.

    Args:
        signal_to_noise: [object] of a matched filter for all of its light.
        extent: [object] ln of its half-light area over a point source's.
        extent_error: [object] what the noise makes of it.
        steepness: [object] 0 as an exponential, 1 as a de Vaucouleurs profile.
        steepness_error: [object] Cramer-Rao bound, flux and size being free.
    """

    signal_to_noise: Tensor
    extent: Tensor
    extent_error: Tensor
    steepness: Tensor
    steepness_error: Tensor


@dataclass(frozen=True)
class Tracks:
    """Round galaxies of growing size, by the ln of their half-light area in px.

    Args:
        area: [row] rising; the first is a point's.
        exponential, de_vaucouleurs: [row] ln of the 80 % over the 20 % area.
        area_error, steepness_error: [row] times the signal-to-noise, halfway between the two.
    """

    area: np.ndarray
    exponential: np.ndarray
    de_vaucouleurs: np.ndarray
    area_error: np.ndarray
    steepness_error: np.ndarray


def apparent(image: Tensor, survey: Survey) -> Apparent:
    """What can be measured of noiseless images, were they seen under the survey's sky.

    Args:
        image: [object, y, x] nJy, each galaxy alone.
        survey: of one band.

    Example:
        >>> from deepfield.sky.surveys import hst_f160w
        >>> survey = hst_f160w()
        >>> star = survey_psf(survey).kernel[0] * 1e3
        >>> seen = apparent(torch.nn.functional.pad(star, (12, 11, 12, 11)), survey)
        >>> abs(float(seen.extent)) < 0.1, float(seen.steepness_error) > 0.1
        (True, True)
    """
    tracks = _tracks(survey, image.shape[-1])
    area, ratio = isophotes(image)
    sigma = float(sky_variance(survey)[0].sqrt())
    strength = image.norm(dim=(1, 2)) / sigma

    def at(track: np.ndarray) -> Tensor:
        found = np.interp(area.double().numpy(), tracks.area, track)
        return torch.from_numpy(found).float()

    exponential = at(tracks.exponential)
    return Apparent(
        signal_to_noise=strength,
        extent=area - float(tracks.area[0]),
        extent_error=at(tracks.area_error) / strength,
        steepness=(ratio - exponential) / (at(tracks.de_vaucouleurs) - exponential),
        steepness_error=at(tracks.steepness_error) / strength,
    )


def isophotes(image: Tensor) -> tuple[Tensor, Tensor]:
    """[object] ln of the area (px) of the brightest half of the light, and of 80 over 20 %.

    Args:
        image: [object, y, x] of positive sum.

    Example:
        >>> area, ratio = isophotes(torch.ones(1, 10, 10))
        >>> area.exp().round().tolist(), ratio.exp().round().tolist()
        ([50.0], [4.0])
    """
    light = image.clamp(min=0).flatten(1).sort(descending=True).values.double().cumsum(1)
    light = torch.nn.functional.pad(light / light[:, -1:], (1, 0))
    shares = light.new_tensor(SHARES).expand(len(light), -1).contiguous()
    above = torch.searchsorted(light, shares).clamp(min=1)
    low, high = light.gather(1, above - 1), light.gather(1, above)
    inner, half, outer = (above - 1 + (shares - low) / (high - low)).log().float().unbind(1)
    return half, outer - inner


@cache
def _tracks(survey: Survey, size: int) -> Tracks:
    """Exponential and de Vaucouleurs profiles from a point to a third of the stamp."""
    psf = survey_psf(survey)

    def shown(index: float, radius: Tensor) -> Tensor:
        one = torch.ones_like(radius)
        return sersic(
            sersic_index=index * one,
            radius=radius,
            axis_ratio=one,
            position_angle=0 * one,
            x=0 * one,
            y=0 * one,
            flux=one[:, None],
            psf=psf,
            size=size,
        )[:, 0]

    fwhm = survey.bands[0].psf_fwhm / survey.pixel_scale
    radius = torch.logspace(math.log10(0.05 * fwhm), math.log10(size / 3), RADII)
    sizes = {index: isophotes(shown(index, radius))[0].numpy() for index in (1.0, 4.0)}
    low, high = (sizes[4.0][0], min(sizes[1.0][-1], sizes[4.0][-1]))
    area = np.linspace(low, high, AREAS)
    alike = {
        index: torch.from_numpy(np.interp(area, track, radius.numpy())).float()
        for index, track in sizes.items()
    }
    exponential, steep = (shown(index, r) for index, r in alike.items())
    # Linear about the profile halfway: its flux, its size, and how steep it is.
    wider = sum(shown(index, r * (1 + STEP)) for index, r in alike.items()) / 2
    middle = (exponential + steep) / 2
    slopes = torch.stack([middle, (wider - middle) / STEP, steep - exponential], 1)
    slopes = slopes.flatten(2).double() / middle.flatten(1).norm(dim=1)[:, None, None]
    known = slopes @ slopes.transpose(1, 2)
    # How large it is can be said without saying how steep: by the best of either profile.
    extent, steepness = (
        torch.linalg.inv(known[:, :n, :n]).diagonal(dim1=1, dim2=2)[:, -1].sqrt().numpy()
        for n in (2, 3)
    )
    growth = np.gradient(area, np.log(alike[1.0].numpy()))
    return Tracks(
        area=area,
        exponential=isophotes(exponential)[1].numpy(),
        de_vaucouleurs=isophotes(steep)[1].numpy(),
        area_error=extent * growth,
        steepness_error=steepness,
    )
