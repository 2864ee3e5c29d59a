"""Volunteers: what forty people would say of each painted galaxy, by Galaxy Zoo 2's questions."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.galaxy_zoo import GALAXY_ZOO_2
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.sky import Light
from deepfield.nouns.survey import Survey
from deepfield.render.noise import sky_variance
from deepfield.sky.ballot import voted
from deepfield.sky.kinds import Kinds
from deepfield.sky.opinions import Seen, opinions
from deepfield.sky.population import EDGE_ON

SEEN_ALONE = ("arm", "bar", "ring", "clump", "dust")
KEPT = (
    *("kind", "visible", "signal_to_noise", "feature_signal_to_noise", "magnitude", "radius"),
    "axis_ratio",
)


@dataclass(frozen=True)
class Volunteers:
    """Galaxies of five kinds, with the votes of volunteers who see only what can be seen.

    How likely each answer is depends on the galaxy's parts and on how well these stand out of the
    noise and are resolved: see ``sky.opinions``. Where nothing can be seen all galaxies get the
    same votes. The votes are multinomial, so the least error that any prediction of them can have
    is known.

    Args:
        sky: the galaxies.
        volunteers: how many look at each galaxy.

    Raises:
        ValueError: fewer than two volunteers.

    Example:
        >>> from deepfield.render.psf import survey_psf
        >>> from deepfield.sky.surveys import sdss
        >>> light = Volunteers().draw(
        ...     np.arange(2), sdss(), seed=0, split="train", size=32, psf=survey_psf(sdss())
        ... )
        >>> sum(light.truth[f"odd_{answer}"] for answer in ("yes", "no")).le(40).tolist()
        [True, True]
    """

    sky: Kinds = field(default_factory=Kinds)
    volunteers: int = 40

    def __post_init__(self) -> None:
        if self.volunteers < 2:
            raise ValueError(f"{self.volunteers} volunteers; expected at least 2")

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The votes for every answer, and what scores may be sorted by."""
        kept = [quantity for quantity in self.sky.quantities if quantity.name in KEPT]
        return (*GALAXY_ZOO_2.quantities, *kept)

    @property
    def maps(self) -> tuple[Quantity, ...]:
        """Those of the sky."""
        return self.sky.maps

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
        light, fractions = self.asked(
            indices, survey, seed=seed, split=split, size=size, psf=psf, maps=maps
        )
        return voted(
            light,
            GALAXY_ZOO_2,
            fractions,
            indices,
            keep=(*KEPT, *maps),
            volunteers=self.volunteers,
            seed=seed,
            split=split,
        )

    def asked(
        self,
        indices: np.ndarray,
        survey: Survey,
        *,
        seed: int,
        split: str,
        size: int,
        psf: Psf,
        maps: tuple[str, ...] = (),
    ) -> tuple[Light, Tensor]:
        """The galaxies, and [object, answer] the true probabilities of their votes."""
        drawn = tuple(dict.fromkeys((*SEEN_ALONE, *maps)))
        light = self.sky.draw(
            indices, survey, seed=seed, split=split, size=size, psf=psf, maps=drawn
        )
        galaxies = self.sky.population.draw(indices, survey, seed=seed, split=split, size=size)
        middle = len(survey.bands) // 2
        sigma = float(sky_variance(survey)[middle].sqrt())
        alone = {name: light.truth[name].norm(dim=(1, 2)) / sigma for name in SEEN_ALONE}
        # An edge-on disc has no part: it is told by its shape.
        thin = light.truth["feature_signal_to_noise"] * (galaxies.kind == EDGE_ON)
        fwhm = survey.bands[middle].psf_fwhm / survey.pixel_scale
        return light, opinions(galaxies, Seen(**alone, thin=torch.nan_to_num(thin), fwhm=fwhm))
