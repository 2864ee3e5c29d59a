"""Particles to light: each is a small Gaussian on the grid, whose width depends on its own."""

import math

import numpy as np
import torch
from torch import Tensor

from deepfield.sky.tracers import turned

LEVELS = 5
"""widths that particles are blurred by: none, then 1, 2, 4, 8 sub-pixels"""


def mixed(place: np.ndarray, motion: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Particles at other phases of their orbits: what is left once all patterns are mixed.

    Each is turned in the plane of its own orbit. A disc stays the disc that it was; arms, tails
    and bridges are spread around their galaxy.

    Args:
        place, motion: [3, particle] from the galaxy's centre.
        turn: [particle] radians.

    Example:
        >>> x, v = np.eye(3)[:, :1], np.eye(3)[:, 1:2]
        >>> mixed(x, v, np.array([np.pi])).round(6).ravel().tolist()
        [-1.0, 0.0, 0.0]
    """
    (x, y, z), (vx, vy, vz) = place, motion
    axis = np.stack([y * vz - z * vy, z * vx - x * vz, x * vy - y * vx])
    return turned(place, axis / np.maximum(np.linalg.norm(axis, axis=0), 1e-12), turn)


def isotropic(uniform: np.ndarray) -> np.ndarray:
    """A rotation [3, 3], any with the same probability (Shoemake 1992).

    Args:
        uniform: [3] numbers in [0, 1).

    Example:
        >>> turn = isotropic(np.array([0.3, 0.1, 0.8]))
        >>> bool(np.allclose(turn @ turn.T, np.eye(3)))
        True
    """
    first, second = 2 * math.pi * uniform[1], 2 * math.pi * uniform[2]
    low, high = math.sqrt(1 - uniform[0]), math.sqrt(uniform[0])
    w, x, y, z = (
        *(low * math.sin(first), low * math.cos(first)),
        *(high * math.sin(second), high * math.cos(second)),
    )
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def deposit(
    x: np.ndarray, y: np.ndarray, width: np.ndarray, light: np.ndarray, *, side: int
) -> np.ndarray:
    """Light of particles on grids of one blur each: a cloud-in-cell histogram.

    Args:
        x, y: [particle] places on the grid, sub-pixels; 0 is the first one's centre.
        width: [particle] standard deviation, sub-pixels.
        light: [component, particle].
        side: of the grid.

    Returns:
        [component, level, side, side] float32; light off the grid is lost.

    Example:
        >>> one = np.ones(1)
        >>> deposit(1.5 * one, 2 * one, 0 * one, one[None], side=4)[0, 0, 2].tolist()
        [0.0, 0.5, 0.5, 0.0]
    """
    on = (x >= 0) & (y >= 0) & (x < side - 1) & (y < side - 1)
    x, y, light = x[on], y[on], light[:, on]
    # Halfway between two levels' widths in the logarithm the next one begins.
    level = np.log2(np.maximum(width[on], 0.5)) + 1.5
    left, low = x.astype(np.int64), y.astype(np.int64)
    corner = (np.minimum(level, LEVELS - 1).astype(np.int64) * side + low) * side + left
    right, up = x - left, y - low
    cells = np.concatenate([corner, corner + 1, corner + side, corner + side + 1])
    shares = np.concatenate(
        [(1 - right) * (1 - up), right * (1 - up), (1 - right) * up, right * up]
    )
    count = LEVELS * side**2
    grids = [np.bincount(cells, shares * np.tile(one, 4), count) for one in light]
    return np.stack(grids).reshape(len(light), LEVELS, side, side).astype(np.float32)


def blurred(grids: Tensor) -> Tensor:
    """The levels' grids, each blurred by its Gaussian, added up.

    Args:
        grids: [..., level, y, x].

    Returns:
        [..., y, x].

    Example:
        >>> grids = torch.zeros(LEVELS, 32, 32)
        >>> grids[2, 16, 16] = 1.0
        >>> image = blurred(grids)
        >>> round(float(image.sum()), 4), round(float(image[16, 16]), 4)  # 1 / (2 pi 2^2)
        (1.0, 0.0398)
    """
    out = grids[..., 0, :, :].clone()
    points = torch.arange(grids.shape[-1])
    for level in range(1, LEVELS):
        if not grids[..., level, :, :].any():
            continue
        sigma = 2.0 ** (level - 1)
        matrix = torch.exp(-0.5 * ((points[:, None] - points) / sigma) ** 2)
        matrix /= sigma * math.sqrt(2 * math.pi)
        out += matrix @ grids[..., level, :, :] @ matrix
    return out
