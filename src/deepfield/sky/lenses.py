"""Lenses: galaxies that bend the light of others, and galaxies that look as if they did."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.batch import Truth
from deepfield.nouns.flags import Flag
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.sky import Light
from deepfield.nouns.survey import Survey
from deepfield.render.draws import uniforms
from deepfield.render.noise import NANOJANSKY
from deepfield.sky import clumpy_sources, lens_galaxies
from deepfield.sky.lens_images import LENS, PLAIN, SPIRAL, WEAK, Shown, Systems, shine
from deepfield.sky.lensing import Lens
from deepfield.sky.priors import Range, check_range
from deepfield.sky.profiles import INSIDE

MAGNIFIED = 1.6
"""magnification from which a source counts as lensed, as in the challenge of Metcalf+19"""
SEEN = 8.0
"""signal-to-noise ratio from which arcs count as seen"""
REACH = 0.22
"""largest Einstein radius in sides of the stamp: so the arcs are in it"""
EDGE = 0.47
"""how far from the middle arcs may be, in sides of the stamp"""
PARTS = [
    16,
    lens_galaxies.GALAXY_NUMBERS,
    lens_galaxies.DISC_NUMBERS,
    lens_galaxies.COMPANION_NUMBERS,
    lens_galaxies.NEIGHBOUR_NUMBERS,
    clumpy_sources.NUMBERS,
]
"""uniform numbers for each part of a system"""


@dataclass(frozen=True)
class Lenses:
    """Strong lenses, and negatives that are hard: spirals, rings, companions, weak lensing.

    All have the same massive galaxy in the middle. What can be taken for arcs (arms, rings, blue
    companions) has the radius, the colours and the signal-to-noise ratios of arcs, so that only
    the shape tells. Brightness is a signal-to-noise ratio, so that the same question is equally
    hard in any survey. The design is that of the lens-finding challenge (Metcalf+19, A&A 625,
    A119) with clumpy sources. Bulges differ: there a bulge's Sersic index follows B/T, here all
    galaxies share one prior, or the index alone would give negatives away.

    An object is a lens if its source is magnified by at least 1.6 with arcs of a signal-to-noise
    ratio of at least 8: what was drawn as weakly lensed may be one, and the other way round.

    Args:
        share: of objects with a source inside the caustic.
        negatives: relative frequency of weakly lensed sources, spirals, rings, companions and
            plain galaxies among the others.
        einstein_radius: arcsec, of the intermediate axis; in small stamps at most 0.22 sides.
        axis_ratio: of the lens's mass.
        shear: external; its direction is free.
        arc_signal_to_noise: of arcs, or of what imitates them, over all bands; log-uniform.
        contrast: how many magnitudes the galaxy is brighter than its arcs, middle band.
        source_offset, weak_offset: of the source's centre from the lens's, in units of where the
            caustic is in that direction: strong and weak lensing. Weakly lensed sources are kept
            in the stamp.
        source_radius: half-light radius, arcsec.
        clumps: least and most in a source, at most 4; ``clump_share`` of its light.
        slope_lens, slope_source: d ln flux / d ln wavelength: red and blue.

    Raises:
        ValueError: a prior that cannot be.

    Example:
        >>> from deepfield.render.psf import survey_psf
        >>> from deepfield.sky.surveys import lsst
        >>> survey = lsst().select(("g", "r", "i"))
        >>> light = Lenses().draw(
        ...     np.arange(2), survey, seed=0, split="train", size=64, psf=survey_psf(survey)
        ... )
        >>> light.image.shape, light.truth.quantity("lens").classes
        (torch.Size([2, 3, 64, 64]), ('no_lens', 'lens'))
    """

    share: float = 0.5
    negatives: tuple[float, float, float, float, float] = (0.15, 0.3, 0.2, 0.15, 0.2)
    einstein_radius: Range = (0.5, 2.5)
    axis_ratio: Range = (0.5, 1.0)
    shear: Range = (0.0, 0.1)
    arc_signal_to_noise: Range = (15.0, 400.0)
    contrast: Range = (-0.5, 1.5)
    source_offset: Range = (0.0, 1.0)
    weak_offset: Range = (1.0, 3.0)
    source_radius: Range = (0.08, 0.35)
    clumps: tuple[int, int] = (0, 4)
    clump_share: Range = (0.2, 0.6)
    slope_lens: Range = (3.0, 5.0)
    slope_source: Range = (-0.5, 1.4)

    quantities = (
        Quantity("lens", classes=("no_lens", "lens"), description="strongly lensed arcs are seen"),
        Quantity(
            "kind",
            classes=("lens", "weak", "spiral", "ring", "companion", "plain"),
            description="what the object is",
        ),
        Quantity("einstein_radius", "arcsec", "length", description="of the intermediate axis"),
        Quantity("magnification", description="flux of the arcs over that of the source"),
        Quantity("arc_signal_to_noise", description="matched filter, all bands; 0 without arcs"),
        Quantity("feature_signal_to_noise", description="of arcs, or of what imitates them"),
        Quantity("magnitude_source", "mag(AB)", "flux", description="unlensed, middle band"),
        Quantity("magnitude_lens", "mag(AB)", "flux", description="the galaxy's, middle band"),
        Quantity("source_offset", description="from the lens, in caustic sizes"),
        Quantity("axis_ratio", description="of the lens's mass, minor over major axis"),
        Quantity("position_angle", "deg", "angle", description="of the lens's mass"),
        Quantity("shear", description="external"),
        Quantity("shear_angle", "deg", "angle", description="along which shear stretches images"),
    )
    maps = (
        Quantity("arc", "nJy", "map", description="lensed light, middle band"),
        Quantity("lens_light", "nJy", "map", description="the galaxy, its disc or ring with it"),
        Quantity("companion", "nJy", "map", description="unlensed neighbours, middle band"),
    )

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share {self.share}; expected 0 to 1")
        weights = self.negatives
        if len(weights) != PLAIN or not (min(weights) >= 0 and 0 < sum(weights) < np.inf):
            raise ValueError(
                f"negatives {weights}; expected {PLAIN} numbers from 0, with a positive sum"
            )
        check_range("einstein_radius", self.einstein_radius, at_least=0.01)
        check_range("axis_ratio", self.axis_ratio, at_least=0.1, at_most=1)
        check_range("shear", self.shear, at_least=0, at_most=0.5)
        check_range("arc_signal_to_noise", self.arc_signal_to_noise, at_least=0.01)
        check_range("contrast", self.contrast)
        check_range("source_offset", self.source_offset, at_least=0)
        check_range("weak_offset", self.weak_offset, at_least=0)
        check_range("source_radius", self.source_radius, at_least=0.01)
        check_range("clumps", self.clumps, at_least=0, at_most=clumpy_sources.CLUMPS)
        check_range("clump_share", self.clump_share, at_least=0, at_most=1)
        check_range("slope_lens", self.slope_lens)
        check_range("slope_source", self.slope_source)

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
        """The systems of these indices: see ``Sky.draw``."""
        systems, offset = self._systems(
            indices, seed=seed, split=split, size=size, scale=survey.pixel_scale
        )
        shown = shine(systems, survey, psf=psf, size=size)
        values = _truth(systems, shown, offset)
        middle = len(survey.bands) // 2
        by_name = {"arc": shown.arc, "lens_light": shown.galaxy, "companion": shown.neighbours}
        truth = {q: values[q.name] for q in self.quantities}
        truth |= {q: by_name[q.name][:, middle] for q in self.maps if q.name in maps}
        inside = shown.galaxy[:, middle].sum((1, 2)) / shown.flux_galaxy
        flags = torch.where(inside < INSIDE, int(Flag.TOO_LARGE), 0)
        return Light(shown.arc + shown.galaxy + shown.neighbours, Truth(truth), flags)

    def _systems(
        self, indices: np.ndarray, *, seed: int, split: str, size: int, scale: float
    ) -> tuple[Systems, Tensor]:
        """What is drawn, and the sources' offsets in caustic sizes; ``scale`` in arcsec/px."""
        side = size * scale
        numbers = uniforms(seed, split, indices, sum(PARTS))
        u, for_galaxy, for_disc, for_companions, for_neighbours, for_source = torch.as_tensor(
            np.ascontiguousarray(numbers.T), dtype=torch.float32
        ).split(PARTS)

        def draw(number: int, limits: Range) -> Tensor:
            return limits[0] + (limits[1] - limits[0]) * u[number]

        others = (1 - self.share) / sum(self.negatives)
        shares = torch.tensor([self.share, *(others * weight for weight in self.negatives)])
        kind = torch.bucketize(u[0], shares.cumsum(0)[:-1], right=True)
        low, high = (min(limit, REACH * side) for limit in self.einstein_radius)
        einstein = draw(1, (low, high))
        lens = Lens(
            einstein,
            draw(2, self.axis_ratio),
            draw(3, (0, 180)),
            draw(4, self.shear),
            draw(5, (0, 180)),
        )
        # Arcs lie at most an Einstein radius further out than their source.
        farthest = (EDGE * side / einstein - 1).clamp(*self.weak_offset)
        weak = self.weak_offset[0] + (farthest - self.weak_offset[0]) * u[6]
        offset = torch.where(kind == WEAK, weak, draw(6, self.source_offset))
        caustic = lens.cut_at(draw(7, (0, 360)))
        slope_source = draw(8, self.slope_source)
        low, high = self.arc_signal_to_noise
        systems = Systems(
            kind=kind,
            x=draw(9, (-0.5, 0.5)) * scale,
            y=draw(10, (-0.5, 0.5)) * scale,
            lens=lens,
            sources=clumpy_sources.clumpy(
                for_source,
                offset * caustic[0],
                offset * caustic[1],
                radius=draw(11, self.source_radius),
                clumps=self.clumps,
                share=self.clump_share,
            ),
            discs=lens_galaxies.discs(for_disc, einstein, kind == SPIRAL),
            signal_to_noise=low * (high / low) ** u[12],
            contrast=draw(13, self.contrast),
            slope=draw(14, self.slope_lens),
            slope_feature=slope_source,
            sersic=lens_galaxies.galaxies(for_galaxy, lens),
            companions=lens_galaxies.companions(for_companions, einstein, slope_source),
            neighbours=lens_galaxies.neighbours(
                for_neighbours,
                einstein,
                farthest=0.58 * side,
                slope=(self.slope_source[0], self.slope_lens[1]),
            ),
        )
        return systems, offset


