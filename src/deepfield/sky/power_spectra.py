"""Power spectra: how the variance of a random field is shared among its modes, and its priors."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import torch
from torch import Tensor

from deepfield.nouns.quantity import Quantity
from deepfield.sky.matter_power import LOG_K, growth, matter_power
from deepfield.sky.modes import Modes
from deepfield.sky.priors import Range, check_range

LEAST = 0.05
"""of the density's power in a mode, for the Gaussian field behind it: see ``OfLogarithm``"""

NODES = 0.01
"""ln k between the wavenumbers that a slab's spectrum is computed at: good to 1e-4"""


class Spectrum(Protocol):
    """A family of power spectra with flat priors on its parameters."""

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The parameters, in the order of the columns."""
        ...

    @property
    def limits(self) -> tuple[Range, ...]:
        """The range of each: all are drawn evenly."""
        ...

    def power(self, parameters: Tensor, modes: Modes) -> Tensor:
        """Variance of each mode: [object, parameter] -> [object, *half grid] float64, 0 at k = 0.

        Differentiable, for the Fisher information.
        """
        ...


@dataclass(frozen=True)
class PowerLaw:
    """P(k) as k to the power -slope, with a total variance.

    Args:
        variance: of the field, over all modes of the grid.
        slope: steepness.

    Raises:
        ValueError: a prior that cannot be.

    Example:
        >>> from deepfield.sky.modes import modes
        >>> square = modes(2, 16, 2 * math.pi)
        >>> power = PowerLaw().power(torch.tensor([[0.7, 2.0]]), square)
        >>> round(float((power * square.multiplicity).sum()), 6)
        0.7
    """

    variance: Range = (0.5, 1.5)
    slope: Range = (1.5, 2.5)

    quantities = (
        Quantity("variance", description="of the Gaussian field, over all modes"),
        Quantity("slope", description="n in P(k) as k^-n"),
    )

    def __post_init__(self) -> None:
        check_range("variance", self.variance, at_least=1e-12)
        check_range("slope", self.slope, at_least=-20, at_most=20)

    @property
    def limits(self) -> tuple[Range, ...]:
        """Of variance and slope."""
        return self.variance, self.slope

    def power(self, parameters: Tensor, modes: Modes) -> Tensor:
        """Variance of each mode: see ``Spectrum``."""
        variance, slope = parameters.double().T[:, :, None]
        log, count = _shells(modes)
        # Over the largest, lest steep slopes overflow.
        weight = -slope * (log - log[0])
        share = (weight - torch.logsumexp(weight + count.log(), 1, keepdim=True)).exp()
        return modes.spread(variance * share)


@dataclass(frozen=True)
class ColdDarkMatter:
    """Linear matter fluctuations in a flat universe (Eisenstein & Hu 1998, no wiggles).

    Lengths are Mpc/h. A 2-D field is the mean through a slab, as the maps of CAMELS are
    (Villaescusa-Navarro+21); the default priors and fixed values are those of CAMELS.

    Args:
        omega_m: matter density over critical, today.
        sigma_8: scatter of the linear density in balls of 8 Mpc/h, today.
        omega_b, h, n_s: baryon density, Hubble constant over 100, primordial slope.
        redshift: of the box.
        thickness: of the slab, Mpc/h.

    Raises:
        ValueError: a prior that cannot be.

    Example:
        >>> from deepfield.sky.modes import modes
        >>> cube = modes(3, 16, 100.0)
        >>> power = ColdDarkMatter().power(torch.tensor([[0.3, 0.8], [0.3, 0.4]]), cube)
        >>> round(float(power[0].sum() / power[1].sum()), 6)  # as sigma_8 squared
        4.0
    """

    omega_m: Range = (0.1, 0.5)
    sigma_8: Range = (0.6, 1.0)
    omega_b: float = 0.049
    h: float = 0.6711
    n_s: float = 0.9624
    redshift: float = 0.0
    thickness: float = 5.0

    quantities = (
        Quantity("omega_m", description="matter density over critical, today"),
        Quantity("sigma_8", description="scatter of the linear density in balls of 8 Mpc/h"),
    )

    def __post_init__(self) -> None:
        check_range("omega_m", self.omega_m, at_least=0.01, at_most=1)
        check_range("sigma_8", self.sigma_8, at_least=1e-6, at_most=10)
        if not 0 <= self.omega_b < self.omega_m[0]:
            raise ValueError(
                f"omega_b {self.omega_b}; expected from 0 to the lowest omega_m {self.omega_m[0]}"
            )
        if not (0.1 <= self.h <= 2 and -2 <= self.n_s <= 3):
            raise ValueError(
                f"h {self.h}, n_s {self.n_s}; expected h from 0.1 to 2 (units of 100 km/s/Mpc) "
                "and n_s from -2 to 3"
            )
        if not (0 <= self.redshift < 1000 and 0 < self.thickness < math.inf):
            raise ValueError(
                f"redshift {self.redshift}, thickness {self.thickness}; expected a redshift from "
                "0 to 1000 and a positive thickness in Mpc/h"
            )

    @property
    def limits(self) -> tuple[Range, ...]:
        """Of Omega_m and sigma_8."""
        return self.omega_m, self.sigma_8

    def power(self, parameters: Tensor, modes: Modes) -> Tensor:
        """Variance of each mode: see ``Spectrum``."""
        omega_m, sigma_8 = parameters.double().T
        sigma_8 = sigma_8 * growth(omega_m, self.redshift)
        k = modes.lengths if modes.dimensions == 3 else LOG_K.exp()
        power = matter_power(k, omega_m, sigma_8, omega_b=self.omega_b, h=self.h, n_s=self.n_s)
        if modes.dimensions == 2:
            matrix, low, share = _through_slab(modes, self.thickness)
            # One at a time: the last bits of a matrix product depend on the number of rows.
            nodes = torch.stack([matrix @ one for one in power])
            power = nodes[:, low] * (1 - share) + nodes[:, low + 1] * share
        return modes.spread(power / modes.box**modes.dimensions)


@dataclass(frozen=True)
class Suppressed:
    """Another spectrum whose small scales have lost power, as feedback from baryons does it.

    A nuisance with a random amount: what it costs in information is known exactly.

    Args:
        spectrum: without the loss.
        above: wavenumber from which on power is lost, in the box's unit.
        share: of the power that is lost there.

    Raises:
        ValueError: a share outside 0 to 1, or no positive wavenumber.

    Example:
        >>> [quantity.name for quantity in Suppressed(PowerLaw(), above=8.0).quantities]
        ['variance', 'slope', 'suppression']
    """

    spectrum: Spectrum
    above: float
    share: Range = (0.0, 0.5)

    def __post_init__(self) -> None:
        check_range("share", self.share, at_least=0, at_most=0.999)
        if not 0 < self.above < math.inf:
            raise ValueError(f"above {self.above}; expected a positive wavenumber")

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Those of the spectrum, and the loss."""
        lost = Quantity("suppression", description=f"share of power lost above k = {self.above:g}")
        return (*self.spectrum.quantities, lost)

    @property
    def limits(self) -> tuple[Range, ...]:
        """Those of the spectrum, and of the loss."""
        return (*self.spectrum.limits, self.share)

    def power(self, parameters: Tensor, modes: Modes) -> Tensor:
        """Variance of each mode: see ``Spectrum``."""
        lost = parameters[:, -1].double().reshape(-1, *[1] * modes.dimensions)
        return self.spectrum.power(parameters[:, :-1], modes) * (1 - lost * (modes.k > self.above))


