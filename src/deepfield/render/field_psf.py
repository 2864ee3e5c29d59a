"""PSFs that vary from object to object: over the field, with the seeing, or as stars show them."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.nouns.survey import Survey
from deepfield.render import draws
from deepfield.render.profiles import Moffat, Profile
from deepfield.render.psf import sampling

ROUNDEST = 0.5
"""Shears are cut here: no telescope works beyond."""


@dataclass(frozen=True)
class FieldPsf:
    """A profile whose width and ellipticity depend on the place in the field and the exposure.

    A place (x, y) is in field coordinates, -1 to 1 along both axes; r is its distance from the
    optical axis. Width and shear are polynomials of second order, as defocus and astigmatism make
    them.

    Args:
        profile: the shape at the centre of the field in median seeing.
        seeing: scatter of ln FWHM from object to object, all bands together.
        band_scatter: the same, of each band alone: exposures are not taken at the same time.
        growth: relative growth of the FWHM out to r = 1, times r^2.
        astigmatism: shear at r = 1, times r^2; positive is radial, negative tangential.
        shake: scatter of both shears of each band: tracking and wind.

    Raises:
        ValueError: a negative scatter, or an effect too strong to be one of a telescope.

    Example:
        >>> from deepfield.nouns.survey import Band
        >>> r = Band("r", 616.0, 26.0, 53.9, 20.86, 1.2, 1.0, "made up")
        >>> survey = Survey("one band", (r,), 0.4)
        >>> FieldPsf()(survey, np.arange(3), seed=0, split="train").kernel.shape
        torch.Size([3, 1, 25, 25])
    """

    profile: Profile = field(default_factory=Moffat)
    seeing: float = 0.1
    band_scatter: float = 0.03
    growth: float = 0.05
    astigmatism: float = 0.02
    shake: float = 0.01

    def __post_init__(self) -> None:
        scatters = (self.seeing, self.band_scatter, self.shake)
        if not all(0 <= s <= 0.5 for s in scatters):
            raise ValueError(
                f"seeing {self.seeing}, band_scatter {self.band_scatter}, shake {self.shake}; "
                "expected scatters from 0 to 0.5"
            )
        if not (-0.25 <= self.growth <= 1 and abs(self.astigmatism) <= 0.2):
            raise ValueError(
                f"growth {self.growth}, astigmatism {self.astigmatism}; expected -0.25 to 1 and "
                "-0.2 to 0.2 at the edge of the field"
            )

    def __call__(self, survey: Survey, indices: np.ndarray, *, seed: int, split: str) -> Psf:
        """The PSFs of objects at random places of the field: [object, channel, y, x]."""
        objects, bands = len(indices), len(survey.bands)
        place = np.empty((objects, 2))
        normal = np.empty((objects, 1 + 3 * bands))
        for row, index in enumerate(indices):
            own = draws.generator(seed, split, int(index), draws.PSF)
            place[row] = own.uniform(-1, 1, 2)
            normal[row] = own.standard_normal(1 + 3 * bands)
        by_band = normal[:, 1:].reshape(objects, bands, 3)
        log_width = self.seeing * normal[:, :1] + self.band_scatter * by_band[..., 0]
        return self.at(
            survey,
            torch.from_numpy(place).float(),
            seeing=torch.from_numpy(np.exp(log_width)).float(),
            shear=torch.from_numpy(self.shake * by_band[..., 1:]).float(),
        )

    def at(self, survey: Survey, place: Tensor, *, seeing: Tensor, shear: Tensor) -> Psf:
        """The PSFs at these places.

        Args:
            survey: bands and pixel scale.
            place: [object, 2] field coordinates x and y, -1 to 1.
            seeing: [object, channel or 1] FWHM over that of the profile.
            shear: [object, channel or 1, 2] of the exposure, added to that of the field.

        Returns:
            [object, channel, y, x], with the side and oversampling that the survey's widths ask.

        Raises:
            ValueError: places or seeing of other shapes, or a seeing that is not positive.
        """
        objects, bands = len(place), len(survey.bands)
        if place.shape != (objects, 2) or len(seeing) != objects or not bool((seeing > 0).all()):
            raise ValueError(
                f"place has shape {tuple(place.shape)}, seeing {tuple(seeing.shape)}; expected "
                "[object, 2] and positive [object, channel or 1]"
            )
        side, finer = sampling(survey)
        x, y = place.T
        stretch = seeing * (1 + self.growth * (x**2 + y**2))[:, None]
        radial = self.astigmatism * torch.stack((x**2 - y**2, 2 * x * y), -1)
        total = shear + radial[:, None]
        total = total / (total.norm(dim=-1, keepdim=True) / ROUNDEST).clamp(min=1)
        stretch = stretch.expand(objects, bands)
        total = total.expand(objects, bands, 2)
        # One object at a time fits the processor's cache and depends on no other.
        kernels = [
            self.profile.kernels(
                survey, stretch[i : i + 1], total[i : i + 1], side=side, oversampling=finer
            )
            for i in range(objects)
        ]
        return Psf(torch.cat(kernels), finer)


@dataclass(frozen=True, eq=False)
class PsfStack:
    """The user's own PSFs: every object sees one of them, at random.

    Args:
        psf: [star, channel, y, x]; a single one is shared by all objects.

    Example:
        >>> from deepfield.nouns.survey import Band
        >>> r = Band("r", 616.0, 26.0, 53.9, 20.86, 1.2, 1.0, "made up")
        >>> stars = PsfStack(Psf(torch.ones(5, 1, 1, 1)))
        >>> stars(Survey("r", (r,), 0.4), np.arange(3), seed=0, split="train").kernel.shape
        torch.Size([3, 1, 1, 1])
    """

    psf: Psf

    def __call__(self, survey: Survey, indices: np.ndarray, *, seed: int, split: str) -> Psf:
        """The PSFs of some objects: [object or 1, channel, y, x]."""
        stars = len(self.psf.kernel)
        chosen = [
            int(draws.generator(seed, split, int(index), draws.PSF).integers(stars))
            for index in indices
        ]
        return self.psf.take(torch.tensor(chosen, dtype=torch.int64))
