"""Blends: two galaxies in one stamp, at a distance and brightness ratio that one chooses."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.batch import Truth
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.sky import Light
from deepfield.nouns.survey import Survey
from deepfield.render.draws import uniforms
from deepfield.render.noise import sky_variance
from deepfield.sky.bulge_disc import BulgeDisc
from deepfield.sky.crowds import (
    DETECTABLE,
    ISOLATED,
    SEGMENTATION,
    SOURCE,
    boxes,
    signal_to_noise,
)
from deepfield.sky.priors import Range, check_range, flat
from deepfield.sky.profiles import ProfileSky

APART = Quantity("separation", "arcsec", "length", description="of the two centres")


@dataclass(frozen=True)
class Blends:
    """A galaxy in the middle and a companion, as in Boucaud+19 (MNRAS 491, 2481).

    Truth has a column for both, [object, 2], the central one first: those of the population and
    x, y, signal_to_noise, blendedness and a box. Splits never share a galaxy.

    Args:
        population: both galaxies; the companion's flux is changed to fit ``fainter``.
        separation: of the centres in pixels, flat.
        fainter: magnitude of the companion minus that of the central galaxy, flat.

    Raises:
        ValueError: a prior that cannot be.

    Example:
        >>> from deepfield.render.psf import survey_psf
        >>> from deepfield.sky.surveys import hst
        >>> light = Blends(separation=(5.0, 20.0)).draw(
        ...     np.arange(3), hst(), seed=0, split="train", size=64, psf=survey_psf(hst())
        ... )
        >>> light.image.shape, light.truth["magnitude"].shape
        (torch.Size([3, 1, 64, 64]), torch.Size([3, 2]))
    """

    population: ProfileSky = field(default_factory=lambda: BulgeDisc(magnitude=(18.0, 23.0)))
    separation: Range = (2.0, 61.0)
    fainter: Range = (-2.0, 2.0)

    maps = (SEGMENTATION, ISOLATED)

    def __post_init__(self) -> None:
        check_range("separation", self.separation, at_least=0)
        check_range("fainter", self.fainter)

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Separation, and what is known of each galaxy."""
        own = {quantity.name for quantity in SOURCE}
        return (APART, *SOURCE, *(q for q in self.population.quantities if q.name not in own))

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
        """The blends of these indices: see ``Sky.draw``.

        Raises:
            ValueError: a separation that leaves the stamp.
        """
        if self.separation[1] > size / 2:
            raise ValueError(
                f"separation up to {self.separation[1]:g} px in stamps of {size}; expected at "
                f"most {size / 2:g}: draw larger stamps"
            )
        both = np.stack([2 * indices, 2 * indices + 1], 1).ravel()
        galaxies, known = self.population.profiles(
            both, survey, seed=seed, split=f"{split} blends"
        )
        columns = uniforms(seed, split, indices, 3).T
        apart, angle, fainter = (
            torch.as_tensor(flat(u, limits), dtype=torch.float32)
            for u, limits in zip(
                columns, (self.separation, (0, 2 * np.pi), self.fainter), strict=True
            )
        )
        shape = vars(galaxies) | self._places(galaxies.x, galaxies.y, apart, angle)
        pairs = {n: v.unflatten(0, (-1, 2)) for n, v in known.items()}
        wish = pairs["magnitude"][:, 0] + fainter
        dimmer = 10 ** (-0.4 * (wish - pairs["magnitude"][:, 1]))
        pairs["magnitude"] = torch.stack([pairs["magnitude"][:, 0], wish], 1)
        factor = torch.stack([torch.ones_like(dimmer), dimmer], 1).flatten()
        shape["flux"] = galaxies.flux * factor[:, None, None]
        twice = torch.arange(len(indices)).repeat_interleave(2)
        alone = type(galaxies)(**shape).image(psf.take(twice), size).unflatten(0, (-1, 2))
        image = alone.sum(1)
        centre = (size - 1) / 2
        pairs |= {n: (shape[n] + centre).unflatten(0, (-1, 2)) for n in ("x", "y")}
        pairs |= _measured(alone, image, sky_variance(survey))
        truth = {q: pairs[q.name] for q in self.quantities if q is not APART}
        truth[APART] = apart * survey.pixel_scale
        if SEGMENTATION.name in maps:
            truth[SEGMENTATION] = _segments(alone, sky_variance(survey))
        if ISOLATED.name in maps:
            truth[ISOLATED] = alone
        return Light(image, Truth(truth))

    @staticmethod
    def _places(x: Tensor, y: Tensor, apart: Tensor, angle: Tensor) -> dict[str, Tensor]:
        """The companion lies around the central galaxy, whose own offset both keep."""
        x, y = x.unflatten(0, (-1, 2))[:, 0], y.unflatten(0, (-1, 2))[:, 0]
        dx, dy = apart * angle.cos(), apart * angle.sin()
        return {
            "x": torch.stack([x, x + dx], 1).flatten(),
            "y": torch.stack([y, y + dy], 1).flatten(),
        }


def _measured(alone: Tensor, image: Tensor, sky: Tensor) -> dict[str, Tensor]:
    middle = len(sky) // 2
    own, everything = alone[:, :, middle], image[:, None, middle]
    overlap = (own * everything).sum((-1, -2)).clamp(min=1e-30)
    box = boxes(own.flatten(0, 1), DETECTABLE * float(sky[middle].sqrt()))
    return {
        "signal_to_noise": signal_to_noise(alone.flatten(0, 1), sky).unflatten(0, (-1, 2)),
        "blendedness": (1 - own.square().sum((-1, -2)) / overlap).clamp(0, 1),
        **{
            name: column.unflatten(0, (-1, 2))
            for name, column in zip(("x_min", "x_max", "y_min", "y_max"), box.T, strict=True)
        },
    }


def _segments(alone: Tensor, sky: Tensor) -> Tensor:
    brightest, number = alone[:, :, len(sky) // 2].max(1)
    return (number + 1) * (brightest > DETECTABLE * sky[len(sky) // 2].sqrt())
