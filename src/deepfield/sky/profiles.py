"""Profiles: galaxies as sums of Sersic components, and how they shine."""

from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.batch import Truth
from deepfield.nouns.flags import Flag
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.sky import Light
from deepfield.nouns.survey import Survey
from deepfield.render.components import components
from deepfield.render.noise import sky_variance

INSIDE = 0.8
"""share of its light that a galaxy has in its stamp, or it is flagged as too large"""


@dataclass(frozen=True)
class Profiles:
    """Sersic components with a common centre; lengths in pixels, angles east of north.

    Args:
        sersic_index: [object, component].
        radius: [object, component] major-axis half-light radius.
        axis_ratio, position_angle: [object, component].
        x, y: [object] centre, as offsets from the stamp's centre.
        flux: [object, component, channel] nJy, all the way out.
    """

    sersic_index: Tensor
    radius: Tensor
    axis_ratio: Tensor
    position_angle: Tensor
    x: Tensor
    y: Tensor
    flux: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def take(self, indices: Tensor) -> "Profiles":
        """Some of the objects."""
        return Profiles(**{f.name: getattr(self, f.name)[indices] for f in fields(self)})

    def component(self, number: int) -> "Profiles":
        """One component of every object alone."""
        one = slice(number, number + 1)
        return Profiles(
            self.sersic_index[:, one],
            self.radius[:, one],
            self.axis_ratio[:, one],
            self.position_angle[:, one],
            self.x,
            self.y,
            self.flux[:, one],
        )

    def image(self, psf: Psf, size: int) -> Tensor:
        """Noiseless stamps [object, channel, y, x], nJy per pixel."""
        return components(**vars(self), psf=psf, size=size)


class ProfileSky(Protocol):
    """A population of galaxies made of Sersic components."""

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What the truth holds, a number for each galaxy."""
        ...

    @property
    def maps(self) -> tuple[Quantity, ...]:
        """Its components in order, if each has a map of its own."""
        ...

    def profiles(
        self, indices: np.ndarray, survey: Survey, *, seed: int, split: str
    ) -> tuple[Profiles, dict[str, Tensor]]:
        """The galaxies of these indices, and their ``quantities`` by name."""
        ...


def by_slope(flux: Tensor, slope: Tensor, survey: Survey) -> Tensor:
    """Flux in every band of spectra that are power laws.

    Args:
        flux: [...] in the middle band.
        slope: [...] d ln flux / d ln wavelength.

    Returns:
        [..., channel], in the unit of ``flux``.

    Example:
        >>> from deepfield.sky.surveys import sdss
        >>> by_slope(torch.ones(2), torch.zeros(2), sdss()).shape
        torch.Size([2, 3])
    """
    wavelengths = torch.tensor([band.wavelength for band in survey.bands])
    relative = wavelengths / wavelengths[len(wavelengths) // 2]
    return flux[..., None] * relative ** slope[..., None]


def stamps(
    sky: ProfileSky,
    indices: np.ndarray,
    survey: Survey,
    *,
    seed: int,
    split: str,
    size: int,
    psf: Psf,
    maps: tuple[str, ...],
) -> Light:
    """Galaxies of a population, each in the middle of a stamp of its own.

    Args:
        sky: the population; its maps are its components in order, in the middle band.
        indices, survey, seed, split, size, psf, maps: as in ``Sky.draw``.

    Returns:
        images, truth, and a flag where less than four fifths of the light is in the stamp.
    """
    galaxies, known = sky.profiles(indices, survey, seed=seed, split=split)
    centre, middle = (size - 1) / 2, len(survey.bands) // 2
    known |= {"x": galaxies.x + centre, "y": galaxies.y + centre}
    image = galaxies.image(psf, size)
    # Of the best weights: those in proportion to the light itself.
    known["signal_to_noise"] = (
        image[:, middle].norm(dim=(-2, -1)) / sky_variance(survey)[middle].sqrt()
    )
    truth: dict[Quantity, Tensor] = {q: known[q.name] for q in sky.quantities}
    for number, quantity in enumerate(sky.maps):
        if quantity.name in maps:
            truth[quantity] = galaxies.component(number).image(psf, size)[:, middle]
    inside = image[:, middle].sum((-1, -2)) / galaxies.flux[:, :, middle].sum(1)
    flags = torch.where(inside < INSIDE, int(Flag.TOO_LARGE), 0)
    return Light(image, Truth(truth), flags)
