"""Inspected: galaxies and stars by their main class, as CANDELS astronomers vote on them."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.galaxy_zoo import CANDELS
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.sky import Light
from deepfield.nouns.survey import Survey
from deepfield.render.draws import uniforms
from deepfield.render.noise import NANOJANSKY, sky_variance
from deepfield.sky.ballot import voted
from deepfield.sky.counts import of_magnitudes
from deepfield.sky.kinds import COMPANION, Kinds
from deepfield.sky.population import IRREGULAR, SMOOTH, Galaxies
from deepfield.sky.rows import take

KEPT = ("signal_to_noise", "magnitude", "radius", "axis_ratio")
TELLING, GIVEN_UP, CLEAR = 12.0, 11.0, 35.0
"""signal-to-noise at which half of the people see clumps, see nothing below, see a profile"""
BULGY = 1.8
"""Sersic index at which half of the people see a spheroid in a smooth galaxy"""
CANDIDATES = 6
"""galaxies of which the first spheroid is taken, so that there are enough of them"""
NUMBERS = 5


@dataclass(frozen=True)
class Inspected:
    """Galaxies and stars in one band, with the votes of inspectors on their main class.

    Smooth galaxies are spheroids where their profile is steep and discs where it is not, discs
    with arms, bars or seen edge-on are discs, clumpy lopsided ones irregular. Each galaxy is the
    first spheroid of six, or else the first: two fifths are. Where the profile cannot be seen,
    what is small counts as a spheroid and what is large as a disc. A share are stars in a
    galaxy's place. What is too faint is unclassifiable. Votes are multinomial.

    Args:
        sky: the galaxies.
        inspectors: how many look at each object.
        stars: share of objects that are stars.

    Raises:
        ValueError: fewer than two inspectors, or a share that cannot be.

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

    sky: Kinds = field(default_factory=Kinds)
    inspectors: int = 40
    stars: float = 0.12

    def __post_init__(self) -> None:
        if self.inspectors < 2 or not 0 <= self.stars <= 1:
            raise ValueError(
                f"{self.inspectors} inspectors and a share of stars of {self.stars}; expected at "
                "least 2, and a share from 0 to 1"
            )

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The votes for every class, and what scores may be sorted by."""
        kept = [quantity for quantity in self.sky.quantities if quantity.name in KEPT]
        return (*CANDELS.quantities, *kept)

    @property
    def maps(self) -> tuple[Quantity, ...]:
        """Those of the sky; of a star they show the galaxy whose place it takes."""
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
        """The objects of these indices: see ``Sky.draw``.

        Raises:
            ValueError: a survey of several bands.
        """
        if len(survey.bands) > 1:
            raise ValueError(
                f"{survey.name} has {len(survey.bands)} bands; CANDELS classes are of one: select "
                "it"
            )
        drawn = tuple(dict.fromkeys((COMPANION, "clump", *maps)))
        every = CANDIDATES * indices[:, None] + np.arange(CANDIDATES)
        tried = self.sky.population.draw(every.ravel(), survey, seed=seed, split=split, size=size)
        steep = (tried.kind == SMOOTH) & (tried.sersic_index > BULGY)
        first = steep.view(-1, CANDIDATES).int().argmax(1)
        chosen = torch.arange(len(indices)) * CANDIDATES + first
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
        numbers = uniforms(seed, f"{split} inspected", indices, 1 + NUMBERS)
        star = torch.from_numpy(numbers[:, 0]) < self.stars
        image = light.image.clone()
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
            around = light.truth[COMPANION][rows][:, None]
            image[rows] = around + points.light(len(rows), survey, psf=psf.take(rows), size=size)
        sigma = float(sky_variance(survey)[0].sqrt())
        clump = light.truth["clump"].norm(dim=(1, 2)) / sigma
        fwhm = survey.bands[0].psf_fwhm / survey.pixel_scale
        return voted(
            replace(light, image=image),
            CANDELS,
            classes(galaxies, star, clump, fwhm),
            indices,
            keep=(*KEPT, *maps),
            volunteers=self.inspectors,
            seed=seed,
            split=split,
        )


def classes(galaxies: Galaxies, star: Tensor, clump: Tensor, fwhm: float) -> Tensor:
    """[object, class] probability that an inspector chooses each class of ``CANDELS``.

    The mock sky's own rules, smooth functions of what is there.

    Args:
        galaxies: their parameters.
        star: [object] bool, a star is in the galaxy's place.
        clump: [object] signal-to-noise of the clumps.
        fwhm: of the PSF, px.
    """
    snr = galaxies.signal_to_noise
    given_up = torch.sigmoid((GIVEN_UP / snr).log() / 0.06)
    steep = torch.sigmoid((galaxies.sersic_index / BULGY).log() / 0.12)
    heavy = torch.sigmoid((galaxies.bulge_to_total - 0.5) / 0.05)
    # People who cannot see a profile go by size: what is small looks like a spheroid.
    size = galaxies.radius / fwhm
    clear = torch.sigmoid((snr / CLEAR).log() / 0.1) * torch.sigmoid((size / 1.2).log() / 0.1)
    compact = torch.sigmoid((1.3 - size) / 0.06)
    early = torch.lerp(compact, torch.where(galaxies.kind == SMOOTH, steep, heavy), clear)
    clumpy = torch.sigmoid((clump.clamp(min=1e-3) / TELLING).log() / 0.2)
    odd = clumpy * (galaxies.kind == IRREGULAR)
    small = torch.sigmoid((1.0 - size) / 0.1) * early
    point = torch.where(star, 0.92, 0.02 + 0.2 * small)
    spheroid = (1 - point) * (1 - odd) * (0.04 + 0.92 * early)
    irregular = (1 - point) * (0.03 + 0.87 * odd)
    told = torch.stack([spheroid, torch.zeros_like(odd), irregular, point], 1)
    told[:, 1] = (1 - told.sum(1)).clamp(min=0.01)
    told = told / told.sum(1, keepdim=True)
    lost = (0.02 + 0.9 * given_up)[:, None]
    return torch.cat([(1 - lost) * told, lost], 1).float()