def _truth(systems: Systems, shown: Shown, offset: Tensor) -> dict[str, Tensor]:
    """Values [object] of all quantities; what belongs to a source is NaN without one."""
    snr, lens = systems.signal_to_noise, systems.lens
    sourced = systems.kind <= WEAK
    seen = (shown.magnification >= MAGNIFIED) & (snr >= SEEN)
    kind = torch.where(sourced, torch.where(seen, LENS, WEAK), systems.kind)

    def of_source(value: Tensor) -> Tensor:
        return torch.where(sourced, value, torch.nan)

    return {
        "lens": seen.long(),
        "kind": kind,
        "einstein_radius": of_source(lens.einstein_radius),
        "magnification": shown.magnification,
        "arc_signal_to_noise": snr * sourced,
        "feature_signal_to_noise": snr * (kind != PLAIN),
        "magnitude_source": of_source(NANOJANSKY - 2.5 * shown.flux_source.log10()),
        "magnitude_lens": NANOJANSKY - 2.5 * shown.flux_galaxy.log10(),
        "source_offset": of_source(offset),
        "axis_ratio": of_source(lens.axis_ratio),
        "position_angle": of_source(lens.position_angle),
        "shear": of_source(lens.shear),
        "shear_angle": of_source(lens.shear_angle),
    }
