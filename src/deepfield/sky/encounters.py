"""Encounters: pairs of disc galaxies seen at many times, merging, alone, or by chance."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from deepfield.render.draws import uniforms
from deepfield.sky.halo import KM_S
from deepfield.sky.orbits import STEP
from deepfield.sky.pairs import Moment, pair
from deepfield.sky.priors import Range, check_range, flat, log_flat
from deepfield.sky.tracers import Disc

ALONE, CHANCE, MERGING = range(3)
VIEWS = 16
"""objects that show the same two galaxies"""
NUMBERS = 32


@dataclass(frozen=True)
class Views:
    """The same two galaxies as several objects show them, the larger one first.

    Args:
        kind: [view] ``ALONE``, ``CHANCE`` or ``MERGING``.
        place, motion: [view, galaxy, 3, particle] from the galaxy's own centre, kpc and kpc/Myr.
        apart: [view, 3] kpc from the first centre to the second.
        to_pericentre, to_coalescence: [view] Myr still to go, negative afterwards; NaN where
            nothing merges, or where the orbit does not decay.
        mass_ratio: of the second to the first.
        scale: [galaxy] scale lengths of the discs, kpc.
        discs: as they began.
    """

    kind: np.ndarray
    place: np.ndarray
    motion: np.ndarray
    apart: np.ndarray
    to_pericentre: np.ndarray
    to_coalescence: np.ndarray
    mass_ratio: float
    scale: tuple[float, float]
    discs: tuple[Disc, Disc]

    def facts(self, view: int) -> tuple[float, ...]:
        """Kind, apart (3), to_pericentre, to_coalescence, mass_ratio, larger scale length."""
        return (
            float(self.kind[view]),
            *self.apart[view].tolist(),
            float(self.to_pericentre[view]),
            float(self.to_coalescence[view]),
            self.mass_ratio,
            self.scale[0],
        )


@dataclass(frozen=True)
class Encounters:
    """Priors of pairs of discs, and of when they are seen.

    Every ``VIEWS`` objects in a row show the same two galaxies. What does not merge shows them
    undisturbed but just as old: the larger one alone, or both where a merging pair would be.

    Args:
        mass_ratio: of the smaller to the larger galaxy, log-uniform; light follows mass.
        pericentre: of the Kepler orbit, in scale lengths of the larger disc.
        eccentricity: of the Kepler orbit.
        inclination: of each disc to the orbit, degrees, uniform on the sphere: 0 is prograde,
            180 retrograde.
        friction: dynamical friction over Chandrasekhar's with the Coulomb logarithm
            ln(1 + M1 / M2).
        speed: of the larger galaxy's rotation, km/s.
        scale_length: of the larger disc, kpc.
        merging: share of objects that do.
        chance_pairs: share of the others that show both galaxies.
        start, end: moments between which the times lie, uniformly.

    Raises:
        ValueError: an impossible prior.

    Example:
        >>> views = Encounters(mass_ratio=(1.0, 1.0)).views(seed=0, split="train", number=0)
        >>> views.place.shape[:3], views.mass_ratio
        ((16, 2, 3), 1.0)
    """

    mass_ratio: Range = (0.1, 1.0)
    pericentre: Range = (1.0, 3.5)
    eccentricity: Range = (0.9, 1.0)
    inclination: Range = (0.0, 180.0)
    friction: Range = (3.0, 4.5)
    speed: Range = (150.0, 250.0)
    scale_length: Range = (2.0, 5.0)
    merging: float = 0.5
    chance_pairs: float = 0.5
    start: Moment = ("pericentre", -200.0)
    end: Moment = ("coalescence", 600.0)

    def __post_init__(self) -> None:
        check_range("mass_ratio", self.mass_ratio, at_least=0.01, at_most=1)
        check_range("pericentre", self.pericentre, at_least=0.1, at_most=20)
        check_range("eccentricity", self.eccentricity, at_least=0.5, at_most=1)
        check_range("inclination", self.inclination, at_least=0, at_most=180)
        check_range("friction", self.friction, at_least=0.1, at_most=10)
        check_range("speed", self.speed, at_least=20, at_most=1000)
        check_range("scale_length", self.scale_length, at_least=0.1, at_most=50)
        check_range("merging and chance_pairs", (0.0, self.merging), at_least=0, at_most=1)
        check_range("merging and chance_pairs", (0.0, self.chance_pairs), at_least=0, at_most=1)
        for name, (event, after) in (("start", self.start), ("end", self.end)):
            if event not in ("pericentre", "coalescence") or not math.isfinite(after):
                raise ValueError(
                    f"{name} is {(event, after)}; expected ('pericentre', Myr) or "
                    "('coalescence', Myr)"
                )
        same = self.start[0] == self.end[0]
        if (same and self.start[1] >= self.end[1]) or (not same and self.end[0] == "pericentre"):
            raise ValueError(f"start {self.start}, end {self.end}; expected the start first")

    def views(self, *, seed: int, split: str, number: int) -> Views:
        """The two galaxies of the objects ``number * VIEWS`` and the ``VIEWS - 1`` after it."""
        return _views(self, seed, split, number)


@lru_cache(maxsize=8)  # of 13 MB each
def _views(priors: Encounters, seed: int, split: str, number: int) -> Views:
    # A key of its own, or pair 0 would share its numbers with object 0.
    u = uniforms(seed, f"{split}, pairs", [number], NUMBERS)[0]
    ratio = float(log_flat(u[0], priors.mass_ratio))
    two = pair(
        mass_ratio=ratio,
        scale=float(flat(u[1], priors.scale_length)),
        speed=float(flat(u[2], priors.speed)) * KM_S,
        pericentre=float(flat(u[3], priors.pericentre)),
        eccentricity=float(flat(u[4], priors.eccentricity)),
        friction=float(flat(u[5], priors.friction)),
        spins=(_spin(u[6], u[7], priors.inclination), _spin(u[8], u[9], priors.inclination)),
        shifts=u[10:22].reshape(2, 6),
        after=max(priors.start[1], priors.end[1], 0.0),
    )
    objects = range(number * VIEWS, (number + 1) * VIEWS)
    u = uniforms(seed, f"{split}, moments", objects, 3)
    chance = np.where(u[:, 1] < priors.chance_pairs, CHANCE, ALONE)
    kind = np.where(u[:, 0] < priors.merging, MERGING, chance)
    low, high = two.step(priors.start), two.step(priors.end)
    # Two galaxies that only seem close are seen where those that will merge are still two.
    last = max(low, min(high, two.step(("coalescence", 0.0))))
    steps = np.rint(low + (np.where(kind == CHANCE, last, high) - low) * u[:, 2]).astype(int)

    place = np.zeros((VIEWS, 2, *two.discs[0].place.shape), np.float32)
    motion = np.zeros_like(place)
    for galaxy in range(2):
        met, shown = kind == MERGING, (kind == CHANCE) | ((kind == ALONE) & (galaxy == 0))
        place[met, galaxy], motion[met, galaxy] = two.disturbed(galaxy, steps[met])
        place[shown, galaxy], motion[shown, galaxy] = two.undisturbed(galaxy, steps[shown])
    apart = two.orbit.place[steps, 1] - two.orbit.place[steps, 0]
    apart[kind == ALONE] = np.nan
    time = np.where(kind == MERGING, steps * STEP, np.nan)
    end = two.orbit.coalescence if math.isfinite(two.orbit.coalescence) else math.nan
    left = two.orbit.pericentre - time, end - time
    return Views(kind, place, motion, apart, *left, ratio, two.scales, two.discs)


def _spin(uniform: float, node: float, inclination: Range) -> np.ndarray:
    """Rotation [3, 3] of a disc's plane against the orbit's."""
    low, high = np.cos(np.deg2rad(inclination))
    cos = low + (high - low) * uniform
    sin, angle = math.sqrt(max(0.0, 1 - cos**2)), 2 * math.pi * node
    tilt = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ tilt
