"""Sersic galaxies through a PSF: many at once, and differentiable.

The profile is a ladder of Gaussians (``ladder.py``). Terms that fit the periodic grid are summed
in Fourier space, where they need no sampling. Wider ones are smooth, so they are summed on the
pixels of the same grid and transformed; no term needs an approximate PSF. The division into
Fourier and real space follows Lang (2020), where the wide terms' PSF is a Gaussian.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.render.grid import fast_length, fold, frequencies
from deepfield.render.ladder import deviations, mixture, weights
from deepfield.render.psf import transfer

CHUNK = 16
"""Objects at a time: their working set stays in the processor's second-level cache."""
REACH = 4.0
"""A Gaussian of this many deviations does not reach the stamp from the next period."""
POINT = 0.04
"""Deviation in grid points below which a Gaussian is as good as a point."""


def sersic(
    *,
    sersic_index: Tensor,
    radius: Tensor,
    axis_ratio: Tensor,
    position_angle: Tensor,
    x: Tensor,
    y: Tensor,
    flux: Tensor,
    psf: Psf,
    size: int,
) -> Tensor:
    """Images of Sersic (1963) galaxies through the PSF.

    Rendered at the PSF's own oversampling and folded to pixels. An object's image does not depend
    on its neighbours in the batch.

    Args:
        sersic_index: [object], 0.5 to 6.2; beyond, that of the border.
        radius: [object] half-light radius along the major axis, pixels.
        axis_ratio: [object] minor over major axis, above 0, at most 1.
        position_angle: [object] of the major axis, degrees from +y (north) towards -x (east).
        x, y: [object] centre, as offsets from the stamp's centre, pixels; in the stamp, or beyond
            its edge by at most an eighth of its size.
        flux: [object, channel] total light out to infinity, any unit.
        psf: shared or one per object, with the channels of ``flux``.
        size: pixels a side of the stamp.

    Returns:
        [object, channel, y, x], light per pixel in the unit of ``flux``.

    Raises:
        ValueError: shapes that do not fit together.

    Example:
        >>> from deepfield.render.psf import moffat
        >>> psf = Psf(moffat(3.0, 3.0, side=31)[None, None])
        >>> one = torch.ones(1)
        >>> image = sersic(
        ...     sersic_index=one, radius=4 * one, axis_ratio=0.5 * one, position_angle=0 * one,
        ...     x=0 * one, y=0 * one, flux=one[:, None], psf=psf, size=64,
        ... )
        >>> image.shape, round(float(image.sum()), 2)
        (torch.Size([1, 1, 64, 64]), 1.0)
    """
    shape = torch.stack(
        torch.broadcast_tensors(sersic_index, radius, axis_ratio, position_angle, x, y)
    )
    objects, channels = shape.shape[1], psf.kernel.shape[1]
    if objects == 0 or flux.shape != (objects, channels) or len(psf.kernel) not in (1, objects):
        raise ValueError(
            f"flux has shape {tuple(flux.shape)}, the PSF {tuple(psf.kernel.shape)}; expected "
            f"[object, channel] and [object or 1, channel, y, x] of {objects} objects (at least 1)"
        )
    kernel = -(-max(psf.kernel.shape[-2:]) // psf.oversampling)
    grid = _Grid(size, kernel, psf.oversampling, shape)
    # Objects of like size need the same terms, so that a chunk leaves out most of the others.
    order = torch.argsort(shape[1].detach())
    sky = _arrange(shape[:, order], grid)
    shared = grid.transfer(psf) if len(psf.kernel) == 1 else None
    images = []
    chunk = CHUNK if shape.device.type == "cpu" else objects
    for start in range(0, objects, chunk):
        rows = order[start : start + chunk]
        seen = grid.transfer(psf.take(rows)) if shared is None else shared
        images.append(_render(sky, slice(start, start + len(rows)), seen, grid))
        images[-1] = images[-1] * flux[rows, :, None, None]
    return torch.cat(images).index_select(0, torch.argsort(order))


class _Grid:
    """Where a stamp lies on the periodic grid, and what fits the grid."""

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
class _Objects:
    """What depends on the object alone, sorted by radius; a term belongs to one of three sets."""

    point: Tensor  # [object] flux in terms too narrow to matter
    narrow: Tensor  # [object, term] flux, 0 where the term is not narrow
    wide: Tensor  # [object, term] surface brightness at the centre, 0 where not wide
    starts: list[int]  # [object] the first narrow term
    ends: list[int]  # [object] the first wide term
    # Factors of the exponents of a Gaussian of one half-light radius, for rows and columns.
    fourier: tuple[Tensor, Tensor]
    real: tuple[Tensor, Tensor]
    turn: tuple[Tensor, Tensor]  # phases of rows and columns


def _arrange(shape: Tensor, grid: _Grid) -> _Objects:
    """Everything per object and per row or column; what follows works on whole grids."""
    index, radius, ratio, angle, x, y = shape
    share, deviation = weights(index), deviations().to(shape)
    extent = radius.detach()[:, None] * deviation
    starts = (extent * grid.finer < POINT).sum(1)
    offset = torch.maximum(x.detach().abs(), y.detach().abs())
    widest = (grid.pixels - grid.size / 2 - offset) / REACH
    ends = torch.maximum((extent <= widest[:, None]).sum(1), starts)
    term = torch.arange(len(deviation), device=shape.device)
    narrow = (term >= starts[:, None]) & (term < ends[:, None])
    wide = term >= ends[:, None]

    direction = torch.deg2rad(angle)
    east, north = -direction.sin(), direction.cos()
    major, minor = radius**2, (radius * ratio) ** 2
    xx, yy = (major * a**2 + minor * b**2 for a, b in ((east, north), (north, east)))
    xy, area = (major - minor) * east * north, radius**2 * ratio
    half = 0.5 / math.log(2)  # exponents of 2
    spread = half / area**2
    height = share * wide / (2 * torch.pi * grid.finer**2 * area[:, None] * deviation**2)
    ky, kx = grid.ky.expand(len(x), -1), grid.kx.expand(len(x), -1)
    return _Objects(
        point=(share * (term < starts[:, None])).sum(1),
        narrow=share * narrow,
        wide=height,
        starts=starts.tolist(),
        ends=ends.tolist(),
        fourier=_form(half * yy, half * xx, half * xy, ky, kx),
        real=_form(
            spread * xx, spread * yy, -spread * xy, grid.axis - y[:, None], grid.axis - x[:, None]
        ),
        turn=(_phase(ky * (y + grid.centre)[:, None]), _phase(kx * (x + grid.centre)[:, None])),
    )


def _render(sky: _Objects, rows: slice, seen: Tensor, grid: _Grid) -> Tensor:
    """Images of unit flux of a chunk: [object, channel, y, x]."""
    deviation = deviations().tolist()
    start, end = min(sky.starts[rows]), max(sky.ends[rows])
    spectrum = sky.point[rows, None, None]
    if start < end:
        left, right = (part[rows] for part in sky.fourier)
        exponent = left * deviation[start] ** 2 @ right
        spectrum = spectrum + mixture(exponent, sky.narrow[rows, start:end])
    turn_y, turn_x = (part[rows] for part in sky.turn)
    spectrum = spectrum * (turn_y[:, :, None] * turn_x[:, None, :])
    end = min(sky.ends[rows])
    if end < len(deviation):
        left, right = (part[rows] for part in sky.real)
        exponent = left / deviation[-1] ** 2 @ right
        canvas = mixture(exponent, sky.wide[rows, end:].flip(1))
        spectrum = spectrum + torch.fft.rfft2(canvas)
    return fold(
        spectrum[:, None] * seen,
        pixels=grid.pixels,
        supersampling=grid.finer,
        first=grid.first,
        size=grid.size,
    )


def _form(yy: Tensor, xx: Tensor, xy: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Factors whose matrix product is yy y^2 + xx x^2 + 2 xy x y, [object, y, x]."""
    rows = [yy[:, None] * y**2, 2 * xy[:, None] * y, torch.ones_like(y)]
    columns = [torch.ones_like(x), x, xx[:, None] * x**2]
    return torch.stack(rows, 2), torch.stack(columns, 1)


def _phase(angle: Tensor) -> Tensor:
    return torch.polar(torch.ones_like(angle), -angle)
