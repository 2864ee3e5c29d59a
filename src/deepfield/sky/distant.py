"""Distant: bulges and discs whose colours, sizes and shapes know their redshift."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.sky import Light
from deepfield.nouns.survey import Survey
from deepfield.sky.distances import kiloparsecs_per_arcsec
from deepfield.sky.flux_limited import FluxLimited
from deepfield.sky.photometry import magnitude
from deepfield.sky.profiles import Profiles, stamps
from deepfield.sky.redshifts import Smail

SPECTRUM = (350.0, 950.0)
"""nm; range of the observed spectra"""


QUANTITIES = (
    Quantity("bulge_to_total", description="light of the bulge over all, middle band"),
    Quantity("radius_bulge", "arcsec", "length", description="major-axis half-light radius"),
    Quantity("radius_disc", "arcsec", "length", description="major-axis half-light radius"),
    Quantity("sersic_index_bulge", description="Sersic index of the bulge"),
    Quantity("axis_ratio", description="minor over major axis of the disc"),
    Quantity("position_angle", "deg", "angle", description="of bulge and disc, east of north"),
    Quantity("type_bulge", description="spectral type of the bulge, 0 (E) to 4 (SB)"),
    Quantity("type_disc", description="spectral type of the disc, 0 (E) to 4 (SB)"),
    Quantity("attenuation", "mag", description="A_V of the disc as it is seen"),
    Quantity("halpha_width", "Angstrom", description="rest-frame equivalent width, emission"),
    Quantity("log_mass", "dex(solMass)", description="stellar, log10"),
    Quantity("x", "pix", "point", description="centre, first pixel 0"),
    Quantity("y", "pix", "point", description="centre, first pixel 0"),
)


@dataclass(frozen=True)
class Distant:
    """Galaxies of an old bulge and a young, dusty disc, as a flux-limited survey finds them.

    An image tells more of the redshift than its integrated colours do: the bulge alone is of
    nearly one colour at a redshift, inclination tells the dust, and sizes the distance.

    Args:
        population: priors of redshift, luminosity, types, dust and shape.
        bands: names of those whose magnitudes the truth shall hold.

    Example:
        >>> from deepfield.render.psf import survey_psf
        >>> from deepfield.sky.surveys import hsc
        >>> sky = Distant(bands=("g", "i"))
        >>> light = sky.draw(
        ...     np.arange(3), hsc(), seed=0, split="train", size=32, psf=survey_psf(hsc())
        ... )
        >>> light.image.shape, bool((light.truth["magnitude"] < 23.5).all())
        (torch.Size([3, 5, 32, 32]), True)
    """

    population: FluxLimited = field(default_factory=FluxLimited)
    bands: tuple[str, ...] = ()

    maps = (
        Quantity("bulge", "nJy", "map", description="light of the bulge, middle band"),
        Quantity("disc", "nJy", "map", description="light of the disc, middle band"),
    )

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What the truth always holds, with a magnitude for each of ``bands``."""
        return (
            Quantity("redshift", description="cosmological"),
            Quantity("magnitude", "mag(AB)", "flux", description="total, in the middle band"),
            *(
                Quantity(f"magnitude_{band}", "mag(AB)", "flux", description=f"total, in {band}")
                for band in self.bands
            ),
            *QUANTITIES,
        )

    def profiles(
        self, indices: np.ndarray, survey: Survey, *, seed: int, split: str
    ) -> tuple[Profiles, dict[str, Tensor]]:
        """The galaxies of these indices: two components each, and their truth by name."""
        wanted = survey.select(self.bands).channels if self.bands else ()
        drawn = self.population.draw(indices, survey, seed=seed, split=split)
        total, middle = drawn.flux.sum(1), len(survey.bands) // 2
        scale = kiloparsecs_per_arcsec(drawn.light.redshift.numpy())
        arcsec = drawn.radius / torch.from_numpy(scale).to(drawn.radius)[:, None]
        galaxies = Profiles(
            sersic_index=torch.stack([drawn.sersic_index, torch.ones_like(drawn.x)], 1),
            radius=arcsec / survey.pixel_scale,
            axis_ratio=drawn.axis_ratio,
            position_angle=drawn.position_angle[:, None].expand(-1, 2),
            x=drawn.x,
            y=drawn.y,
            flux=drawn.flux,
        )
        truth = {
            "redshift": drawn.light.redshift,
            "magnitude": magnitude(total[:, middle]),
            **{f"magnitude_{b}": magnitude(total[:, survey.channels.index(b)]) for b in wanted},
            "bulge_to_total": drawn.flux[:, 0, middle] / total[:, middle],
            "radius_bulge": arcsec[:, 0],
            "radius_disc": arcsec[:, 1],
            "sersic_index_bulge": drawn.sersic_index,
            "axis_ratio": drawn.axis_ratio[:, 1],
            "position_angle": drawn.position_angle,
            "type_bulge": drawn.light.kind[:, 0],
            "type_disc": drawn.light.kind[:, 1],
            "attenuation": drawn.light.attenuation[:, 1],
            "halpha_width": 10 * drawn.light.halpha_width(),
            "log_mass": drawn.light.log_mass(drawn.absolute),
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

    def spectra(
        self, indices: np.ndarray, survey: Survey, *, seed: int, split: str
    ) -> tuple[Tensor, Tensor]:
        """Noiseless spectra of the same whole galaxies, 350 to 950 nm at R = 1000.

        Args:
            indices, survey, seed, split: as in :meth:`draw`.

        Returns:
            wavelength [wavelength] nm, observed, and f_nu [object, wavelength] nJy.

        Example:
            >>> from deepfield.sky.surveys import sdss_ugriz
            >>> wavelength, flux = shallow().spectra(
            ...     np.arange(2), sdss_ugriz(), seed=0, split="train"
            ... )
            >>> flux.shape == (2, len(wavelength)), float(wavelength[0].round())
            (True, 350.0)
        """
        drawn = self.population.draw(indices, survey, seed=seed, split=split)
        wavelength, flux = drawn.light.spectra(*SPECTRUM)
        return wavelength, flux * 10 ** (-0.4 * drawn.absolute)[:, None]


def shallow(bands: tuple[str, ...] = ()) -> Distant:
    """As the main galaxy sample of SDSS: r below 17.8, redshifts around 0.1 (Strauss+02).

    Bulges are as red as elliptical galaxies, whatever their discs (Lackner & Gunn 2012, MNRAS 421,
    2277), and discs of bulge-dominated galaxies are anything from old to star-forming.

    Args:
        bands: names of those whose magnitudes the truth shall hold.

    Example:
        >>> shallow().population.redshift.highest
        0.4
    """
    near = Smail(scale=0.075, lowest=0.005, highest=0.4)
    population = FluxLimited(
        redshift=near,
        limit=17.77,
        type_bulge=(0.0, 0.3),
        type_early=(0.0, 3.0),
        attenuation=(0.0, 0.8),
    )
    return Distant(population, bands)