@dataclass(frozen=True)
class OfLogarithm:
    """The Gaussian field whose lognormal density has a given spectrum (Coles & Jones 1991).

    Its correlation function is ln(1 + xi) of the density's. That can ask for no or negative power
    where the density is far from linear (a scatter above about 2); a mode never has less than
    ``LEAST`` of the density's power there, and the density a little more than was asked for.

    Args:
        spectrum: of the density contrast.

    Example:
        >>> OfLogarithm(ColdDarkMatter()).limits
        ((0.1, 0.5), (0.6, 1.0))
    """

    spectrum: Spectrum

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Those of the spectrum."""
        return self.spectrum.quantities

    @property
    def limits(self) -> tuple[Range, ...]:
        """Those of the spectrum."""
        return self.spectrum.limits

    def power(self, parameters: Tensor, modes: Modes) -> Tensor:
        """Variance of each mode: see ``Spectrum``."""
        density = self.spectrum.power(parameters, modes)
        return torch.stack([_of_logarithm(one, modes) for one in density])


def _of_logarithm(power: Tensor, modes: Modes) -> Tensor:
    """Variance of each mode of ln(1 + density), from the density's; one object at a time."""
    correlation = torch.fft.irfftn(power + 0j, s=modes.shape, norm="forward")
    # A correlation below -1 + 1e-6 is none of a density.
    correlation = torch.log1p(correlation.clamp(min=-1 + 1e-6))
    log = torch.fft.rfftn(correlation, norm="forward").real
    return torch.where(modes.k > 0, torch.maximum(log, LEAST * power), 0)


@lru_cache(maxsize=16)
def _shells(modes: Modes) -> tuple[Tensor, Tensor]:
    """[length] ln of each length of a wave vector, and how many modes of the grid have it."""
    count = torch.zeros(len(modes.lengths) + 1, dtype=torch.float64)
    count.index_add_(0, (modes.place + 1).flatten(), modes.multiplicity.flatten())
    return modes.lengths.log(), count[1:]


@lru_cache(maxsize=16)
def _through_slab(modes: Modes, thickness: float) -> tuple[Tensor, Tensor, Tensor]:
    """How P(k) at exp(LOG_K) becomes the spectrum of the mean through a slab.

    P_2(k) = integral of P(sqrt(k^2 + q^2)) sinc^2(q thickness / 2) dq / (2 pi), both signs.

    Returns:
        [node, k] to the spectrum at some wavenumbers; and for each length of a wave vector the
        node below it and the share of the next, in ln k.
    """
    log = modes.lengths.log()
    at = (log - log[0]) / NODES
    low = at.long()
    # Cell by cell in a grid that resolves both the spectrum and the sinc's lobes.
    edges = torch.sinh(torch.linspace(0, 14, 6001, dtype=torch.float64)) * 1e-3 / thickness
    q, width = (edges[1:] + edges[:-1]) / 2, edges.diff()
    weight = torch.sinc(q * thickness / (2 * math.pi)) ** 2 * width / math.pi
    matrix = torch.zeros(int(low[-1]) + 2, len(LOG_K), dtype=torch.float64)
    step = float(LOG_K[1] - LOG_K[0])
    for number, row in enumerate(matrix):
        k = torch.exp(log[0] + number * NODES)
        place = ((0.5 * (k**2 + q**2).log() - LOG_K[0]) / step).clamp(0, len(LOG_K) - 1.001)
        below = place.long()
        row.index_add_(0, below, weight * (1 - place + below))
        row.index_add_(0, below + 1, weight * (place - below))
    return matrix, low, at - low
