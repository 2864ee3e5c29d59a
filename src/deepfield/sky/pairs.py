"""Pairs: two disc galaxies and their orbit, and what becomes of the discs."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from deepfield.sky.halo import Halo
from deepfield.sky.leapfrog import alone, between, follow
from deepfield.sky.orbits import STEP, Orbit, infall
from deepfield.sky.tracers import Disc, disc

LEAD = 200.0
"""Myr before the first pericentre at which the haloes begin to pull at the discs"""
MIXED = 500.0
"""Myr after which a disc left alone looks the same at any age"""
CORE, EDGE, TOGETHER, BOUND = 0.4, 10.0, 0.5, 4.0
"""in scale lengths of a disc: its halo's core and edge, the separation at which two centres are
one, and the distance within which a disc is braked with its centre"""
SIZE, SPEED = 0.4, 0.3
"""powers of the mass ratio by which the smaller galaxy is smaller and slower"""

Moment = tuple[Literal["pericentre", "coalescence"], float]
"""Myr after the first pericentre or after coalescence; negative is before"""


@dataclass(frozen=True)
class Pair:
    """Two disc galaxies that fall together, the larger one first.

    Args:
        haloes: of each.
        scales: lengths of their discs, kpc.
        discs: before they meet, in the orbit's frame.
        orbit: of the centres.
    """

    haloes: tuple[Halo, Halo]
    scales: tuple[float, float]
    discs: tuple[Disc, Disc]
    orbit: Orbit

    def step(self, moment: Moment) -> int:
        """The stored point of the orbit that is nearest to a moment."""
        event, after = moment
        start = self.orbit.pericentre if event == "pericentre" else self.orbit.coalescence
        return round(min(max((start + after) / STEP, 0.0), len(self.orbit.place) - 1.0))

    def disturbed(self, galaxy: int, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Place and motion [time, 3, particle] of one disc, from its own centre."""
        centre, drift = (
            part[:, galaxy, :, None] for part in (self.orbit.place, self.orbit.motion)
        )
        first = min([self.step(("pericentre", -LEAD)), *steps.tolist()])
        own = self.discs[galaxy]
        pull = between(self.haloes, self.orbit, galaxy, bound=BOUND * self.scales[galaxy])
        place, motion = follow(
            (own.place + centre[first]).astype(np.float32),
            (own.motion + drift[first]).astype(np.float32),
            pull,
            steps,
            first=first,
        )
        place -= centre[steps]
        motion -= drift[steps]
        return place, motion

    def undisturbed(self, galaxy: int, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same discs just as old, had they never met."""
        first = min([self.step(("pericentre", -LEAD)), *steps.tolist()])
        own, age = self.discs[galaxy], np.minimum(steps - first, int(MIXED / STEP))
        return follow(own.place, own.motion, alone(self.haloes[galaxy]), age)


def pair(
    *,
    mass_ratio: float,
    scale: float,
    speed: float,
    pericentre: float,
    eccentricity: float,
    friction: float,
    spins: tuple[np.ndarray, np.ndarray],
    shifts: np.ndarray,
    after: float,
) -> Pair:
    """Two galaxies built alike: haloes and discs of nearly one density.

    Args:
        mass_ratio: of the smaller to the larger one.
        scale: of the larger disc, kpc.
        speed: of the larger halo's rotation, kpc/Myr.
        pericentre, eccentricity: of the Kepler orbit; the first in scale lengths.
        friction: over Chandrasekhar's with the Coulomb logarithm ln(1 + M1 / M2).
        spins: rotations [3, 3] of the discs' planes against the orbit's.
        shifts: [galaxy, 6] uniform numbers for the discs.
        after: Myr that the orbit goes on after coalescence.

    Example:
        >>> one = pair(
        ...     mass_ratio=1.0, scale=3.0, speed=0.2, pericentre=2.0, eccentricity=1.0,
        ...     friction=3.0, spins=(np.eye(3), np.eye(3)), shifts=np.zeros((2, 6)), after=0.0,
        ... )
        >>> one.step(("coalescence", 0.0)) > one.step(("pericentre", 0.0)) > 0
        True
    """
    scales = (scale, scale * mass_ratio**SIZE)
    speeds = (speed, speed * mass_ratio**SPEED)
    haloes = (
        Halo(speeds[0], CORE * scales[0], EDGE * scales[0]),
        Halo(speeds[1], CORE * scales[1], EDGE * scales[1]),
    )
    orbit = infall(
        *haloes,
        pericentre=scale * pericentre,
        eccentricity=eccentricity,
        coulomb=friction * math.log1p(1 / mass_ratio),
        together=TOGETHER * scale,
        after=after,
    )
    flat = [disc(*one) for one in zip(haloes, scales, shifts, strict=True)]
    first, second = (
        replace(
            one,
            place=(spin @ one.place).astype(np.float32),
            motion=(spin @ one.motion).astype(np.float32),
        )
        for one, spin in zip(flat, spins, strict=True)
    )
    return Pair(haloes, scales, (first, second), orbit)
