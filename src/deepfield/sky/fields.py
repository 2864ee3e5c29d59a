"""Density fields: periodic Gaussian and lognormal random fields with known parameters."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.batch import Truth
from deepfield.nouns.quantity import Quantity
from deepfield.render.draws import PHASES, generator, uniforms
from deepfield.sky.modes import Modes, amplitudes, coloured, modes
from deepfield.sky.power_spectra import PowerLaw, Spectrum
from deepfield.sky.priors import flat

CHUNK = 32
"""objects whose spectra are computed at a time: they stay in the cache"""
AXES = ("z", "y", "x")

Density = Callable[[Tensor], Tensor]
"""a Gaussian field [*grid] -> what is seen of it"""


def gaussian(g: Tensor) -> Tensor:
    """The Gaussian field as it is."""
    return g


def lognormal(g: Tensor) -> Tensor:
    """Density contrast exp(g) / <exp(g)> - 1, with the mean over the field (Coles & Jones 1991).

    Args:
        g: [*grid] Gaussian.

    Returns:
        [*grid] above -1, of mean 0.

    Example:
        >>> lognormal(torch.tensor([0.0, math.log(3.0)])).numpy().round(4).tolist()
        [-0.5, 0.5]
    """
    density = g.exp()
    return density.div_(density.mean()).sub_(1)


def logarithm(contrast: Tensor, dimensions: int) -> Tensor:
    """The Gaussian field behind a lognormal one, up to its mean, which is set to 0.

    Args:
        contrast: [..., *grid] above -1.
        dimensions: spatial axes, the last ones.

    Returns:
        [..., *grid].

    Raises:
        ValueError: a contrast of -1 or below.

    Example:
        >>> g = torch.randn(1, 8, 8, generator=torch.Generator().manual_seed(0))
        >>> torch.allclose(logarithm(lognormal(g), 2), g - g.mean(), atol=1e-5)
        True
    """
    if bool((contrast <= -1).any()):
        raise ValueError(
            f"a density contrast of {float(contrast.min())}; expected all above -1: a lognormal "
            "field without noise"
        )
    log = torch.log1p(contrast)
    return log - log.mean(dim=tuple(range(-dimensions, 0)), keepdim=True)


def white(seed: int, split: str, index: int, shape: tuple[int, ...]) -> Tensor:
    """White noise that belongs to an object: the phases of its field.

    Args:
        seed, split, index: as in ``render.draws.generator``.
        shape: of the grid.

    Returns:
        [*shape] float32.
    """
    numbers = torch.empty(shape)
    draws = generator(seed, split, index, PHASES)
    draws.standard_normal(dtype=np.float32, out=numbers.numpy())
    return numbers


def parameters_of(spectrum: Spectrum, indices: np.ndarray, *, seed: int, split: str) -> Tensor:
    """The parameters of some objects, each drawn evenly from its range.

    Args:
        spectrum: whose ``limits`` are the ranges.
        indices: [object] int.
        seed, split: as in ``render.draws.generator``.

    Returns:
        [object, parameter] float64.

    Example:
        >>> parameters_of(PowerLaw((2.0, 2.0), (1.0, 1.0)), np.arange(2), seed=0, split="train")
        tensor([[2., 1.],
                [2., 1.]], dtype=torch.float64)
    """
    numbers = uniforms(seed, split, indices, len(spectrum.limits))
    ranges = zip(numbers.T, spectrum.limits, strict=True)
    return torch.from_numpy(np.stack([flat(one, limits) for one, limits in ranges], 1))


@dataclass(frozen=True)
class DensityField:
    """Random fields in a periodic box; the index decides the parameters and the field.

    The defaults are the toy whose information is known exactly (see
    ``sky.field_information``): 64 x 64 cells, P(k) of the Gaussian field as k^-n with total
    variance s, seen as lognormal density contrast. With ``OfLogarithm(ColdDarkMatter())`` and a
    box in Mpc/h the density has the linear power spectrum of matter.

    Args:
        spectrum: of the Gaussian field, with priors.
        dimensions: 2 or 3.
        side: cells along each axis.
        box: length of each axis; by default wavenumbers are whole numbers.
        density: what is seen of the Gaussian field: :func:`lognormal` or :func:`gaussian`.

    Raises:
        ValueError: a box that cannot be.

    Example:
        >>> values, truth = DensityField(side=16).draw(np.arange(3), seed=0, split="train")
        >>> values.shape, list(truth), bool((values > -1).all())
        (torch.Size([3, 1, 16, 16]), ['variance', 'slope'], True)
    """

    spectrum: Spectrum = field(default_factory=PowerLaw)
    dimensions: int = 2
    side: int = 64
    box: float = 2 * math.pi
    density: Density = lognormal

    channels = ("density",)
    maps = ()

    def __post_init__(self) -> None:
        self.modes()

    def modes(self) -> Modes:
        """The Fourier modes of the box."""
        return modes(self.dimensions, self.side, self.box)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one field."""
        return self.modes().shape

    @property
    def grid(self) -> tuple[str, ...]:
        """Names of the axes."""
        return AXES[-self.dimensions :]

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The parameters of the spectrum."""
        return self.spectrum.quantities

    def draw(
        self, indices: np.ndarray, *, seed: int, split: str, maps: tuple[str, ...] = ()
    ) -> tuple[Tensor, Truth]:
        """The fields of these indices: see ``data.simulated_fields.Field``."""
        box = self.modes()
        parameters = parameters_of(self.spectrum, indices, seed=seed, split=split)
        values = torch.empty(len(indices), 1, *box.shape)
        for start in range(0, len(indices), CHUNK):
            power = self.spectrum.power(parameters[start : start + CHUNK], box)
            amplitude = amplitudes(power, box)
            # One at a time: the last bits of a batched transform depend on the batch.
            for row, one in enumerate(amplitude, start):
                phases = white(seed, split, int(indices[row]), box.shape)
                values[row, 0] = self.density(coloured(phases, one, box))
        columns = zip(self.quantities, parameters.float().T, strict=True)
        return values, Truth(dict(columns))
