"""Stars: toy spectra in effective temperature, gravity and metallicity, differentiable.

Planck's law, Balmer lines whose strength follows the Saha and Boltzmann equations and whose wings
follow gravity, metals that blanket the blue, and a few features that astronomers classify by.
The numbers are set by eye to equivalent widths of real stars, not fitted: enough for a posterior
to have the shape that it has in nature (hot stars hide their metals, cool ones their gravity).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.quantity import Quantity
from deepfield.render.draws import uniforms
from deepfield.sky.numbers import Numbers
from deepfield.sky.priors import Range, check_range

HC_OVER_K = 1.438777e7
"""second radiation constant, nm K"""
BALMER = (656.28, 486.13, 434.05, 410.17, 397.01, 388.90, 383.54, 379.79)
"""nm, in air; the higher ones melt into each other"""
DEPTHS = (1.0, 1.1, 1.15, 1.15, 1.1, 1.0, 0.85, 0.7)
"""optical depths at the centre, relative"""
PARAMETERS = ("log_teff", "log_g", "metallicity")
QUANTITIES = (
    Quantity("log_teff", "dex(K)", description="log10 of the effective temperature in K"),
    Quantity("log_g", "dex(cm s-2)", description="log10 of the surface gravity"),
    Quantity("metallicity", "dex", description="[M/H]"),
)


class Feature(NamedTuple):
    """Absorption that metals or helium make.

    Args:
        wavelength, width: centre and Gaussian sigma, nm.
        depth: optical depth at the centre in a cool dwarf of solar metallicity.
        limit: K, where half of it is left, and ``power`` how fast it goes as the star gets hotter.
        gravity: dex of optical depth per dex of gravity.
        metals: dex of optical depth per dex of metallicity; below 1 for saturated lines.
    """

    wavelength: float
    width: float
    depth: float
    limit: float
    power: float
    gravity: float
    metals: float


FEATURES = (
    Feature(383.0, 2.5, 0.60, 6300, 6, 0.05, 0.5),  # Mg I, Fe I
    Feature(393.37, 1.4, 1.60, 7200, 7, -0.05, 0.35),  # Ca II K
    Feature(396.85, 1.3, 1.40, 7200, 7, -0.05, 0.35),  # Ca II H
    Feature(404.6, 1.2, 0.60, 6500, 6, 0.0, 0.5),  # Fe I
    Feature(414.4, 1.5, 0.55, 6300, 6, 0.0, 0.5),  # Fe I, CN
    Feature(419.5, 2.0, 0.45, 5500, 9, -0.15, 0.9),  # CN, stronger in giants
    Feature(422.67, 0.7, 0.90, 5200, 8, 0.18, 0.5),  # Ca I
    Feature(430.5, 2.0, 0.80, 6000, 10, -0.03, 0.6),  # CH, the G band
    Feature(438.3, 1.5, 0.55, 6300, 6, 0.0, 0.5),  # Fe I
    Feature(453.0, 2.5, 0.30, 7500, 6, -0.08, 0.5),  # Fe II, Ti II
    Feature(467.0, 2.5, 0.25, 6200, 6, 0.0, 0.55),  # Fe I, C2
    Feature(495.7, 1.5, 0.35, 6300, 6, 0.0, 0.5),  # Fe I
    Feature(516.0, 5.0, 0.30, 5000, 10, 0.25, 0.8),  # MgH
    Feature(517.5, 1.5, 0.55, 6300, 7, 0.14, 0.5),  # Mg b
    Feature(527.0, 1.5, 0.40, 6200, 6, 0.0, 0.55),  # Fe I
    Feature(540.5, 2.0, 0.20, 5800, 6, 0.0, 0.6),  # Fe I
    Feature(589.3, 0.9, 0.75, 5200, 9, 0.18, 0.45),  # Na D
    Feature(616.0, 4.0, 0.12, 5200, 8, 0.05, 0.6),  # Ca I, Fe I
    Feature(649.5, 1.5, 0.20, 5500, 7, 0.0, 0.5),  # Ba II, Ca I, Fe I
    Feature(705.0, 4.0, 0.25, 4200, 16, 0.05, 0.7),  # TiO
    Feature(819.0, 0.9, 0.35, 4600, 10, 0.30, 0.5),  # Na I, of dwarfs
    Feature(849.8, 0.6, 0.60, 7500, 6, -0.10, 0.35),  # Ca II, of giants
    Feature(854.2, 0.7, 0.90, 7500, 6, -0.10, 0.35),  # Ca II, of giants
)
HELIUM = ((402.62, 0.60), (447.15, 0.60), (492.19, 0.35), (587.56, 0.50), (667.8, 0.40))
"""He I: wavelength, nm, and optical depth at its best, 21000 K"""


def starlight(log_teff: Tensor, log_g: Tensor, metallicity: Tensor, wavelength: Tensor) -> Tensor:
    """Spectra of stars: f_nu relative to that at 550 nm without lines.

    Args:
        log_teff: [object] log10 of the effective temperature in K, and
        log_g, metallicity: [object] of its surface gravity, and its [M/H].
        wavelength: [wavelength] nm, finer than what is looked at: lines are 1 nm wide.

    Returns:
        [object, wavelength]; smooth in all parameters.

    Example:
        >>> one = torch.ones(1)
        >>> light = starlight(4 * one, 4 * one, 0 * one, torch.tensor([486.1, 520.0]))
        >>> bool(light[0, 0] < 0.6 * light[0, 1])  # Hbeta of an A star
        True
    """
    temperature, pressure = 10**log_teff, log_g - 4
    wave = wavelength.to(temperature)
    cool = temperature[:, None]
    planck = (550 / wave) ** 3 * (
        torch.expm1(HC_OVER_K / (550.0 * cool)) / torch.expm1(HC_OVER_K / (wave * cool))
    )
    depth = _hydrogen(temperature, pressure, wave)
    depth = depth + _metals(temperature, pressure, metallicity) @ _profiles(wave)
    lines = torch.tensor(HELIUM).to(wave)
    helium = torch.exp(-0.5 * ((log_teff - math.log10(21000)) / 0.12) ** 2 + 0.2 * pressure)
    shapes = torch.exp(-0.5 * ((wave - lines[:, :1]) / 0.7) ** 2)
    depth = depth + helium[:, None] * (lines[:, 1] @ shapes)
    # Blends of countless weak lines.
    blanket = 0.45 * 10 ** (0.4 * metallicity) / (1 + (temperature / 6300) ** 5)
    depth = depth + blanket[:, None] * (430 / wave) ** 4
    return planck * torch.exp(-depth)


def _hydrogen(temperature: Tensor, pressure: Tensor, wave: Tensor) -> Tensor:
    """Optical depth of the Balmer lines: as many as are excited and not yet ionised."""
    excited = math.log(4) - 118400 / temperature
    ionised = (
        math.log(2.41e15 * 1.38e-16 / 200)
        - math.log(10) * 0.5 * pressure
        + 2.5 * temperature.log()
        - 157800 / temperature
    )
    # At 9700 K and log g = 4, the peak of the main sequence, this is -11.1.
    second_level = excited - torch.nn.functional.softplus(ionised)
    # The strength grows much slower than the number of atoms: lines saturate.
    strength = 1.6 * torch.exp(0.22 * (second_level + 11.1))
    stark = torch.sigmoid((temperature - 7000) / 800)
    width = 0.6 + 1.5 * stark * 10 ** (0.22 * pressure)
    total = torch.zeros(len(temperature), len(wave)).to(wave)
    for centre, share in zip(BALMER, DEPTHS, strict=True):
        # Wings fall as distance to the -2.5.
        profile = 1 / (1 + ((wave - centre) / width[:, None]).square())
        total = total + share * profile * profile.sqrt().sqrt()
    return strength[:, None] * total


def _metals(temperature: Tensor, pressure: Tensor, metallicity: Tensor) -> Tensor:
    """[object, feature] optical depths at their centres."""
    _, _, depth, limit, power, gravity, metals = torch.tensor(FEATURES).to(temperature).T
    dex = gravity * pressure[:, None] + metals * metallicity[:, None]
    return depth * 10**dex / (1 + (temperature[:, None] / limit) ** power)


def _profiles(wave: Tensor) -> Tensor:
    """[feature, wavelength] their shapes."""
    centre, width = torch.tensor(FEATURES).to(wave).T[:2, :, None]
    return torch.exp(-0.5 * ((wave - centre) / width) ** 2)


@dataclass(frozen=True)
class Stars:
    """A population with flat priors, brighter and fainter ones.

    Args:
        log_teff: log10 of the lowest and highest effective temperature in K.
        log_g, metallicity: lowest and highest.
        flux: nJy, lowest and highest mean of a spectrum, log-uniform.

    Raises:
        ValueError: a range that cannot be.

    Example:
        >>> stars = Stars().draw(np.arange(3), seed=0, split="train")
        >>> sorted(stars), stars["log_g"].shape
        (['flux', 'log_g', 'log_teff', 'metallicity'], torch.Size([3]))
    """

    log_teff: Range = (math.log10(4000), math.log10(30000))
    log_g: Range = (0.0, 5.0)
    metallicity: Range = (-2.5, 0.5)
    flux: Range = (1e4, 1e6)

    def __post_init__(self) -> None:
        check_range("log_teff", self.log_teff, at_least=3.5, at_most=4.7)
        check_range("log_g", self.log_g, at_least=-1, at_most=6)
        check_range("metallicity", self.metallicity, at_least=-4, at_most=1)
        check_range("flux", self.flux, at_least=1e-6)

    @property
    def ranges(self) -> tuple[Range, Range, Range]:
        """Of ``PARAMETERS``, in their order."""
        return self.log_teff, self.log_g, self.metallicity

    def draw(self, indices: np.ndarray, *, seed: int, split: str) -> dict[str, Tensor]:
        """Parameters of the stars of these indices, by name; each [object] float32."""
        numbers = Numbers(uniforms(seed, split, indices, 4))
        drawn = {n: numbers.flat(r) for n, r in zip(PARAMETERS, self.ranges, strict=True)}
        return {**drawn, "flux": numbers.log_flat(self.flux)}
