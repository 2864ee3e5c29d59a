"""Random numbers that depend on the object alone: the same sky in any batch, on any machine."""

import math
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

# Streams besides 0 (an object's parameters) and 1 + epoch (its noise).
EFFECTS = 2**40
"""what goes wrong: ``EFFECTS + 256 * epoch + number of the effect``"""
PSF = 2**41
"""an object's PSF, the same in every epoch"""
BACKGROUND = 2**42
"""the real sky behind an object: ``BACKGROUND + epoch``"""
MIXTURE = 2**43
"""which of two kinds of noise an object has: ``MIXTURE + epoch``"""
PHASES = 2**44
"""the modes of a random field"""


def generator(seed: int, split: str, index: int, stream: int = 0) -> np.random.Generator:
    """A generator that belongs to object ``index`` of a split, on the CPU.

    Counter-based (Philox, Salmon et al. 2011): seed and split are the key, object and stream
    the start of the counter, so that no two objects ever share numbers.

    Args:
        seed: any integer from 0.
        split: ``train``, ``validation``, ``test`` or ``calibrate``, or any other name.
        index: the object's number, from 0.
        stream: 0 for the object's parameters, 1 + epoch for its noise.

    Raises:
        ValueError: a negative seed, index or stream.

    Example:
        >>> a, b = generator(1, "train", 7), generator(1, "test", 7)
        >>> a.random() == generator(1, "train", 7).random(), a.random() == b.random()
        (True, False)
    """
    if min(seed, index, stream) < 0:
        raise ValueError(f"seed {seed}, index {index}, stream {stream}; expected integers from 0")
    key = np.array([seed % 2**64, _number(split)], dtype=np.uint64)
    counter = np.array([0, 0, stream, index], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def uniforms(seed: int, split: str, indices: Iterable[int], count: int) -> np.ndarray:
    """Uniform numbers in [0, 1) for the parameters of some objects.

    Args:
        seed, split: as in :func:`generator`.
        indices: [object] integers.
        count: how many numbers each object gets.

    Returns:
        [object, count] float64.

    Example:
        >>> both = uniforms(1, "train", [3, 8], 2)
        >>> bool((both[1] == uniforms(1, "train", [8], 2)[0]).all())
        True
    """
    rows = [numbers.random(count) for numbers in _generators(seed, split, indices, 0)]
    return np.array(rows, dtype=np.float64).reshape(-1, count)


def normals(
    seed: int, split: str, indices: Iterable[int], epoch: int, shape: tuple[int, ...]
) -> Tensor:
    """Standard normal numbers for the noise of some objects in one epoch.

    Args:
        seed, split: as in :func:`generator`.
        indices: [object] integers.
        epoch: every epoch sees fresh noise.
        shape: of one object, e.g. (channel, y, x).

    Returns:
        [object, *shape] float32.

    Example:
        >>> normals(1, "train", [3, 8], 0, (1, 4, 4)).shape
        torch.Size([2, 1, 4, 4])
    """
    indices = list(indices)
    out = np.empty((len(indices), math.prod(shape)), dtype=np.float32)
    for row, numbers in zip(out, _generators(seed, split, indices, 1 + epoch), strict=True):
        numbers.standard_normal(dtype=np.float32, out=row)
    return torch.from_numpy(out.reshape(-1, *shape))


def _generators(
    seed: int, split: str, indices: Iterable[int], stream: int
) -> Iterator[np.random.Generator]:
    """Each object's ``generator``: one that moves on, since making it costs more than using it."""
    numbers = [int(index) for index in indices]
    moving = generator(seed, split, min(numbers, default=0), stream)
    start = moving.bit_generator.state
    for number in numbers:
        start["state"]["counter"][3] = number
        moving.bit_generator.state = start
        yield moving


def _number(split: str) -> int:
    """A split's name as 64 bits: its bytes folded by FNV-1a, the same on every machine."""
    number = 0xCBF29CE484222325
    for byte in split.encode():
        number = (number ^ byte) * 0x100000001B3 % 2**64
    return number
