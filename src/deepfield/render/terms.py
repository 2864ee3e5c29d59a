"""The Gaussian terms of galaxies: which are summed in Fourier space and which are painted.

Terms that fit the periodic grid are summed in Fourier space, where they need no sampling. Wider
ones are smooth, so they are painted on the pixels of the same grid and transformed; no term needs
an approximate PSF. The division into Fourier and real space follows Lang (2020), where the wide
terms' PSF is a Gaussian.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.render.grid import fast_length, frequencies
from deepfield.render.ladder import TERMS, deviations, weights
from deepfield.render.psf import transfer

REACH = 4.0
"""A Gaussian of this many deviations does not reach the stamp from the next period."""
CORE = 0.3
"""Deviation in grid points below which only a Gaussian's second moment can be seen."""


class Grid:
    """Where a stamp lies on the periodic grid, and what fits the grid.

    Args:
        size: pixels a side of the stamp.
        kernel: pixels a side of the PSF.
        supersampling: grid points per image pixel.
        like: gives precision and device.

    Example:
        >>> grid = Grid(64, 31, 2, torch.zeros(()))
        >>> grid.pixels, grid.first, len(grid.ky), len(grid.kx)
        (96, 16, 192, 97)
    """

    def __init__(self, size: int, kernel: int, supersampling: int, like: Tensor) -> None:
        self.size, self.finer = size, supersampling
        self.pixels = fast_length(max(size + max(size // 2, 32, kernel // 2), kernel))
        self.first = (self.pixels - size) // 2
        self.centre = self.first + (size - 1) / 2
        self.ky, self.kx = frequencies(self.pixels, supersampling, like)
        points = torch.arange(self.pixels * supersampling, dtype=like.dtype, device=like.device)
        self.axis = points / supersampling - self.centre

    def transfer(self, psf: Psf) -> Tensor:
        """PSF transform [object or 1, channel, ky, kx]."""
        return transfer(psf, grid=self.pixels, supersampling=self.finer)


@dataclass
class Terms:
    """What each component of each object adds to the sums on the grid."""

    point: Tensor  # [object, component] flux in terms too narrow to matter
    narrow: Tensor  # [object, component, term] flux, 0 where the term is not narrow
    wide: Tensor  # [object, component, term] surface brightness at the centre, 0 where not wide
    starts: Tensor  # [object, component] the first narrow term
    ends: Tensor  # [object, component] the first wide term
    # Factors of the exponents of a Gaussian of one half-light radius, for rows and columns.
    fourier: tuple[Tensor, Tensor]
    real: tuple[Tensor, Tensor]
    turn: tuple[Tensor, Tensor]  # [object, ky] and [object, kx], phases of the centre


def terms(shape: Tensor, x: Tensor, y: Tensor, grid: Grid) -> Terms:
    """Everything per object and per row or column; what follows works on whole grids.

    Args:
        shape: [4, object, component] index, radius in pixels, axis ratio, position angle.
        x, y: [object] centres, as offsets from the stamp's, pixels.
        grid: of the stamps.

    Returns:
        the terms of a flux of 1 in every component.

    Example:
        >>> shape = torch.tensor([1.0, 5.0, 0.5, 30.0])[:, None, None]
        >>> grid = Grid(64, 31, 1, shape)
        >>> parts = terms(shape, torch.zeros(1), torch.zeros(1), grid)
        >>> int(parts.starts), int(parts.ends)  # six are nearly points, seven too wide
        (6, 17)
    """
    index, radius, ratio, angle = shape
    share, deviation = weights(index), deviations().to(shape)
    extent = radius.detach()[..., None] * deviation
    starts = (extent * grid.finer < CORE).sum(-1).clamp(max=TERMS - 1)
    offset = torch.maximum(x.detach().abs(), y.detach().abs())
    widest = (grid.pixels - grid.size / 2 - offset) / REACH
    ends = torch.maximum((extent <= widest[:, None, None]).sum(-1), starts + 1)
    term = torch.arange(TERMS, device=shape.device)
    wide = term >= ends[..., None]
    point, narrow = divide(share, starts, ends)

    direction = torch.deg2rad(angle)
    east, north = -direction.sin(), direction.cos()
    major, minor = radius**2, (radius * ratio) ** 2
    xx, yy = (major * a**2 + minor * b**2 for a, b in ((east, north), (north, east)))
    xy, area = (major - minor) * east * north, radius**2 * ratio
    half = 0.5 / math.log(2)  # exponents of 2
    spread = half / area**2
    height = share * wide / (2 * torch.pi * grid.finer**2 * area[..., None] * deviation**2)
    dy, dx = grid.axis - y[:, None], grid.axis - x[:, None]
    return Terms(
        point=point,
        narrow=narrow,
        wide=height,
        starts=starts,
        ends=ends,
        fourier=form(half * yy, half * xx, half * xy, grid.ky, grid.kx),
        real=form(spread * xx, spread * yy, -spread * xy, dy[:, None], dx[:, None]),
        turn=(_phase(grid.ky, y + grid.centre), _phase(grid.kx, x + grid.centre)),
    )


def divide(share: Tensor, starts: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
    """Flux of the terms below the wide ones, as points and as narrow Gaussians.

    Args:
        share: [object, component, term] flux.
        starts, ends: [object, component] first narrow and first wide term.

    Returns:
        point [object, component] and narrow [object, component, term].

    Example:
        >>> share = torch.ones(1, 1, TERMS)
        >>> point, narrow = divide(share, torch.tensor([[2]]), torch.tensor([[5]]))
        >>> float(point), narrow[0, 0, :6].tolist()  # the second moments stay
        (1.25, [0.0, 0.0, 1.75, 1.0, 1.0, 0.0])
    """
    deviation, term = deviations().to(share), torch.arange(TERMS, device=share.device)
    core, wide = term < starts[..., None], term >= ends[..., None]
    # Points and the first narrow term share the core's flux so that its second moment stays.
    first = torch.nn.functional.one_hot(starts, TERMS)
    moment = (share * core * deviation**2).sum(-1) / deviation[starts] ** 2
    narrow = share * ~(core | wide) + first * moment[..., None]
    return (share * core).sum(-1) - moment, narrow


def form(yy: Tensor, xx: Tensor, xy: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Factors whose matrix product is yy y^2 + xx x^2 + 2 xy x y, [object, component, y, x]."""
    y, x = (axis.expand(*yy.shape, -1) for axis in (y, x))
    rows = [yy[..., None] * y**2, 2 * xy[..., None] * y, torch.ones_like(y)]
    columns = [torch.ones_like(x), x, xx[..., None] * x**2]
    return torch.stack(rows, -1), torch.stack(columns, -2)


def _phase(wave: Tensor, place: Tensor) -> Tensor:
    angle = place[:, None] * wave
    return torch.polar(torch.ones_like(angle), -angle)
