"""Mergers: what encounters look like in a survey, beside discs alone and chance pairs."""

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
from deepfield.render.noise import NANOJANSKY, sky_variance
from deepfield.sky.encounters import ALONE, CHANCE, MERGING, VIEWS, Encounters
from deepfield.sky.numbers import Numbers
from deepfield.sky.paired_light import MARGIN, MIXED, SEEN, Look, paint, shine
from deepfield.sky.particles import isotropic
from deepfield.sky.priors import Range, check_number, check_range
from deepfield.sky.tracers import HALF_LIGHT

STAGE = Quantity(
    "stage",
    classes=("isolated", "pre_merger", "merger", "post_merger"),
    description="merger: less than a window of time from coalescence, before or after",
)
MERGER = Quantity(
    "merger", classes=("other", "merger"), description="the stage merger, or any other"
)
DISTURBED = Quantity(
    "disturbed",
    classes=("undisturbed", "disturbed"),
    description="whether an encounter's disturbed light can be seen: visible, as a class",
)
IN_CACHE = 8
"""objects rendered at a time"""
CLEAR = 8.0
"""visibility from which disturbed light can be seen"""
NUMBERS = 24
"""uniform numbers kept for each object; a few are spare"""
LARGEST = 14
"""half-light radii of the larger disc that fit in a stamp, at least"""


