"""Inspected: galaxies and stars by their main class, as CANDELS astronomers vote on them."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.galaxy_zoo import CANDELS
from deepfield.nouns.psf import Psf
from deepfield.nouns.sky import Light
from deepfield.nouns.survey import Survey
from deepfield.render.draws import uniforms
from deepfield.render.noise import NANOJANSKY, sky_variance
from deepfield.sky.apparent import apparent
from deepfield.sky.contrast import contrast, smooth_light
from deepfield.sky.counts import of_magnitudes
from deepfield.sky.inspectors import classes, noticed
from deepfield.sky.kinds import COMPANION
from deepfield.sky.polled import Polled
from deepfield.sky.population import EDGE_ON, IRREGULAR, SMOOTH, Galaxies
from deepfield.sky.rows import take

PATTERNS = ("arm", "bar", "ring", "clump")
KEPT = ("signal_to_noise", "magnitude", "radius", "axis_ratio")
EARLY, LATE, FAINT_BULGE = 2.5, 1.5, 0.3
"""Sersic index of early types from here, of late ones to there; bulge of late types' discs"""
CANDIDATES = 6
"""galaxies of which the first early type is taken, so that there are enough of them"""
NUMBERS = 5


@dataclass(frozen=True)
class Inspected(Polled):
    """Galaxies and stars in one band, with the votes of inspectors on their main class.

    Inspectors call a disc what shows arms, a bar or an edge-on shape, or falls off like an
    exponential; a spheroid what is steep; irregular what shows clumps; a point what is no wider
    than the PSF; unclassifiable what hardly stands out of the noise: see ``sky.inspectors``. They
    go by what the image shows of the object, companions apart; clumps are odd to them in irregular
    galaxies alone. Votes are multinomial.

    Nature makes few galaxies between early and late types. Each galaxy is the first early type of
    six (smooth and steep: two fifths), or else the first late one (flat, or with a small bulge).
    A share are stars in a galaxy's place.

    Args:
        sky: the galaxies.
        volunteers: how many inspectors look at each object.
        stars: share of objects that are stars.

    Raises:
        ValueError: fewer than two volunteers, a share that cannot be, or (``draw``) several bands.

    Example:
        >>> from deepfield.render.psf import survey_psf
        >>> from deepfield.sky.surveys import hst_f160w
        >>> survey = hst_f160w()
        >>> light = Inspected().draw(
        ...     np.arange(2), survey, seed=0, split="train", size=32, psf=survey_psf(survey)
        ... )
        >>> sum(light.truth[name] for name in CANDELS.columns).tolist()
        [40.0, 40.0]
    """

    stars: float = 0.12

    tree = CANDELS
    kept = KEPT

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.stars <= 1:
            raise ValueError(f"a share of stars of {self.stars}; expected one from 0 to 1")

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
        """The objects, and [object, class] the true probabilities of their votes."""
        if len(survey.bands) > 1:
            raise ValueError(
                f"{survey.name} has {len(survey.bands)} bands; CANDELS classes are of one: select "
                "it"
            )
        drawn = tuple(dict.fromkeys((COMPANION, *PATTERNS, *maps)))
        every = CANDIDATES * indices[:, None] + np.arange(CANDIDATES)
        tried = self.sky.population.draw(every.ravel(), survey, seed=seed, split=split, size=size)
        chosen = torch.arange(len(indices)) * CANDIDATES + _likely(tried)
        galaxies = take(tried, chosen)
        light = self.sky.draw(
            every.ravel()[chosen.numpy()],
            survey,
            seed=seed,
            split=split,
            size=size,
            psf=psf,
            maps=drawn,
        )
        around = light.truth[COMPANION][:, None]
        alone = light.image - around
        numbers = uniforms(seed, f"{split} inspected", indices, 1 + NUMBERS)
        star = torch.from_numpy(numbers[:, 0]) < self.stars
        rows = star.nonzero()[:, 0]
        if len(rows):
            some = take(galaxies, rows)
            points = of_magnitudes(
                torch.from_numpy(numbers[rows.numpy(), 1:]),
                torch.arange(len(rows)),
                some.x,
                some.y,
                NANOJANSKY - 2.5 * some.flux.log10(),
                stars=1.0,
                survey=survey,
            )
            alone[rows] = points.light(len(rows), survey, psf=psf.take(rows), size=size)
        structure, clumps = _patterns(galaxies, light, survey)
        fractions = classes(
            apparent(alone[:, 0], survey), structure=structure * ~star, clumps=clumps * ~star
        )
        return replace(light, image=alone + around), fractions


def _likely(galaxies: Galaxies) -> Tensor:
    """[object] which of each ``CANDIDATES`` is taken."""
    smooth, index = galaxies.kind == SMOOTH, galaxies.sersic_index
    early = smooth & (index > EARLY)
    late = torch.where(smooth, index < LATE, galaxies.bulge_to_total < FAINT_BULGE)
    return (2 * early.int() + late.int()).view(-1, CANDIDATES).argmax(1)


def _patterns(galaxies: Galaxies, light: Light, survey: Survey) -> tuple[Tensor, Tensor]:
    """[object] share of people who see that it is a disc, and [object] that it has clumps.

    Of the light of arms, bars, rings and clumps it takes what no smooth galaxy has. Clumps along
    arms are no oddity: here the galaxy's kind is asked, not its image.
    """
    sigma = sky_variance(survey)[0].sqrt()
    image = light.image[:, 0] - light.truth[COMPANION]
    smooth = smooth_light(
        galaxies, size=image.shape[-1], fwhm=survey.bands[0].psf_fwhm / survey.pixel_scale
    )
    parts = torch.stack([light.truth[name] for name in PATTERNS], 1)
    strength, _ = contrast(parts, image, smooth, sigma.expand_as(image))
    odd = galaxies.kind == IRREGULAR
    thin = light.truth["feature_signal_to_noise"].nan_to_num() * (galaxies.kind == EDGE_ON)
    told = noticed(torch.cat([strength, thin[:, None]], 1))
    return 1 - (1 - told * ~odd[:, None]).prod(1), told[:, PATTERNS.index("clump")] * odd
