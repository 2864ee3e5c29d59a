"""Spectroscopic: what the fibres of a survey land on: galaxies, stars and active nuclei."""

import math
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor

from deepfield.nouns.quantity import Quantity
from deepfield.nouns.survey import Survey
from deepfield.render.draws import uniforms
from deepfield.render.noise import NANOJANSKY
from deepfield.sky import active
from deepfield.sky.distant import SPECTRUM
from deepfield.sky.flux_limited import FluxLimited
from deepfield.sky.photometry import redshifted
from deepfield.sky.redshifts import Smail
from deepfield.sky.starlight import Starlight
from deepfield.sky.stars import starlight
from deepfield.sky.templates import EMITTED
from deepfield.sky.wavelengths import STEP, position, wavelengths

KINDS = ("star", "galaxy", "agn")
LINES = {"halpha": 656.46, "nii": 658.53, "hbeta": 486.27, "oiii": 500.82, "oii": 372.8}
"""nm in vacuum, of the lines whose fluxes the truth holds"""
UNIT = "dex(1e-17 erg / (s cm2))"
RATIOS = {"log_nii_halpha": ("nii", "halpha"), "log_oiii_hbeta": ("oiii", "hbeta")}
QUANTITIES = (
    Quantity("redshift", description="heliocentric; of stars their velocity over c"),
    Quantity("kind", classes=KINDS, description="what it is"),
    *(
        Quantity(f"log_flux_{name}", UNIT, description=f"log10 flux of {name}, emission alone")
        for name in LINES
    ),
    *(
        Quantity(name, "dex", description=f"log10 of the flux of {top} over that of {bottom}")
        for name, (top, bottom) in RATIOS.items()
    ),
)
NEAR = Smail(0.3)
"""n(z) of galaxies that are this bright: a median redshift of 0.41"""
MARGIN = 8
"""points of the grid that a line must be within the spectrum"""
AIR = 1.000277
"""wavelength in vacuum over that in air"""
VELOCITY = 2.5e-4
"""sigma of stars' velocities over c: 75 km/s"""
SCATTER = {
    # line: dex for a standard normal number of star formation, ionisation, and each line alone
    "halpha": (0.2, 0.0, 0.0),
    "hbeta": (0.2, 0.0, 0.04),
    "oiii": (0.2, 0.22, 0.05),
    "nii": (0.2, -0.12, 0.06),
    "oii": (0.2, 0.06, 0.10),
}
DOUBLETS = {496.03: "oiii", 654.99: "nii", 434.17: "hbeta", 671.83: "nii", 673.27: "nii"}
"""lines that go along with one of ``LINES``; nm"""


