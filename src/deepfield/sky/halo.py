"""Halo: the dark matter around a galaxy, rigid, with a flat rotation curve and a finite mass."""

from dataclasses import dataclass
from typing import Any

import numpy as np

KM_S = 1.0227121650537077e-3
"""kpc per Myr"""
GRAVITY = 4.30091e-6 * KM_S**2
"""kpc^3 / Myr^2 per solar mass"""


@dataclass(frozen=True)
class Halo:
    """A cored Jaffe sphere: GM(<r) = V^2 a r^3 / ((r^2 + c^2) (r + a)).

    Its rotation curve rises within the core c, is flat at V up to about the edge a, and falls
    as that of a point of mass V^2 a / G beyond (Jaffe 1983, with a core).

    Args:
        speed: V, kpc/Myr.
        core: c, kpc.
        edge: a, kpc.

    Raises:
        ValueError: a number that is not positive.

    Example:
        >>> halo = Halo(speed=200 * KM_S, core=1.0, edge=50.0)
        >>> f"{halo.mass / GRAVITY:.1e} solar masses"
        '4.7e+11 solar masses'
        >>> round(float(halo.circular_speed(10.0)) / KM_S)
        182
    """

    speed: float
    core: float
    edge: float

    def __post_init__(self) -> None:
        if not min(self.speed, self.core, self.edge) > 0:
            raise ValueError(
                f"halo of speed {self.speed}, core {self.core}, edge {self.edge}; expected "
                "positive numbers"
            )

    @property
    def mass(self) -> float:
        """GM, all of it: kpc^3 / Myr^2."""
        return self.speed**2 * self.edge

    def pull(self, squared: Any, radius: Any) -> Any:
        """Acceleration towards the centre over the radius, Myr^-2.

        Args:
            squared, radius: r^2 and r, kpc: numbers or arrays, whose precision is kept.
        """
        return self.mass / ((squared + self.core**2) * (radius + self.edge))

    def enclosed(self, radius: Any) -> Any:
        """GM within a radius (kpc): kpc^3 / Myr^2."""
        return self.pull(radius**2, radius) * radius**3

    def density(self, radius: Any) -> Any:
        """G times the density at a radius (kpc): Myr^-2."""
        r, c2, a = radius, self.core**2, self.edge
        shape = a * r**2 + c2 * (2 * r + 3 * a)
        return self.mass / (4 * np.pi) * shape / ((r**2 + c2) * (r + a)) ** 2

    def potential(self, radius: Any) -> Any:
        """Potential, 0 far away: kpc^2 / Myr^2."""
        r, c, a = radius, self.core, self.edge
        inside = c * (np.arctan(r / c) - np.pi / 2) + a * np.log(np.sqrt(r**2 + c**2) / (r + a))
        return self.mass / (a**2 + c**2) * inside

    def circular_speed(self, radius: Any) -> Any:
        """Speed of a circular orbit at a radius (kpc): kpc/Myr."""
        return np.sqrt(self.pull(radius**2, radius)) * radius

    def epicycle_ratio(self, radius: Any) -> Any:
        """Epicyclic over orbital frequency: 1 for a point mass, sqrt(2) on a flat curve."""
        r, c2, a = radius, self.core**2, self.edge
        slope = -2 * r**2 / (r**2 + c2) - r / (r + a)  # d ln Omega^2 / d ln r
        return np.sqrt(4 + slope)
