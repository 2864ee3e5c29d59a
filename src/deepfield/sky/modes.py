"""Modes: the Fourier modes of a periodic box, and fields made of them."""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Modes:
    """What ``rfftn`` of a box holds: half of the modes, the rest being their conjugates.

    Args:
        dimensions: 2 or 3.
        side: cells along each axis.
        box: length of each axis; wavenumbers have its inverse as unit.
        k: [*half grid] float64 length of the wave vector, 2 pi / box apart.
        multiplicity: [*half grid] float64, 2 where the conjugate is not in the half grid.
        lengths: [length] the values that ``k`` takes, without the zero.
        place: [*half grid] int64, index of each mode's length in ``lengths``; -1: the zero mode.
    """

    dimensions: int
    side: int
    box: float
    k: Tensor
    multiplicity: Tensor
    lengths: Tensor
    place: Tensor

    @property
    def axes(self) -> tuple[int, ...]:
        """The spatial axes, counted from the end."""
        return tuple(range(-self.dimensions, 0))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one field."""
        return (self.side,) * self.dimensions

    def spread(self, values: Tensor) -> Tensor:
        """A value for each length, as a value for each mode; 0 for the zero mode.

        Args:
            values: [object, length].

        Returns:
            [object, *half grid].
        """
        padded = torch.nn.functional.pad(values, (0, 1))
        return padded[:, self.place]

    def vectors(self) -> tuple[Tensor, ...]:
        """Components of the wave vectors, each of a shape that broadcasts to the half grid.

        At the Nyquist frequency of its axis a component is 0, for the derivative of a real field
        has no such mode.
        """
        step = 2 * math.pi / self.box
        whole = torch.fft.fftfreq(self.side, dtype=torch.float64) * self.side * step
        half = torch.fft.rfftfreq(self.side, dtype=torch.float64) * self.side * step
        if self.side % 2 == 0:
            whole[self.side // 2] = half[-1] = 0
        along = []
        for axis in range(self.dimensions):
            shape = [1] * self.dimensions
            shape[axis] = -1
            along.append((half if axis == self.dimensions - 1 else whole).reshape(shape))
        return tuple(along)


@lru_cache(maxsize=16)
def modes(dimensions: int, side: int, box: float) -> Modes:
    """The modes of a periodic box.

    Args:
        dimensions: 2 or 3.
        side: cells along each axis.
        box: length of each axis.

    Raises:
        ValueError: another number of dimensions, fewer than 4 cells, or no positive length.

    Example:
        >>> square = modes(2, 8, 2 * math.pi)
        >>> square.lengths[:3].numpy().round(3).tolist(), int(square.multiplicity.sum())
        ([1.0, 1.414, 2.0], 64)
    """
    if dimensions not in (2, 3) or side < 4 or not 0 < box < math.inf:
        raise ValueError(
            f"{dimensions} dimensions of {side} cells and length {box}; expected 2 or 3 "
            "dimensions, at least 4 cells and a positive length"
        )
    whole = torch.fft.fftfreq(side, dtype=torch.float64) * side
    half = torch.fft.rfftfreq(side, dtype=torch.float64) * side
    axes = [whole] * (dimensions - 1) + [half]
    squared = sum(one**2 for one in torch.meshgrid(*axes, indexing="ij"))
    assert isinstance(squared, Tensor)
    # Whole numbers, so that equal lengths are equal.
    numbers, place = squared.round().long().unique(return_inverse=True)
    multiplicity = torch.full(squared.shape, 2.0, dtype=torch.float64)
    multiplicity[..., 0] = 1
    if side % 2 == 0:
        multiplicity[..., -1] = 1
    step = 2 * math.pi / box
    return Modes(
        dimensions,
        side,
        box,
        k=squared.sqrt() * step,
        multiplicity=multiplicity,
        lengths=numbers[1:].double().sqrt() * step,
        place=place - 1,
    )


def coloured(white: Tensor, amplitude: Tensor, modes: Modes) -> Tensor:
    """White noise given a spectrum: a periodic Gaussian random field.

    Args:
        white: [..., *grid] standard normal numbers.
        amplitude: [..., *half grid] of the modes: see :func:`amplitudes`.
        modes: of the box.

    Returns:
        [..., *grid].

    Example:
        >>> square = modes(2, 8, 1.0)
        >>> even = torch.ones(8, 5) / 64  # the same in every mode: white noise again
        >>> white = torch.randn(8, 8, generator=torch.Generator().manual_seed(0))
        >>> torch.allclose(coloured(white, amplitudes(even, square), square), white, atol=1e-5)
        True
    """
    transform = torch.fft.rfftn(white, dim=modes.axes) * amplitude
    return torch.fft.irfftn(transform, s=modes.shape, dim=modes.axes)


def amplitudes(power: Tensor, modes: Modes) -> Tensor:
    """What the transform of white noise is multiplied by, for modes of these variances.

    Args:
        power: [..., *half grid] variance of each mode; their sum over all modes is the field's.
        modes: of the box.

    Returns:
        [..., *half grid] float32.
    """
    return (power * modes.side**modes.dimensions).sqrt().float()


def mode_power(field: Tensor, modes: Modes) -> Tensor:
    """|g_k|^2 of every mode, such that the sum over all modes is the field's mean square.

    Args:
        field: [..., *grid].
        modes: of the box.

    Returns:
        [..., *half grid] of the field's precision.
    """
    transform = torch.fft.rfftn(field, dim=modes.axes, norm="forward")
    return transform.real**2 + transform.imag**2
