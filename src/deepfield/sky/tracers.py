"""Tracers: particles that stand for the starlight of a disc and of a bulge, in equilibrium."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import gammaincinv
from scipy.stats import qmc

from deepfield.sky.halo import Halo

DISC, COPIES, BULGE = 12, 4, 9
"""log2 of how many particles a disc has, each of its orbits has, and a bulge has"""
EDGE = 6.0
"""radius of a disc in its scale lengths"""
WARMTH, THICKNESS = 0.1, 0.04
"""rms radial excursion over the guiding radius, and rms tilt of an orbit in radians"""
HALF_LIGHT = 1.6783469900166605
"""half-light radius of an exponential disc in its scale lengths"""
SPACING = 1.2
"""width of a particle over the distance to the next one in its undisturbed disc"""


@dataclass(frozen=True)
class Disc:
    """Particles of a disc in its own plane, turning counter-clockwise.

    Args:
        place, motion: [3, particle] kpc and kpc/Myr from the centre, float32.
        guide: [particle] guiding radius, kpc.
        apocentre: [particle] the farthest from the centre that it goes undisturbed, kpc.
        width: [particle] standard deviation of the light that it stands for, kpc.
    """

    place: np.ndarray
    motion: np.ndarray
    guide: np.ndarray
    apocentre: np.ndarray
    width: np.ndarray


def disc(halo: Halo, scale: float, shift: np.ndarray) -> Disc:
    """An exponential disc in equilibrium.

    Orbits are epicycles about exponentially distributed guiding radii, in planes tilted a little
    at random: a spherical halo keeps all of these distributions. A quiet start (Sellwood 1983):
    parameters are a Sobol sequence, and each orbit has ``COPIES`` particles evenly around the
    disc, so that a disc left alone stays far smoother than chance would make it.

    Args:
        halo: that it lives in.
        scale: scale length, kpc.
        shift: [6] uniform numbers: another disc of the same distribution.

    Example:
        >>> one = disc(Halo(0.2, 1.0, 30.0), 3.0, np.zeros(6))
        >>> radius = np.linalg.norm(one.place, axis=0)
        >>> bool(abs(np.median(radius) / (HALF_LIGHT * 3.0) - 1) < 0.05)
        True
    """
    u = (_sobol(6, DISC - COPIES) + shift[:, None]) % 1
    # Guiding radii follow R exp(-R / scale), a gamma distribution, up to the edge.
    guide = scale * gammaincinv(2, u[0] * (1 - (1 + EDGE) * math.exp(-EDGE)))
    guide = np.maximum(guide, 1e-3 * scale)
    excursion = np.minimum(_rayleigh(u[2], WARMTH), 0.5)
    phase, azimuth, node = (2 * np.pi * u[i] for i in (3, 1, 5))
    radius = guide * (1 + excursion * np.cos(phase))
    speed = halo.circular_speed(guide)
    outwards = -excursion * speed * halo.epicycle_ratio(guide) * np.sin(phase)
    around = speed * guide / radius  # the angular momentum of the guiding radius
    cos, sin, zero = np.cos(azimuth), np.sin(azimuth), np.zeros_like(azimuth)
    tilt, line = _rayleigh(u[4], THICKNESS), np.stack([np.cos(node), np.sin(node), zero])
    place = turned(np.stack([radius * cos, radius * sin, zero]), line, tilt)
    motion = np.stack([outwards * cos - around * sin, outwards * sin + around * cos, zero])
    motion = turned(motion, line, tilt)
    copies = 2**COPIES
    place, motion = np.repeat(place, copies, 1), np.repeat(motion, copies, 1)
    guide, excursion = np.repeat(guide, copies), np.repeat(excursion, copies)
    pole = np.array([[0.0], [0.0], [1.0]]) * np.ones_like(guide)
    angle = np.tile(2 * np.pi / copies * np.arange(copies), len(u[0]))
    spacing = scale * np.sqrt(2 * np.pi * np.exp(guide / scale) / 2**DISC)
    return Disc(
        turned(place, pole, angle).astype(np.float32),
        turned(motion, pole, angle).astype(np.float32),
        guide,
        guide * (1 + excursion),
        np.minimum(SPACING * spacing, 0.5 * scale),
    )


def bulge(scale: float, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A Plummer (1911) sphere that stays bound to the centre as it is.

    Args:
        scale: radius within which half of the light is seen in projection, kpc.
        shift: [3] uniform numbers: another one of the same distribution.

    Returns:
        place [3, particle] and width [particle] of the light of each, kpc.

    Example:
        >>> place, width = bulge(1.0, np.zeros(3))
        >>> bool(abs(np.median(np.hypot(place[0], place[1])) - 1) < 0.05)
        True
    """
    u = (_sobol(3, BULGE) + shift[:, None]) % 1
    inside = np.clip(u[0], 1e-4, 0.98)
    radius = scale / np.sqrt(inside ** (-2 / 3) - 1)
    cosine, azimuth = 2 * u[1] - 1, 2 * np.pi * u[2]
    sine = np.sqrt(1 - cosine**2)
    place = radius * np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine])
    return place.astype(np.float32), 0.2 * np.hypot(radius, scale)


def turned(vectors: np.ndarray, axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Vectors turned counter-clockwise about unit axes (Rodrigues' formula).

    Args:
        vectors, axis: [3, n].
        angle: [n] radians.

    Example:
        >>> x, z = np.eye(3)[:, :1], np.eye(3)[:, 2:]
        >>> turned(x, z, np.array([np.pi / 2])).round(6).ravel().tolist()
        [0.0, 1.0, 0.0]
    """
    cos, sin = np.cos(angle), np.sin(angle)
    along = np.einsum("in,in->n", axis, vectors) * (1 - cos)
    (ax, ay, az), (x, y, z) = axis, vectors
    across = np.stack([ay * z - az * y, az * x - ax * z, ax * y - ay * x])
    return vectors * cos + across * sin + axis * along


def _rayleigh(uniform: np.ndarray, rms: float) -> np.ndarray:
    """Lengths of two normal numbers of so large an rms together."""
    return rms * np.sqrt(-np.log1p(-uniform))


@cache
def _sobol(dimensions: int, log2_points: int) -> np.ndarray:
    """[dimension, point] of an unscrambled Sobol sequence."""
    return qmc.Sobol(dimensions, scramble=False).random_base2(log2_points).T
