"""Kinds: five kinds of galaxies whose arms, bars and clumps can just be seen, or just not."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.batch import Truth
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.sky import Light
from deepfield.nouns.survey import Survey
from deepfield.render.noise import NANOJANSKY
from deepfield.sky.counts import Counts
from deepfield.sky.galaxies import Shown, shine
from deepfield.sky.others import join
from deepfield.sky.painted import PARTS
from deepfield.sky.population import BARRED, KIND, SMOOTH, SPIRAL, Galaxies, Population
from deepfield.sky.rows import take
from deepfield.sky.superposed import superposed

VISIBLE = Quantity(
    "visible",
    description="1 where the feature's matched-filter S/N is >= 8 and its size >= 1 PSF FWHM",
)
COMPANION = "companion"
OUTSIDE = 2.5
"""half-light radii within which only what is superposed on purpose lies"""
DETECTABLE = 8.0


@dataclass(frozen=True)
class Kinds:
    """Smooth, edge-on, spiral, barred and irregular galaxies, equally many of each.

    Around them are the stars and galaxies of the magnitude counts that are fainter than they, as
    around the galaxies of a magnitude-limited sample. In a share of the stamps another one lies on
    the galaxy's outskirts: a blob there says nothing about its kind.

    Args:
        population: priors of the galaxies.
        counts: of stars and galaxies around them.
        overlapping: share of stamps with something superposed on the galaxy's outskirts.

    Raises:
        ValueError: a prior that cannot be.

    Example:
        >>> from deepfield.render.psf import survey_psf
        >>> from deepfield.sky.surveys import sdss
        >>> light = Kinds().draw(
        ...     np.arange(2), sdss(), seed=0, split="train", size=32, psf=survey_psf(sdss())
        ... )
        >>> light.image.shape, len(light.truth["kind"])
        (torch.Size([2, 3, 32, 32]), 2)
    """

    population: Population = field(default_factory=Population)
    counts: Counts = field(default_factory=Counts)
    overlapping: float = 0.3

    # Magnitude and size are there to sort scores by, not to be learnt: augmentation may zoom
    # past them, so their kind here is invariant.
    quantities = (
        KIND,
        VISIBLE,
        Quantity("feature_signal_to_noise", description="matched filter, all bands, from truth"),
        Quantity("feature_size", "arcsec", "invariant", description="scale to be resolved"),
        Quantity("signal_to_noise", description="of half the light, in the half-light ellipse"),
        Quantity("magnitude", "mag(AB)", "invariant", description="total, in the middle band"),
        Quantity("radius", "arcsec", "invariant", description="major-axis half-light radius"),
        Quantity("axis_ratio", description="minor over major axis, of the disc or the whole"),
        Quantity("position_angle", "deg", "angle", description="east of north"),
        Quantity("bulge_to_total", description="light of the bulge over all; NaN if smooth"),
        Quantity("arms", description="number of spiral arms; NaN without any"),
        Quantity("ringed", description="1 with a ring, 0 without; NaN if no disc is seen"),
        Quantity("neighbours", description="stars and galaxies with their centre in the stamp"),
    )
    maps = (
        Quantity("arm", "nJy", "map", description="light of arms above the smooth disc"),
        Quantity("bar", "nJy", "map", description="light of the bar"),
        Quantity("ring", "nJy", "map", description="light of the ring"),
        Quantity("clump", "nJy", "map", description="light of clumps and HII regions"),
        Quantity("dust", "nJy", "map", description="light that a dust lane takes away"),
        Quantity(COMPANION, "nJy", "map", description="light of stars and galaxies around it"),
    )

    def __post_init__(self) -> None:
        if not 0 <= self.overlapping <= 1:
            raise ValueError(f"overlapping {self.overlapping}; expected a share from 0 to 1")

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
        galaxies = self.population.draw(indices, survey, seed=seed, split=split, size=size)
        shown = shine(galaxies, survey, size=size, psf=psf, parts=PARTS.intersection(maps))
        fwhm = survey.bands[len(survey.bands) // 2].psf_fwhm / survey.pixel_scale
        nearby = self.counts.draw(
            indices,
            survey,
            seed=seed,
            split=split,
            size=size,
            closest=OUTSIDE * galaxies.radius + fwhm,
        )
        fainter = nearby.flux[:, len(survey.bands) // 2] < galaxies.flux[nearby.owner]
        others = join(
            take(nearby, fainter),
            superposed(galaxies, indices, survey, seed=seed, split=split, share=self.overlapping),
        )
        around = others.light(len(indices), survey, psf=psf, size=size)
        values = _truth(galaxies, shown, survey)
        values["neighbours"] = others.number(len(indices), size)
        alone = {**shown.parts, COMPANION: around[:, len(survey.bands) // 2]}
        truth = {quantity: values[quantity.name] for quantity in self.quantities}
        truth |= {
            quantity: alone[quantity.name] for quantity in self.maps if quantity.name in maps
        }
        return Light(shown.image + around, Truth(truth))


def _truth(galaxies: Galaxies, shown: Shown, survey: Survey) -> dict[str, Tensor]:
    """What is known of the galaxies, by name."""
    kind, snr = galaxies.kind, shown.feature_signal_to_noise
    extent = shown.feature_size * survey.pixel_scale
    middle = survey.bands[len(survey.bands) // 2]
    armed = (kind == SPIRAL) | ((kind == BARRED) & (galaxies.faint_arms > 0))
    disc = (kind == SPIRAL) | (kind == BARRED)
    nothing = torch.full_like(snr, torch.nan)
    return {
        "kind": kind,
        "visible": ((snr >= DETECTABLE) & (extent >= middle.psf_fwhm)).float(),
        "feature_signal_to_noise": snr,
        "feature_size": extent,
        "signal_to_noise": galaxies.signal_to_noise,
        "magnitude": NANOJANSKY - 2.5 * torch.log10(galaxies.flux),
        "radius": galaxies.radius * survey.pixel_scale,
        "axis_ratio": galaxies.axis_ratio,
        "position_angle": galaxies.position_angle,
        "bulge_to_total": torch.where(kind != SMOOTH, galaxies.bulge_to_total, nothing),
        "arms": torch.where(armed, galaxies.arms.number[:, 0], nothing),
        "ringed": torch.where(disc, (galaxies.ring.share > 0).float(), nothing),
    }
