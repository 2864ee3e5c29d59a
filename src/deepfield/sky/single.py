"""Single: galaxies of one Sersic component with flat priors."""

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

NUMBERS = 8


@dataclass(frozen=True)
class Single:
    """One Sersic profile and nothing else in the stamp, every parameter flat.

    Args:
        magnitude: total, AB, in the middle band.
        log_radius: log10 of the major-axis half-light radius in pixels.
        sersic_index: from 0.5 to 6.2 at most.
        ellipticity: 1 - minor / major axis.
        offset: of the centre from the stamp's, px, in x and in y.
        slope: d ln flux / d ln wavelength, for surveys of several bands.

    Raises:
        ValueError: a prior that cannot be.

    Example:
        >>> from deepfield.render.psf import survey_psf
        >>> from deepfield.sky.surveys import hst
        >>> light = Single().draw(
        ...     np.arange(3), hst(), seed=0, split="train", size=64, psf=survey_psf(hst())
        ... )
        >>> light.image.shape, sorted(light.truth)[:3]
        (torch.Size([3, 1, 64, 64]), ['axis_ratio', 'magnitude', 'position_angle'])
    """

    magnitude: Range = (18.0, 24.0)
    log_radius: Range = (0.2, 1.3)
    sersic_index: Range = (0.5, 6.0)
    ellipticity: Range = (0.0, 0.9)
    offset: Range = (-0.5, 0.5)
    slope: Range = (1.0, 3.0)

    quantities = (
        Quantity("magnitude", "mag(AB)", "flux", description="total, in the middle band"),
        Quantity("radius", "arcsec", "length", description="major-axis half-light radius"),
        Quantity("sersic_index", description="Sersic index"),
        Quantity("axis_ratio", description="minor over major axis"),
        Quantity("position_angle", "deg", "angle", description="east of north"),
        Quantity("x", "pix", "point", description="centre, first pixel 0"),
        Quantity("y", "pix", "point", description="centre, first pixel 0"),
        Quantity("signal_to_noise", description="of all light, over the sky's noise, middle band"),
    )
    maps: tuple[Quantity, ...] = ()

    def __post_init__(self) -> None:
        check_range("magnitude", self.magnitude)
        check_range("log_radius", self.log_radius, at_least=-2, at_most=3)
        check_range("sersic_index", self.sersic_index, at_least=0.5, at_most=6.2)
        check_range("ellipticity", self.ellipticity, at_least=0, at_most=0.98)
        check_range("offset", self.offset)

    def profiles(
        self, indices: np.ndarray, survey: Survey, *, seed: int, split: str
    ) -> tuple[Profiles, dict[str, Tensor]]:
        """The galaxies of these indices, and their truth by name."""
        columns = iter(uniforms(seed, split, indices, NUMBERS).T)

        def draw(limits: Range) -> Tensor:
            return torch.as_tensor(flat(next(columns), limits), dtype=torch.float32)

        magnitude, radius = draw(self.magnitude), 10 ** draw(self.log_radius)
        index, ratio = draw(self.sersic_index), 1 - draw(self.ellipticity)
        angle, x, y = draw((0, 180)), draw(self.offset), draw(self.offset)
        flux = 10 ** (0.4 * (NANOJANSKY - magnitude))
        galaxies = Profiles(
            sersic_index=index[:, None],
            radius=radius[:, None],
            axis_ratio=ratio[:, None],
            position_angle=angle[:, None],
            x=x,
            y=y,
            flux=by_slope(flux, draw(self.slope), survey)[:, None],
        )
        truth = {
            "magnitude": magnitude,
            "radius": radius * survey.pixel_scale,
            "sersic_index": index,
            "axis_ratio": ratio,
            "position_angle": angle,
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
