"""Field information: how well any method can know the parameters of a Gaussian random field.

A lognormal field is one too: its logarithm is Gaussian, up to a constant.
"""

import torch
from torch import Tensor

from deepfield.sky.modes import Modes, mode_power
from deepfield.sky.power_spectra import Spectrum

CELLS = 2**22
"""numbers of the table of spectra that are held at a time"""
STEP = 1e-5
"""of the derivatives, on either side: good to 1e-9"""

FINENESS = 0.5
"""least scatter of a posterior, in cells of the grid: its mean is then good to 1 % of a cell"""


def fisher(spectrum: Spectrum, parameters: Tensor, modes: Modes) -> Tensor:
    """Fisher information of a noiseless Gaussian field on its parameters.

    Modes are independent, of mean 0 and variance P(k), so that it is the sum over all modes of
    (d ln P / d theta_i) (d ln P / d theta_j) / 2 (Tegmark, Taylor & Heavens 1997).

    Args:
        spectrum: of the Gaussian field.
        parameters: [object, parameter] where to evaluate.
        modes: of the box; the mean of the field is taken as unknown.

    Returns:
        [object, parameter, parameter] float64.

    Example:
        >>> import math
        >>> from deepfield.sky.modes import modes
        >>> from deepfield.sky.power_spectra import PowerLaw
        >>> toy = fisher(PowerLaw(), torch.tensor([[1.0, 2.0]]), modes(2, 64, 2 * math.pi))
        >>> cramer_rao(toy).numpy().round(3).tolist()  # of variance and slope
        [[0.069, 0.044]]
    """
    here = modes.k > 0
    weight = modes.multiplicity[here] / 2
    count = parameters.shape[1]
    found = []
    for some in parameters.double().split(max(1, CELLS // (count * len(weight)))):
        slopes = []
        for number in range(count):
            step = torch.zeros_like(some)
            step[:, number] = STEP
            above, below = (spectrum.power(some + s, modes)[:, here].log() for s in (step, -step))
            slopes.append((above - below) / (2 * STEP))
        slope = torch.stack(slopes, 1)
        found.append((slope * weight) @ slope.mT)
    return torch.cat(found)


def cramer_rao(information: Tensor) -> Tensor:
    """The least scatter of any unbiased estimate: the root of the inverse's diagonal.

    Args:
        information: [object, parameter, parameter], not singular.

    Returns:
        [object, parameter].

    Raises:
        ValueError: the field says nothing of some combination of parameters.

    Example:
        >>> cramer_rao(torch.diag(torch.tensor([4.0, 25.0]))[None])
        tensor([[0.5000, 0.2000]])
    """
    inverse, failed = torch.linalg.inv_ex(information)
    if bool(failed.any()):
        raise ValueError(
            "the Fisher matrix is singular: the field cannot tell these parameters apart; fix one"
        )
    return inverse.diagonal(dim1=-2, dim2=-1).sqrt()


def posterior(
    fields: Tensor, spectrum: Spectrum, modes: Modes, *, points: int = 41
) -> tuple[Tensor, Tensor]:
    """Mean and scatter of the exact posterior of each field: what no method can do better than.

    The mean has the least squared error of all estimates over the spectrum's flat priors. The
    likelihood is that of every mode, evaluated on a grid over the priors.

    Args:
        fields: [object, *grid] Gaussian; of lognormal ones their ``fields.logarithm``.
        spectrum: of the Gaussian field, with its priors.
        modes: of the box.
        points: of the grid along each parameter.

    Returns:
        mean and standard deviation, [object, parameter] float64 each.

    Raises:
        ValueError: fields of another shape than the box's, or a grid too coarse for what they
            tell.

    Example:
        >>> import math
        >>> from deepfield.sky.modes import amplitudes, coloured, modes
        >>> from deepfield.sky.power_spectra import PowerLaw
        >>> square = modes(2, 64, 2 * math.pi)
        >>> noise = torch.randn(1, 64, 64, generator=torch.Generator().manual_seed(0))
        >>> power = PowerLaw().power(torch.tensor([[1.0, 2.0]]), square)
        >>> field = coloured(noise, amplitudes(power, square), square)
        >>> mean, scatter = posterior(field, PowerLaw(), square)
        >>> bool(((mean - torch.tensor([1.0, 2.0])).abs() < 3 * scatter).all())
        True
    """
    if fields.shape[1:] != modes.shape:
        raise ValueError(f"fields of shape {tuple(fields.shape[1:])}; expected {modes.shape}")
    weight = modes.multiplicity / 2
    here = modes.k > 0
    measured = (mode_power(fields.double(), modes) * weight)[:, here]
    grid = lattice(spectrum, points)
    logs = []
    for some in grid.split(max(1, CELLS // measured.shape[1])):
        power = spectrum.power(some, modes)[:, here]
        logs.append(-measured @ (1 / power).T - power.log() @ weight[here])
    probability = torch.softmax(torch.cat(logs, 1), dim=1)
    mean = probability @ grid
    scatter = (probability @ (grid - grid.mean(0)) ** 2 - (mean - grid.mean(0)) ** 2).clamp(min=0)
    scatter = scatter.sqrt()
    for quantity, (low, high), one in zip(
        spectrum.quantities, spectrum.limits, scatter.T, strict=True
    ):
        if len(one) and high > low and float(one.median()) * points < FINENESS * (high - low):
            raise ValueError(
                f"{points} points; expected more: the fields tell {quantity.name} to within "
                f"{float(one.median()):.2g}, a cell of the grid is {(high - low) / points:.2g}"
            )
    return mean, scatter


def lattice(spectrum: Spectrum, points: int) -> Tensor:
    """A regular grid over the priors of a spectrum, in the middles of equal cells.

    Args:
        spectrum: whose limits are divided.
        points: along each parameter that has a range; a fixed one has a single point.

    Returns:
        [points ** parameters, parameter] float64.

    Raises:
        ValueError: less than two points.
    """
    if points < 2:
        raise ValueError(f"{points} points; expected at least 2 along each parameter")
    along = []
    for low, high in spectrum.limits:
        count = points if high > low else 1
        along.append(low + (high - low) * (torch.arange(count).double() + 0.5) / count)
    return torch.cartesian_prod(*along).reshape(-1, len(along))