@dataclass(frozen=True)
class Spectroscopic:
    """Galaxies as ``FluxLimited`` finds them, whose lines scatter; stars; broad-line nuclei.

    Emission lines of real galaxies of one type differ: star formation comes in bursts, and
    metallicity moves [N II] and [O III] in opposite ways (Baldwin, Phillips & Terlevich 1981).

    Args:
        population: of the galaxies.
        redshift: n(z) of active nuclei.
        shares: of stars and of active nuclei; the others are galaxies.

    Raises:
        ValueError: shares that leave no galaxies.

    Example:
        >>> from deepfield.sky.surveys import sdss
        >>> sky = Spectroscopic()
        >>> _, truth = sky.profiles(np.arange(50), sdss(), seed=0, split="train")
        >>> sorted({KINDS[kind] for kind in truth["kind"].tolist()})
        ['agn', 'galaxy', 'star']
    """

    population: FluxLimited = field(default_factory=lambda: FluxLimited(NEAR, limit=20.0))
    redshift: Smail = field(default_factory=lambda: Smail(0.9, lowest=0.05, highest=2.5))
    shares: tuple[float, float] = (0.2, 0.2)

    quantities = QUANTITIES

    def __post_init__(self) -> None:
        if min(self.shares) < 0 or not sum(self.shares) < 1:
            raise ValueError(
                f"shares {self.shares}; expected two from 0, and less than 1 together"
            )

    def profiles(
        self, indices: np.ndarray, survey: Survey, *, seed: int, split: str
    ) -> tuple[None, dict[str, Tensor]]:
        """Nothing, for fibres see no shapes, and the truth by name.

        Args:
            indices: [object] int, from 0.
            survey: its middle band has the galaxies' magnitude limit.
            seed, split: another of either is another sky.
        """
        kind, uniform = self._kinds(indices, seed, split)
        truth = {q.name: torch.full(kind.shape, torch.nan) for q in QUANTITIES}
        truth["kind"] = kind
        stars, galaxies, nuclei = ((kind == i).nonzero()[:, 0] for i in range(len(KINDS)))
        truth["redshift"][stars] = _normal(uniform[stars, 4]).float() * VELOCITY
        truth["redshift"][nuclei] = self._nuclei(uniform[nuclei]).redshift
        if len(galaxies):
            light, bright = self._galaxies(indices, galaxies, uniform, survey, seed, split)
            truth["redshift"][galaxies] = light.redshift
            flux = light.line_fluxes() * bright[:, None]
            at = {name: list(EMITTED).index(line) for name, line in LINES.items()}
            logs = {name: flux[:, at[name]].log10() for name in LINES}
            for name, line in LINES.items():
                seen = covered(line, light.redshift)
                logs[name] = torch.where(seen, logs[name], torch.nan)
                truth[f"log_flux_{name}"][galaxies] = logs[name]
            for name, (top, bottom) in RATIOS.items():
                truth[name][galaxies] = logs[top] - logs[bottom]
        return None, truth

    def spectra(
        self, indices: np.ndarray, survey: Survey, *, seed: int, split: str
    ) -> tuple[Tensor, Tensor]:
        """Noiseless spectra of the same objects, 350 to 950 nm at R = 1000.

        Args:
            indices, survey, seed, split: as in :meth:`profiles`.

        Returns:
            wavelength [wavelength] nm in vacuum, and f_nu [object, wavelength] nJy.
        """
        kind, uniform = self._kinds(indices, seed, split)
        first = math.floor(position(SPECTRUM[0]))
        count = math.ceil(position(SPECTRUM[1])) - first + 1
        out = torch.zeros(len(kind), count)
        stars, galaxies, nuclei = ((kind == i).nonzero()[:, 0] for i in range(len(KINDS)))
        # Stars and nuclei are as bright as galaxies near the limit.
        bright = 10 ** (0.4 * (NANOJANSKY - self.population.limit + 3 * uniform[:, 3])).float()
        if len(stars):
            out[stars] = bright[stars, None] * _stars(uniform[stars], first, count)
        if len(galaxies):
            light, factor = self._galaxies(indices, galaxies, uniform, survey, seed, split)
            out[galaxies] = light.spectra(*SPECTRUM)[1] * factor[:, None]
        if len(nuclei):
            flux = active.nucleus_spectra(self._nuclei(uniform[nuclei]), *SPECTRUM)[1]
            out[nuclei] = bright[nuclei, None] * flux / flux.median(1, keepdim=True).values
        return wavelengths(first, count).float(), out

    def _kinds(self, indices: np.ndarray, seed: int, split: str) -> tuple[Tensor, Tensor]:
        """[object] numbers in ``KINDS``, and what is left to draw with: [object, number]."""
        uniform = torch.from_numpy(uniforms(seed, f"{split} spectroscopic", indices, 24))
        stars, nuclei = self.shares
        kind = torch.ones(len(indices), dtype=torch.int64)
        kind[uniform[:, 0] < stars] = 0
        kind[uniform[:, 0] >= 1 - nuclei] = 2
        return kind, uniform[:, 1:].clamp(1e-9, 1 - 1e-9)

    def _galaxies(
        self,
        indices: np.ndarray,
        rows: Tensor,
        uniform: Tensor,
        survey: Survey,
        seed: int,
        split: str,
    ) -> tuple[Starlight, Tensor]:
        """Light at absolute magnitude 0, and [object] how much brighter the galaxies are."""
        drawn = self.population.draw(indices[rows.numpy()], survey, seed=seed, split=split)
        light = replace(drawn.light, boost=_boost(uniform[rows]))
        return light, 10 ** (-0.4 * drawn.absolute)

    def _nuclei(self, uniform: Tensor) -> active.Nuclei:
        redshift = torch.from_numpy(self.redshift.draw(uniform[:, 0].numpy())).float()
        normal = _normal(uniform[:, 4 : 9 + len(active.BROAD)]).float()
        return active.drawn(normal, uniform[:, 1:3].float(), redshift)


def covered(line: float, redshift: Tensor) -> Tensor:
    """[object] whether a line of this rest wavelength, nm, is within the spectra.

    Example:
        >>> covered(656.46, torch.tensor([0.1, 0.6])).tolist()
        [True, False]
    """
    low, high = (
        end * math.exp(s * MARGIN * STEP) for end, s in zip(SPECTRUM, (1, -1), strict=True)
    )
    seen = line * (1 + redshift)
    return (seen > low) & (seen < high)


def _boost(uniform: Tensor) -> Tensor:
    """[object, line] factors on the lines of ``EMITTED``."""
    normal = _normal(uniform[:, 3 : 5 + len(SCATTER)]).float()
    dex = {
        name: torch.tensor([forming, ionised]).to(normal) @ normal[:, :2].T
        + own * normal[:, 2 + i]
        for i, (name, (forming, ionised, own)) in enumerate(SCATTER.items())
    }
    names = {line: name for name, line in LINES.items()} | DOUBLETS
    return torch.stack([10 ** dex[names.get(line, "oii")] for line in EMITTED], 1)


def _stars(uniform: Tensor, first: int, count: int) -> Tensor:
    """[object, wavelength] f_nu with a median of 1."""
    # Most stars are cool.
    log_teff, log_g = 3.602 + 0.7 * uniform[:, 0] ** 2, 1 + 4 * uniform[:, 1]
    nm = wavelengths(first - MARGIN, count + 2 * MARGIN) / AIR
    metals = -2 + 2.5 * uniform[:, 2]
    rest = starlight(log_teff.float(), log_g.float(), metals.float(), nm.float())
    velocity = _normal(uniform[:, 4]).float() * VELOCITY
    flux = redshifted(rest, velocity, first=first, count=count, origin=first - MARGIN)
    return flux / flux.median(1, keepdim=True).values


def _normal(uniform: Tensor) -> Tensor:
    return torch.from_numpy(ndtri(uniform.numpy()))
