"""Painted gas: dark matter in a box, and the gas and Lyman-alpha forest that it holds."""

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.batch import Truth
from deepfield.nouns.quantity import Quantity
from deepfield.render.draws import uniforms
from deepfield.sky.fields import AXES, white
from deepfield.sky.forest import in_redshift_space, optical_depth
from deepfield.sky.gas import pressure_smoothed, temperature, tidal_shear
from deepfield.sky.modes import Modes, amplitudes, coloured, modes
from deepfield.sky.power_spectra import ColdDarkMatter
from deepfield.sky.priors import Range, check_range, flat
from deepfield.sky.zeldovich import deposit, displacement, lattice_points

FINER = 2
"""particles for each cell, along each axis: few cells stay empty"""


def _forest_era() -> ColdDarkMatter:
    return ColdDarkMatter(omega_m=(0.3, 0.3), sigma_8=(0.8, 0.8), redshift=3.0, thickness=0.5)


@dataclass(frozen=True)
class PaintedGas:
    """Dark matter (density and velocity) as input; gas, its heat and its absorption as truth.

    The task of Harrington+21 (arXiv:2106.12662) as a toy whose physics is known: Zel'dovich dark
    matter, gas smoothed by pressure as wide as density and temperature ask for, heat that follows
    density and the tides, and Lyman-alpha flux in redshift space along the last axis. Values that
    have a range are drawn evenly; those of the default are fixed, so that the truth is a function
    of the input. Nothing is normalised by the box's own numbers: a net that has learned it in one
    box can paint a larger one with cells of the same size.

    Args:
        spectrum: of the linear matter, with its redshift; lengths are Mpc/h.
        dimensions: 2 or 3.
        side: cells along each axis.
        box: length of each axis, Mpc/h.
        smoothing: sigma below which the linear field is smooth, Mpc/h.
        jeans: sigma of the pressure smoothing at mean density, Mpc/h.
        shocked: sigma of the matter whose tides heat, Mpc/h.
        mean_temperature: T_0 of the gas at mean density, K.
        temperature_slope: gamma in T = T_0 density^(gamma - 1).
        heating: how many times more heat there is where tides are strong.
        depth: Lyman-alpha optical depth at mean density and 10^4 K.

    Raises:
        ValueError: a prior or a box that cannot be.

    Example:
        >>> sky = PaintedGas(side=16)
        >>> values, truth = sky.draw(np.arange(2), seed=0, split="train", maps=("flux",))
        >>> values.shape, truth["flux"].shape, bool((truth["flux"] <= 1).all())
        (torch.Size([2, 3, 16, 16]), torch.Size([2, 16, 16]), True)
    """

    spectrum: ColdDarkMatter = field(default_factory=_forest_era)
    dimensions: int = 2
    side: int = 64
    box: float = 10.0
    smoothing: float = 0.15
    jeans: float = 0.2
    shocked: float = 0.3
    mean_temperature: Range = (1e4, 1e4)
    temperature_slope: Range = (1.5, 1.5)
    heating: Range = (3.0, 3.0)
    depth: Range = (0.6, 0.6)

    maps = (
        Quantity("gas_density", kind="map", description="over its mean"),
        Quantity("gas_temperature", "K", "map"),
        Quantity("gas_velocity", "km/s", "map", description="peculiar, along the last axis"),
        Quantity("flux", kind="map", description="Lyman-alpha, transmitted, in redshift space"),
    )

    def __post_init__(self) -> None:
        modes(self.dimensions, self.side, self.box)
        check_range("mean_temperature", self.mean_temperature, at_least=1, at_most=1e9)
        check_range("temperature_slope", self.temperature_slope, at_least=0.5, at_most=2)
        check_range("heating", self.heating, at_least=0, at_most=1e3)
        check_range("depth", self.depth, at_least=1e-6, at_most=1e6)
        for name in ("smoothing", "jeans", "shocked"):
            if not 0 < getattr(self, name) < self.box / 4:
                raise ValueError(
                    f"{name} {getattr(self, name)}; expected from 0 to a quarter of the box "
                    f"({self.box / 4:g} Mpc/h)"
                )

    @property
    def channels(self) -> tuple[str, ...]:
        """Dark matter: density over its mean, and velocity (km/s) along each axis of the grid."""
        return ("density", *(f"velocity_{axis}" for axis in self.grid))

    @property
    def grid(self) -> tuple[str, ...]:
        """Names of the axes."""
        return AXES[-self.dimensions :]

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The parameters: of the spectrum and of the gas."""
        return (
            *self.spectrum.quantities,
            Quantity("mean_temperature", "K", description="of gas at mean density"),
            Quantity("temperature_slope", description="gamma in T as density^(gamma - 1)"),
            Quantity("heating", description="more heat where tides are strong"),
            Quantity("depth", description="Lyman-alpha optical depth at mean density"),
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one field."""
        return (self.side,) * self.dimensions

    def draw(
        self, indices: np.ndarray, *, seed: int, split: str, maps: tuple[str, ...] = ()
    ) -> tuple[Tensor, Truth]:
        """The boxes of these indices: see ``data.simulated_fields.Field``."""
        limits = (
            *self.spectrum.limits,
            *(self.mean_temperature, self.temperature_slope, self.heating, self.depth),
        )
        ranges = zip(uniforms(seed, split, indices, len(limits)).T, limits, strict=True)
        drawn = np.stack([flat(numbers, one) for numbers, one in ranges], 1)
        values = torch.empty(len(indices), len(self.channels), *self.shape)
        wanted = {quantity: torch.empty(len(indices), *self.shape) for quantity in self.maps}
        wanted = {quantity: kept for quantity, kept in wanted.items() if quantity.name in maps}
        for row, index in enumerate(indices.tolist()):
            values[row] = self.matter(drawn[row], white(seed, split, index, self._fine().shape))
            if wanted:
                painted = self.paint(values[row], drawn[row])
                for quantity, kept in wanted.items():
                    kept[row] = painted[quantity.name]
        columns = zip(self.quantities, torch.from_numpy(drawn.T).float(), strict=True)
        return values, Truth({**dict(columns), **wanted})

    def matter(self, parameters: np.ndarray, phases: Tensor) -> Tensor:
        """Dark matter: [channel, *grid] from white noise on a grid of particles."""
        fine = self._fine()
        theta = torch.from_numpy(parameters[None, : len(self.spectrum.limits)])
        amplitude = amplitudes(self.spectrum.power(theta, fine)[0], fine)
        linear = coloured(phases, amplitude, fine)
        moved = displacement(linear, fine, smoothing=self.smoothing)
        velocity = moved * (self.hubble(parameters) * self.growth_rate(parameters))
        position = lattice_points(fine.side, self.dimensions) + moved / self.box
        each = torch.ones(1, *fine.shape) / FINER**self.dimensions
        masses = torch.cat([each, velocity * each]).flatten(1)
        grids = deposit(position.flatten(1), masses, self.side)
        # Where there is no matter there is no velocity.
        return torch.cat([grids[:1], grids[1:] / grids[:1].clamp(min=1e-6)])

    def paint(self, matter: Tensor, parameters: np.ndarray) -> dict[str, Tensor]:
        """The ``maps`` of one box, from its dark matter ([channel, *grid]) alone."""
        mean, slope, heating, depth = parameters[len(self.spectrum.limits) :].tolist()
        box = modes(self.dimensions, self.side, self.box)
        density, along = matter[0], matter[-1]
        gas, momentum = pressure_smoothed(
            density, density * along, box, scale=self.jeans, slope=slope
        )
        shear = tidal_shear(density, box, scale=self.shocked)
        heat = temperature(gas, shear, mean=mean, slope=slope, heating=heating)
        velocity = momentum / gas
        cell = self.hubble(parameters) * self.box / self.side
        seen = in_redshift_space(optical_depth(gas, heat, depth), velocity, heat, cell)
        return {
            "gas_density": gas,
            "gas_temperature": heat,
            "gas_velocity": velocity,
            "flux": torch.exp(-seen),
        }

    def hubble(self, parameters: np.ndarray) -> float:
        """Hubble flow across a comoving Mpc/h, km/s: H(z) / (1 + z) / h."""
        scale = 1 / (1 + self.spectrum.redshift)
        return 100 * scale * math.sqrt(parameters[0] / scale**3 + 1 - parameters[0])

    def growth_rate(self, parameters: np.ndarray) -> float:
        """d ln growth / d ln a: Omega_m(z)^0.55 (Linder 2005)."""
        then = parameters[0] * (1 + self.spectrum.redshift) ** 3
        return float((then / (then + 1 - parameters[0])) ** 0.55)

    def _fine(self) -> Modes:
        """The modes of the grid of particles."""
        return modes(self.dimensions, FINER * self.side, self.box)