@dataclass(frozen=True)
class Mergers:
    """Merging galaxies at any time, isolated discs, and pairs that only seem close.

    The larger galaxy is near the stamp's centre. Brightness is a signal-to-noise ratio and size
    a multiple of the PSF, so that the question is as hard in any survey.

    Args:
        encounters: priors of orbits, discs and times.
        window: Myr around coalescence that count as the stage merger.
        signal_to_noise: of half of the larger galaxy's light within its half-light radius if it
            were face-on, in the middle band; log-uniform.
        radius: half-light radius of the larger disc in PSF FWHM, log-uniform; at most a
            fourteenth of the stamp, so that pairs fit.
        bulge_to_total: share of a bulge in each galaxy's light.
        young: share of young stars in each disc's light, larger outside than inside.

    Raises:
        ValueError: an impossible prior.

    Example:
        >>> from deepfield.render.psf import survey_psf
        >>> from deepfield.sky.surveys import sdss
        >>> light = Mergers().draw(
        ...     np.arange(2), sdss(), seed=0, split="train", size=32, psf=survey_psf(sdss())
        ... )
        >>> light.image.shape, light.truth.quantity("stage").classes[1]
        (torch.Size([2, 3, 32, 32]), 'pre_merger')
    """

    encounters: Encounters = field(default_factory=Encounters)
    window: float = 300.0
    signal_to_noise: Range = (10.0, 1000.0)
    radius: Range = (0.9, 2.5)
    bulge_to_total: Range = (0.0, 0.4)
    young: Range = (0.1, 0.5)

    quantities = (
        STAGE,
        MERGER,
        DISTURBED,
        Quantity("chance_pair", description="1 where two galaxies only seem close"),
        Quantity("time_to_coalescence", "Myr", description="still to go; negative afterwards"),
        Quantity("time_to_pericentre", "Myr", description="the first; negative afterwards"),
        Quantity("mass_ratio", description="of the smaller to the larger galaxy"),
        Quantity("separation", "arcsec", "length", description="projected, of the two centres"),
        Quantity(
            "visibility",
            description="matched filter, all bands, of an encounter's light minus the same with "
            "every particle at another phase of its orbit; 0 without an encounter",
        ),
        Quantity("visible", description="1 where visibility is >= 8"),
        Quantity("signal_to_noise", description="of half the larger galaxy's light, face-on"),
        # As in Kinds: there to sort scores by, so that augmentation may zoom past them.
        Quantity("magnitude", "mag(AB)", "invariant", description="of all, in the middle band"),
        Quantity("radius", "arcsec", "invariant", description="half-light, of the larger disc"),
        Quantity("scale", "kpc / arcsec", "invariant"),
    )
    maps = (
        Quantity("companion", "nJy", "map", description="the smaller galaxy, middle band"),
        Quantity(
            "tidal",
            "nJy",
            "map",
            description="light 1.5 times as far from its galaxy as it would ever go undisturbed, "
            "middle band",
        ),
    )

    def __post_init__(self) -> None:
        check_number("window", self.window, at_least=0)
        check_range("signal_to_noise", self.signal_to_noise, at_least=1e-3)
        check_range("radius", self.radius, at_least=1e-3)
        check_range("bulge_to_total", self.bulge_to_total, at_least=0, at_most=1)
        check_range("young", self.young, at_least=0, at_most=1)

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
        """The objects of these indices: see ``Sky.draw``."""
        look = self._look(indices, survey, seed=seed, split=split, size=size)
        finer, sets = psf.oversampling, 3 if "tidal" in maps else 2
        middle, noise = len(survey.bands) // 2, sky_variance(survey)[:, None, None]
        facts, images, visibility = [], [], []
        pictures: dict[str, list[Tensor]] = {"companion": [], "tidal": []}
        for at in torch.arange(len(indices)).split(IN_CACHE):
            painted = []
            for i in at.tolist():
                number, view = divmod(int(indices[i]), VIEWS)
                views = self.encounters.views(seed=seed, split=split, number=number)
                side = (size + 2 * MARGIN) * finer
                painted.append(
                    paint(views, look.take(i), view=view, side=side, finer=finer, sets=sets)
                )
                facts.append(views.facts(view))
            light = torch.from_numpy(np.stack(painted))
            shown = shine(light, look.take(at), survey, size=size, psf=psf.take(at))
            images.append(shown[:, SEEN].sum(1))
            residual = images[-1] - shown[:, MIXED].sum(1)
            visibility.append((residual**2 / noise).sum((1, 2, 3)).sqrt())
            pictures["companion"].append(shown[:, SEEN, 1, middle])
            pictures["tidal"].append(shown[:, -1, :, middle].sum(1))
        known = self._known(torch.tensor(facts), look, torch.cat(visibility), survey)
        truth = {quantity: known[quantity.name] for quantity in self.quantities}
        for quantity in self.maps:
            if quantity.name in maps:
                truth[quantity] = torch.cat(pictures[quantity.name])
        return Light(torch.cat(images), Truth(truth))

    def _known(
        self, facts: Tensor, look: Look, visibility: Tensor, survey: Survey
    ) -> dict[str, Tensor]:
        """The quantities by name, from ``Views.facts`` of every object."""
        kind, x, y, z, to_pericentre, to_coalescence, ratio, length = facts.T
        apart = torch.einsum("oij,oj->oi", look.turn[:, :2], torch.stack([x, y, z], 1))
        radius = look.radius * survey.pixel_scale
        scale = HALF_LIGHT * length / radius
        # An orbit that does not decay is for ever before its coalescence.
        time = to_coalescence.nan_to_num(torch.inf)
        stage = 1 + (time <= self.window).long() + (time < -self.window).long()
        stage = torch.where(kind == MERGING, stage, 0)
        visibility = torch.where(kind == MERGING, visibility, 0.0)
        visible = visibility >= CLEAR
        light = torch.where(kind == ALONE, 1.0, 1 + ratio) * look.flux
        return {
            "stage": stage,
            "merger": (stage == STAGE.classes.index("merger")).long(),
            "disturbed": visible.long(),
            "chance_pair": (kind == CHANCE).float(),
            "time_to_coalescence": to_coalescence,
            "time_to_pericentre": to_pericentre,
            "mass_ratio": torch.where(kind == ALONE, torch.nan, ratio),
            "separation": apart.norm(dim=1) / scale,
            "visibility": visibility,
            "visible": visible.float(),
            "signal_to_noise": look.signal_to_noise,
            "magnitude": NANOJANSKY - 2.5 * torch.log10(light),
            "radius": radius,
            "scale": scale,
        }

    def _look(
        self, indices: np.ndarray, survey: Survey, *, seed: int, split: str, size: int
    ) -> Look:
        u = uniforms(seed, split, indices, NUMBERS)
        numbers = Numbers(u[:, 3:])
        middle = len(survey.bands) // 2
        fwhm = survey.bands[middle].psf_fwhm / survey.pixel_scale
        sigma = float(sky_variance(survey)[middle].sqrt())
        low, high = (limit * fwhm for limit in self.radius)
        cap = max(size / LARGEST, low)
        radius = numbers.log_flat((low, min(high, cap)))
        snr = numbers.log_flat(self.signal_to_noise)
        area = torch.pi * (radius**2 + (0.6 * fwhm) ** 2)

        def both(one: Tensor, other: Tensor) -> Tensor:
            return torch.stack([one, other], 1)

        return Look(
            signal_to_noise=snr,
            flux=2 * snr * sigma * area.sqrt(),
            radius=radius,
            x=numbers.flat((-1.5, 1.5)),
            y=numbers.flat((-1.5, 1.5)),
            turn=torch.from_numpy(np.stack([isotropic(row) for row in u[:, :3]])).float(),
            bulge_to_total=both(*(numbers.flat(self.bulge_to_total) for _ in range(2))),
            bulge_radius=both(*(numbers.flat((0.2, 0.5)) for _ in range(2))),
            young=both(*(numbers.flat(self.young) for _ in range(2))),
            slope_old=both(*(numbers.normal(2.4, 0.25) for _ in range(2))),
            slope_young=both(*(numbers.normal(0.3, 0.3) for _ in range(2))),
        )
