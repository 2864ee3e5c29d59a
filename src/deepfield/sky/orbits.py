"""Orbits: two haloes fall together, braked by dynamical friction."""

import math
from dataclasses import dataclass

import numpy as np

from deepfield.sky.halo import Halo

STEP = 2.0
"""Myr: of the leapfrog, for centres and for particles"""
LONGEST = 8000.0
"""Myr after which an orbit counts as one that does not decay"""
SETTLED = 200.0
"""Myr that the centres stay together before they count as one"""
INNER = 0.3
"""part of a halo's edge within which friction knows no structure"""
FARTHEST = 3.0
"""separation at the start, in edges of the larger halo"""


@dataclass(frozen=True)
class Orbit:
    """Where the two centres are, the larger galaxy's first, in the plane z = 0.

    Args:
        place, motion: [step, galaxy, 3] kpc and kpc/Myr, every ``STEP`` Myr.
        brake: [step, galaxy, 3] deceleration by dynamical friction, kpc/Myr^2.
        pericentre: Myr from the first point to the first closest approach.
        coalescence: Myr from there to when the centres are together for good; infinite where
            the orbit does not decay.
    """

    place: np.ndarray
    motion: np.ndarray
    brake: np.ndarray
    pericentre: float
    coalescence: float

    @property
    def separation(self) -> np.ndarray:
        """[step] kpc."""
        return np.linalg.norm(self.place[:, 1] - self.place[:, 0], axis=1)


def infall(
    primary: Halo,
    secondary: Halo,
    *,
    pericentre: float,
    eccentricity: float,
    coulomb: float,
    together: float,
    after: float,
) -> Orbit:
    """The orbit of two haloes from far away until they are one, counter-clockwise.

    It starts as the Kepler orbit of two points. Each centre is then pulled by the other halo as
    any particle at rest in it, so that it keeps its disc. The larger halo's dark matter brakes
    the smaller one (Chandrasekhar 1943; Binney & Tremaine 2008, eq. 8.7), which gives its
    momentum to the larger one.

    Args:
        primary, secondary: the larger one first.
        pericentre: of the Kepler orbit, kpc; that of the haloes lies farther out.
        eccentricity: of the Kepler orbit, up to 1.
        coulomb: logarithm in the friction; 0 = none.
        together: the centres are one where they stay closer than this, kpc.
        after: Myr to go on after coalescence.

    Example:
        >>> halo = Halo(0.2, 1.0, 30.0)
        >>> orbit = infall(
        ...     halo, halo, pericentre=8.0, eccentricity=1.0, coulomb=2.0, together=1.5, after=100
        ... )
        >>> bool(orbit.coalescence > orbit.pericentre > 0)
        True
    """
    # The plane as complex numbers: two bodies are too few for arrays.
    apart, drift = _start(primary, secondary, pericentre, eccentricity)
    # The larger one moves least: its share of the way is the other's share of the mass.
    share = secondary.mass / (primary.mass + secondary.mass)
    x1, x2, v1, v2 = -share * apart, (1 - share) * apart, -share * drift, (1 - share) * drift
    a1, a2, b1, b2 = _accelerations(primary, secondary, coulomb, apart, drift)
    rows = [(x1, x2, v1, v2, b1, b2)]
    time, last_apart, passage, stay = 0.0, 0.0, math.inf, max(after, SETTLED)
    while time < min(last_apart + stay, LONGEST):
        v1, v2 = v1 + STEP / 2 * (a1 + b1), v2 + STEP / 2 * (a2 + b2)
        x1, x2 = x1 + STEP * v1, x2 + STEP * v2
        a1, a2, b1, b2 = _accelerations(primary, secondary, coulomb, x2 - x1, v2 - v1)
        v1, v2 = v1 + STEP / 2 * (a1 + b1), v2 + STEP / 2 * (a2 + b2)
        rows.append((x1, x2, v1, v2, b1, b2))
        time += STEP
        before, apart = abs(apart), x2 - x1
        if abs(apart) > before:
            passage = min(passage, time - STEP)
        if abs(apart) > together:
            last_apart = time
    table = np.array(rows).reshape(-1, 3, 2)
    table = np.stack([table.real, table.imag, np.zeros(table.shape)], 3)
    coalescence = last_apart + STEP if last_apart + stay <= LONGEST else math.inf
    # A pair that spirals in may never be seen to recede.
    passage = min(passage, coalescence)
    return Orbit(table[:, 0], table[:, 1], table[:, 2], passage, coalescence)


def _start(
    primary: Halo, secondary: Halo, pericentre: float, eccentricity: float
) -> tuple[complex, complex]:
    """From the first centre to the second, and how that changes, far out on a Kepler orbit."""
    mass = primary.mass + secondary.mass
    distance = FARTHEST * primary.edge
    if eccentricity < 1:
        distance = min(distance, 0.95 * pericentre * (1 + eccentricity) / (1 - eccentricity))
    energy = -mass * (1 - eccentricity) / (2 * pericentre)
    across = math.sqrt(mass * pericentre * (1 + eccentricity)) / distance
    inwards = math.sqrt(max(0.0, 2 * (energy + mass / distance) - across**2))
    return complex(distance, 0.0), complex(-inwards, across)


def _accelerations(
    primary: Halo, secondary: Halo, coulomb: float, apart: complex, drift: complex
) -> tuple[complex, complex, complex, complex]:
    """Pull on the first and on the second centre, and the brake of each."""
    radius = abs(apart)
    squared = radius**2
    rate = coulomb * _friction(primary, secondary, radius, abs(drift))
    return (
        secondary.pull(squared, radius) * apart,
        -primary.pull(squared, radius) * apart,
        rate * secondary.mass / primary.mass * drift,
        -rate * drift,
    )


def _friction(host: Halo, body: Halo, radius: float, speed: float) -> float:
    """Rate at which a body loses its speed in a host, over the Coulomb logarithm: 1/Myr."""
    x = max(speed / host.speed, 1e-2)  # of sqrt(2) sigma, sigma = V / sqrt(2)
    slower = math.erf(x) - 2 / math.sqrt(math.pi) * x * math.exp(-(x * x))
    # The body has lost what lies farther out than the host's centre, but keeps its inner part,
    # which is too large for the host's cusp to brake it any more than its surroundings do.
    bound = body.enclosed(radius + INNER * body.edge)
    density = host.density(math.hypot(radius, INNER * host.edge))
    return 4 * math.pi * bound * density * slower / (x * host.speed) ** 3
