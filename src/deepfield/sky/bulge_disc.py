"""Bulge and disc: galaxies of two Sersic components with flat priors (Tuccillo+18)."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.sky import Light
from deepfield.nouns.survey import Survey
from deepfield.render.draws import uniforms
from deepfield.render.noise import NANOJANSKY
from deepfield.sky.priors import Range, check_range, flat
from deepfield.sky.profiles import Profiles, by_slope, stamps

INDEX_DISC = 1.0
NUMBERS = 16


@dataclass(frozen=True)
class BulgeDisc:
    """A Sersic bulge in an exponential disc, one centre, nothing else in the stamp.

    The defaults are those of DeepLeGATo (Tuccillo+18, MNRAS 475, 894): every parameter flat, sizes
    flat in the logarithm. A bulge may be larger than its disc, as there.

    Args:
        magnitude: total, AB, in the middle band.
        bulge_to_total: share of the bulge in the light of the middle band.
        log_radius_bulge, log_radius_disc: log10 of the major-axis half-light radius in pixels.
        sersic_index: of the bulge; the disc has 1.
        ellipticity: 1 - minor / major axis, of either component.
        offset: of the centre from the stamp's, px, in x and in y.
        slope_bulge, slope_disc: d ln flux / d ln wavelength, for surveys of several bands.

    Raises:
        ValueError: a prior that cannot be.

    Example:
        >>> from deepfield.render.psf import survey_psf
        >>> from deepfield.sky.surveys import hst
        >>> light = BulgeDisc().draw(
        ...     np.arange(3), hst(), seed=0, split="train", size=64, psf=survey_psf(hst())
        ... )
        >>> light.image.shape, bool((light.truth["bulge_to_total"] <= 1).all())
        (torch.Size([3, 1, 64, 64]), True)
    """

    magnitude: Range = (18.0, 24.0)
    bulge_to_total: Range = (0.0, 1.0)
    log_radius_bulge: Range = (0.2, 1.3)
    log_radius_disc: Range = (0.2, 1.5)
    sersic_index: Range = (0.5, 6.0)
    ellipticity: Range = (0.05, 0.95)
    offset: Range = (-0.5, 0.5)
    slope_bulge: Range = (2.0, 3.0)
    slope_disc: Range = (1.0, 2.2)

    quantities = (
        Quantity("magnitude", "mag(AB)", "flux", description="total, in the middle band"),
        Quantity("bulge_to_total", description="light of the bulge over all, middle band"),
        Quantity("radius_bulge", "arcsec", "length", description="major-axis half-light radius"),
        Quantity("radius_disc", "arcsec", "length", description="major-axis half-light radius"),
        Quantity("sersic_index_bulge", description="Sersic index of the bulge"),
        Quantity("axis_ratio_bulge", description="minor over major axis"),
        Quantity("axis_ratio_disc", description="minor over major axis"),
        Quantity("position_angle_bulge", "deg", "angle", description="east of north"),
        Quantity("position_angle_disc", "deg", "angle", description="east of north"),
        Quantity("x", "pix", "point", description="centre, first pixel 0"),
        Quantity("y", "pix", "point", description="centre, first pixel 0"),
        Quantity("signal_to_noise", description="of all light, over the sky's noise, middle band"),
    )
    maps = (
        Quantity("bulge", "nJy", "map", description="light of the bulge, middle band"),
        Quantity("disc", "nJy", "map", description="light of the disc, middle band"),
    )

    def __post_init__(self) -> None:
        check_range("magnitude", self.magnitude)
        check_range("bulge_to_total", self.bulge_to_total, at_least=0, at_most=1)
        check_range("log_radius_bulge", self.log_radius_bulge, at_least=-2, at_most=3)
        check_range("log_radius_disc", self.log_radius_disc, at_least=-2, at_most=3)
        check_range("sersic_index", self.sersic_index, at_least=0.5, at_most=6.2)
        check_range("ellipticity", self.ellipticity, at_least=0, at_most=0.98)
        check_range("offset", self.offset)

    def profiles(
        self, indices: np.ndarray, survey: Survey, *, seed: int, split: str
    ) -> tuple[Profiles, dict[str, Tensor]]:
        """The galaxies of these indices: two components each, and their truth by name."""
        columns = iter(uniforms(seed, split, indices, NUMBERS).T)

        def draw(limits: Range) -> Tensor:
            return torch.as_tensor(flat(next(columns), limits), dtype=torch.float32)

        magnitude, bulge = draw(self.magnitude), draw(self.bulge_to_total)
        radius = 10 ** torch.stack([draw(self.log_radius_bulge), draw(self.log_radius_disc)], 1)
        index = draw(self.sersic_index)
        ratio = 1 - torch.stack([draw(self.ellipticity), draw(self.ellipticity)], 1)
        angle = torch.stack([draw((0, 180)), draw((0, 180))], 1)
        x, y = draw(self.offset), draw(self.offset)
        slope = torch.stack([draw(self.slope_bulge), draw(self.slope_disc)], 1)
        flux = 10 ** (0.4 * (NANOJANSKY - magnitude))
        share = torch.stack([bulge, 1 - bulge], 1) * flux[:, None]
        galaxies = Profiles(
            sersic_index=torch.stack([index, torch.full_like(index, INDEX_DISC)], 1),
            radius=radius,
            axis_ratio=ratio,
            position_angle=angle,
            x=x,
            y=y,
            flux=by_slope(share, slope, survey),
        )
        scale = survey.pixel_scale
        truth = {
            "magnitude": magnitude,
            "bulge_to_total": bulge,
            "radius_bulge": radius[:, 0] * scale,
            "radius_disc": radius[:, 1] * scale,
            "sersic_index_bulge": index,
            "axis_ratio_bulge": ratio[:, 0],
            "axis_ratio_disc": ratio[:, 1],
            "position_angle_bulge": angle[:, 0],
            "position_angle_disc": angle[:, 1],
        }
        return galaxies, truth

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
        return stamps(self, indices, survey, seed=seed, split=split, size=size, psf=psf, maps=maps)
