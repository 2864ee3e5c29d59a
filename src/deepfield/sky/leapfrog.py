"""Leapfrog: test particles in the pull of haloes, at rest or on their orbits."""

from collections.abc import Callable

import numpy as np

from deepfield.sky.halo import Halo
from deepfield.sky.orbits import STEP, Orbit

Pull = Callable[[int, np.ndarray], np.ndarray]
"""acceleration [3, particle], kpc/Myr^2, at a step for places [3, particle]"""


def alone(halo: Halo) -> Pull:
    """The pull of a halo at rest at the origin.

    Example:
        >>> alone(Halo(0.2, 1.0, 30.0))(0, np.ones((3, 5), np.float32)).shape
        (3, 5)
    """
    return lambda step, place: -place * _strength(halo, place)


def between(haloes: tuple[Halo, Halo], orbit: Orbit, galaxy: int, *, bound: float) -> Pull:
    """The pull of two haloes on their orbits on one galaxy's particles.

    Friction brakes the centre together with what is bound to it, which it would otherwise lose.

    Args:
        haloes: the larger first.
        orbit: theirs.
        galaxy: 0 or 1, whose particles they are.
        bound: distance from its centre, kpc, where the brake is half of the centre's.

    Example:
        >>> from deepfield.sky.orbits import infall
        >>> halo = Halo(0.2, 1.0, 30.0)
        >>> orbit = infall(
        ...     halo, halo, pericentre=8.0, eccentricity=1.0, coulomb=2.0, together=1.5, after=0
        ... )
        >>> pull = between((halo, halo), orbit, 0, bound=10.0)
        >>> pull(0, orbit.place[0, :1].T.astype(np.float32)).shape
        (3, 1)
    """
    centres = orbit.place.astype(np.float32)[..., None]
    brakes = orbit.brake[:, galaxy].astype(np.float32)[..., None]

    def pull(step: int, place: np.ndarray) -> np.ndarray:
        own, other = centres[step, galaxy] - place, centres[step, 1 - galaxy] - place
        squared = np.einsum("in,in->n", own, own)
        own *= haloes[galaxy].pull(squared, np.sqrt(squared))
        other *= _strength(haloes[1 - galaxy], other)
        own += other
        squared *= 1 / bound**2
        squared *= squared
        squared += 1
        own += brakes[step] / squared
        return own

    return pull


def follow(
    place: np.ndarray, motion: np.ndarray, pull: Pull, steps: np.ndarray, *, first: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Place and motion of particles at some steps of ``STEP`` Myr: kick, drift, kick.

    Args:
        place, motion: [3, particle] float32, kpc and kpc/Myr, at the first step.
        pull: acceleration.
        steps: [time] int in any order, none before ``first``.
        first: step at which they start.

    Returns:
        place and motion [time, 3, particle].

    Example:
        >>> x, v = np.float32([[5], [0], [0]]), np.float32([[0], [0.2], [0]])
        >>> later, _ = follow(x, v, alone(Halo(0.2, 1.0, 30.0)), np.array([5, 0]))
        >>> bool(later[0, 1, 0] > 0), later[1].ravel().tolist()
        (True, [5.0, 0.0, 0.0])
    """
    place, motion, step = place.copy(), motion.copy(), first
    places = np.empty((len(steps), *place.shape), np.float32)
    motions = np.empty_like(places)
    whole, half = np.float32(STEP), np.float32(STEP / 2)
    kick = half * pull(step, place)
    for row in np.argsort(steps):
        while step < steps[row]:
            motion += kick
            place += whole * motion
            step += 1
            np.multiply(pull(step, place), half, out=kick)
            motion += kick
        places[row], motions[row] = place, motion
    return places, motions


def _strength(halo: Halo, offset: np.ndarray) -> np.ndarray:
    squared = np.einsum("in,in->n", offset, offset)
    return np.asarray(halo.pull(squared, np.sqrt(squared)))
