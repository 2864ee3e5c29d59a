"""Volunteers: what forty people would say of each painted galaxy, by Galaxy Zoo 2's questions."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.galaxy_zoo import GALAXY_ZOO_2
from deepfield.nouns.psf import Psf
from deepfield.nouns.sky import Light
from deepfield.nouns.survey import Survey
from deepfield.render.noise import observe
from deepfield.sky.contrast import contrast, smooth_light
from deepfield.sky.opinions import Seen, opinions, told
from deepfield.sky.polled import Polled

PARTS = ("arm", "bar", "ring", "clump", "dust")
KEPT = (
    *("kind", "visible", "signal_to_noise", "feature_signal_to_noise", "magnitude", "radius"),
    "axis_ratio",
)


@dataclass(frozen=True)
class Volunteers(Polled):
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

    tree = GALAXY_ZOO_2
    kept = KEPT

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
        drawn = tuple(dict.fromkeys((*PARTS, *maps)))
        light = self.sky.draw(
            indices, survey, seed=seed, split=split, size=size, psf=psf, maps=drawn
        )
        galaxies = self.sky.population.draw(indices, survey, seed=seed, split=split, size=size)
        middle = len(survey.bands) // 2
        fwhm = survey.bands[middle].psf_fwhm / survey.pixel_scale
        smooth = smooth_light(galaxies, size=size, fwhm=fwhm)
        # A bright galaxy's own photons hide what is in it.
        _, variance = observe(light.image, survey, torch.zeros_like(light.image))
        image, sigma = light.image[:, middle], variance[:, middle].sqrt()
        parts = torch.stack([light.truth[name] for name in PARTS], 1)
        shares = told(*contrast(parts, image, smooth, sigma)).unbind(1)
        seen = dict(zip(PARTS, shares, strict=True))
        return light, opinions(galaxies, Seen(**seen, fwhm=fwhm))
