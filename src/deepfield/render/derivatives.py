"""Derivatives of galaxies of several Sersic components: for fits that need them all at once.

A Gaussian term's derivative by its width is the same Gaussian times a quadratic form that all
terms share, so that one more sum over the ladder gives the derivatives by every change of shape;
another gives that by the Sersic index, and the one there is gives those by the centre.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import reduce
from typing import Any, TypeVar

import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.render.components import CACHED, RESIDENT, alike
from deepfield.render.grid import fold
from deepfield.render.ladder import TERMS, deviations, mixtures, weight_slopes
from deepfield.render.terms import Grid, Terms, divide, form, terms


def derivatives(
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
    changes: Tensor,
    free: tuple[bool, ...],
) -> Iterator[tuple[Tensor, Tensor]]:
    """Every component alone, and derivatives of the images of ``components``, which see.

    In blocks that fit a processor's cache, since who needs derivatives mostly sums over pixels.

    A component's shape is its matrix of second moments: radius^2 along the major axis and
    (axis ratio x radius)^2 along the minor one. No autograd.

    Args:
        sersic_index, radius, axis_ratio, position_angle, x, y, flux, psf, size: as in
            ``components``.
        changes: [object, component, change, 3] of the matrix of second moments, as yy, xx and xy,
            px^2 per unit of whatever parameter changes it.
        free: whether the Sersic index of each component varies.

    Yields:
        numbers of some objects and their planes [object, plane, channel, y, x], which the next
        block overwrites. Planes for each component: its image of unit flux, the derivatives of
        the object's image by its changes, and by log n where that is free; at the end those by
        x and y.

    Example:
        >>> from deepfield.render.psf import moffat
        >>> psf = Psf(moffat(3.0, 3.0, side=31)[None, None])
        >>> one = torch.ones(1, 1)
        >>> blocks = derivatives(
        ...     sersic_index=one, radius=4 * one, axis_ratio=one, position_angle=0 * one,
        ...     x=torch.zeros(1), y=torch.zeros(1), flux=one[..., None], psf=psf, size=64,
        ...     changes=16 * torch.tensor([[[[2.0, 2.0, 0.0]]]]), free=(True,),
        ... )
        >>> [planes.shape for _, planes in blocks]  # unit image, by log radius, log n, x, y
        [torch.Size([1, 5, 1, 64, 64])]
    """
    shape = torch.stack(torch.broadcast_tensors(sersic_index, radius, axis_ratio, position_angle))
    kernel = -(-max(psf.kernel.shape[-2:]) // psf.oversampling)
    grid = Grid(size, kernel, psf.oversampling, shape)
    points = CACHED if shape.device.type == "cpu" else RESIDENT
    chunk = max(1, points // len(grid.axis) ** 2)
    order = alike(shape[1], -(-len(x) // chunk))
    shared = grid.transfer(psf) if len(psf.kernel) == 1 else None
    count = len(free) * (1 + changes.shape[2]) + sum(free) + 2
    planes = flux.new_empty(min(chunk, len(x)), count, flux.shape[2], size, size)
    for block in order.split(16 * chunk):
        parts = terms(shape[:, block], x[block], y[block], grid)
        slopes = _slopes(shape[:, block], changes[block], x[block], y[block], parts, grid)
        for start in range(0, len(block), chunk):
            rows = slice(start, start + chunk)
            here = block[rows]
            seen = grid.transfer(psf.take(here)) if shared is None else shared
            out = planes[: len(here)]
            _fill(out, _rows(parts, rows), _rows(slopes, rows), flux[here], seen, grid, free)
            yield here, out


@dataclass
class _Slopes:
    """What the derivatives of each component add to its ``Terms``."""

    point: Tensor  # [object, component] derivatives by log n, as in ``Terms``
    narrow: Tensor
    wide: Tensor
    fourier: tuple[Tensor, Tensor]  # [object, component, change, ...] factors of -k' dM k / 2
    real: tuple[Tensor, Tensor]  # the same of d' M^-1 dM M^-1 d / 2
    trace: Tensor  # [object, component, change] of M^-1 dM / 2
    pull: Tensor  # [object, component, 3] M^-1 as yy, xx, xy
    distance: tuple[Tensor, Tensor]  # [object, y] and [object, x] from the centre, px


def _slopes(
    shape: Tensor, changes: Tensor, x: Tensor, y: Tensor, parts: Terms, grid: Grid
) -> _Slopes:
    """Everything per object and per row or column."""
    index, radius, ratio, angle = shape
    share = weight_slopes(index)
    point, narrow = divide(share, parts.starts, parts.ends)
    wide = torch.arange(TERMS, device=share.device) >= parts.ends[..., None]
    area = radius**2 * ratio
    height = 2 * torch.pi * grid.finer**2 * area[..., None] * deviations().to(share) ** 2
    direction = torch.deg2rad(angle)
    east, north = -direction.sin(), direction.cos()
    major, minor = radius**-2, (radius * ratio) ** -2
    yy, xx = (major * a**2 + minor * b**2 for a, b in ((north, east), (east, north)))
    xy = (major - minor) * east * north
    dyy, dxx, dxy = changes.unbind(-1)
    iyy, ixx, ixy = yy[..., None], xx[..., None], xy[..., None]
    # The inverse matrix on both sides of its change.
    ryy = iyy**2 * dyy + 2 * iyy * ixy * dxy + ixy**2 * dxx
    rxx = ixx**2 * dxx + 2 * ixx * ixy * dxy + ixy**2 * dyy
    rxy = iyy * ixy * dyy + (iyy * ixx + ixy**2) * dxy + ixy * ixx * dxx
    dy, dx = grid.axis - y[:, None], grid.axis - x[:, None]
    return _Slopes(
        point=point,
        narrow=narrow,
        wide=share * wide / height,
        fourier=form(-dyy / 2, -dxx / 2, -dxy / 2, grid.ky, grid.kx),
        real=form(ryy / 2, rxx / 2, rxy / 2, dy[:, None, None], dx[:, None, None]),
        trace=(iyy * dyy + ixx * dxx) / 2 + ixy * dxy,
        pull=torch.stack((yy, xx, xy), -1),
        distance=(dy, dx),
    )


Part = TypeVar("Part", Terms, _Slopes)


def _rows(parts: Part, rows: slice) -> Part:
    """Some of the objects."""

    def pick(value: Any) -> Any:
        return tuple(v[rows] for v in value) if isinstance(value, tuple) else value[rows]

    return replace(parts, **{f.name: pick(getattr(parts, f.name)) for f in fields(parts)})


def _fill(
    planes: Tensor,
    parts: Terms,
    slopes: _Slopes,
    flux: Tensor,
    seen: Tensor,
    grid: Grid,
    free: tuple[bool, ...],
) -> None:
    """Compute the planes [object, plane, channel, y, x] of a chunk."""
    left = iter(planes.unbind(1))
    turn = parts.turn[0][:, :, None] * parts.turn[1][:, None, :]
    waves = turn * (-1j * grid.kx), turn * (-1j * grid.ky[:, None])
    moves: tuple[list[Tensor], list[Tensor]] = ([], [])

    def image(light: Tensor, channel: int) -> Tensor:
        return fold(
            light * seen[:, channel],
            pixels=grid.pixels,
            supersampling=grid.finer,
            first=grid.first,
            size=grid.size,
        )

    def images(light: Tensor, scale: Tensor) -> None:
        for channel, out in enumerate(next(left).unbind(1)):
            torch.mul(image(light, channel), scale[:, channel, None, None], out=out)

    for c, varies in enumerate(free):
        light = flux[:, c]
        narrow, near = _sums(parts, slopes, c, varies)
        wide, far = _painted(parts, slopes, c, varies)
        images(_light(narrow[0], turn, wide[0] if wide else None), torch.ones_like(light))
        for change in range(slopes.trace.shape[2]):
            rows, columns = (part[:, c, change] for part in slopes.fourier)
            canvas = None
            if far is not None:
                real = (part[:, c, change] for part in slopes.real)
                trace = slopes.trace[:, c, change, None, None]
                canvas = torch.matmul(*real).mul_(far).addcmul_(wide[0], trace, value=-1)
            images(_light((rows @ columns).mul_(near), turn, canvas), light)
        if varies:
            images(_light(narrow[1], turn, wide[1] if wide else None), light)
        yy, xx, xy = slopes.pull[:, c, :, None].unbind(1)
        dy, dx = slopes.distance
        pulls = (xy * dy, xx * dx), (yy * dy, xy * dx)
        for move, wave, (y, x) in zip(moves, waves, pulls, strict=True):
            pull = None if far is None else (y[:, :, None] + x[:, None, :]).mul_(far)
            move.append(_light(narrow[0], wave, pull))
    for move in moves:
        for channel, out in enumerate(next(left).unbind(1)):
            lights = [light * flux[:, c, channel, None, None] for c, light in enumerate(move)]
            out.copy_(image(reduce(Tensor.add_, lights), channel))


def _light(narrow: Tensor, wave: Tensor, canvas: Tensor | list[Tensor] | None) -> Tensor:
    """Transform of light that is partly real in Fourier space and partly painted."""
    light = wave * narrow
    return light if canvas is None else torch.fft.rfft2(canvas).add_(light)


def _sums(parts: Terms, slopes: _Slopes, c: int, varies: bool) -> tuple[list[Tensor], Tensor]:
    """Narrow terms: by their flux (and its slope by log n), and by flux times variance."""
    deviation = deviations()
    start, end = int(parts.starts[:, c].min()), int(parts.ends[:, c].max())
    left, right = (part[:, c] for part in parts.fourier)
    share = parts.narrow[:, c, start:end]
    variance = deviation[start:end].to(share) ** 2
    shares, points = [share * variance, share], [parts.point[:, c]]
    if varies:
        shares.append(slopes.narrow[:, c, start:end])
        points.append(slopes.point[:, c])
    near, *sums = mixtures(left * float(deviation[start]) ** 2 @ right, torch.stack(shares, 1))
    for total, point in zip(sums, points, strict=True):
        total.add_(point[:, None, None])
    return sums, near


def _painted(
    parts: Terms, slopes: _Slopes, c: int, varies: bool
) -> tuple[list[Tensor], Tensor | None]:
    """Wide terms on the canvas: the same, and by flux over variance; none if there are none."""
    deviation, end = deviations(), int(parts.ends[:, c].min())
    if end == TERMS:
        return [], None
    left, right = (part[:, c] for part in parts.real)
    share = parts.wide[:, c, end:]
    shares = [share / deviation[end:].to(share) ** 2, share]
    if varies:
        shares.append(slopes.wide[:, c, end:])
    far, *sums = mixtures(left / float(deviation[-1]) ** 2 @ right, torch.stack(shares, 1).flip(2))
    return sums, far
