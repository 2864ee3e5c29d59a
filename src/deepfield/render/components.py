"""Galaxies of several Sersic components in several bands: many at once, and differentiable.

The profile is a ladder of Gaussians (``ladder.py``), climbed once for each component whatever the
number of bands: components are mixed into bands in Fourier space, before the PSF.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.render.grid import fold
from deepfield.render.ladder import TERMS, deviations, mixture
from deepfield.render.terms import Grid, Terms, terms

CACHED = 2**18
"""Grid points at a time on a processor: they stay in its second-level cache."""
RESIDENT = 2**25
"""Grid points at a time on any other device."""


def components(
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
    """Images of sums of Sersic (1963) profiles with a common centre, through the PSF.

    Rendered at the PSF's own oversampling and folded to pixels. An object's image does not depend
    on its neighbours in the batch.

    Args:
        sersic_index: [object, component], 0.5 to 6.2; beyond, that of the border.
        radius: [object, component] half-light radius along the major axis, pixels.
        axis_ratio: [object, component] minor over major axis, above 0, at most 1.
        position_angle: [object, component] of the major axis, degrees from +y (north) towards -x
            (east).
        x, y: [object] centre, as offsets from the stamp's centre, pixels; in the stamp, or beyond
            its edge by at most an eighth of its size.
        flux: [object, component, channel] total light out to infinity, any unit.
        psf: shared or one per object, with the channels of ``flux``.
        size: pixels a side of the stamp.

    Returns:
        [object, channel, y, x], light per pixel in the unit of ``flux``.

    Raises:
        ValueError: shapes that do not fit together.

    Example:
        >>> from deepfield.render.psf import moffat
        >>> psf = Psf(torch.stack([moffat(width, 3.0, side=31) for width in (3.0, 4.0)])[None])
        >>> bulge_and_disc = torch.ones(5, 2)
        >>> images = components(
        ...     sersic_index=bulge_and_disc * torch.tensor([4.0, 1.0]), radius=3 * bulge_and_disc,
        ...     axis_ratio=bulge_and_disc, position_angle=bulge_and_disc, x=torch.zeros(5),
        ...     y=torch.zeros(5), flux=torch.ones(5, 2, 2), psf=psf, size=32,
        ... )
        >>> images.shape
        torch.Size([5, 2, 32, 32])
    """
    shape = torch.stack(torch.broadcast_tensors(sersic_index, radius, axis_ratio, position_angle))
    x, y = torch.broadcast_tensors(x, y)
    objects, channels = len(x), psf.kernel.shape[1]
    if (
        objects == 0
        or shape.shape[1:] != flux.shape[:2]
        or flux.shape[::2] != (objects, channels)
        or len(psf.kernel) not in (1, objects)
    ):
        raise ValueError(
            f"flux has shape {tuple(flux.shape)}, the PSF {tuple(psf.kernel.shape)}; expected "
            "[object, component, channel] and [object or 1, channel, y, x] of "
            f"{tuple(shape.shape[1:])} objects and components (at least 1)"
        )
    kernel = -(-max(psf.kernel.shape[-2:]) // psf.oversampling)
    grid = Grid(size, kernel, psf.oversampling, shape)
    points = CACHED if shape.device.type == "cpu" else RESIDENT
    chunk = max(1, points // len(grid.axis) ** 2)
    order = alike(shape[1].detach(), -(-objects // chunk))
    shared = grid.transfer(psf) if len(psf.kernel) == 1 else None
    images = []
    for block in order.split(16 * chunk):
        parts = terms(shape[:, block], x[block], y[block], grid)
        for start in range(0, len(block), chunk):
            rows = slice(start, start + chunk)
            here = block[rows]
            seen = grid.transfer(psf.take(here)) if shared is None else shared
            images.append(_render(parts, rows, flux[here], seen, grid))
    return torch.cat(images).index_select(0, torch.argsort(order))


def alike(radius: Tensor, chunks: int) -> Tensor:
    """Order in which neighbours have like sizes in all components.

    Objects of like size need the same terms, so that a chunk leaves out most of the others.
    """
    objects, count = radius.shape
    bins = round(chunks ** (1 / count))
    order = torch.argsort(radius[:, -1])
    for one in radius.T[:-1].flip(0):
        place = torch.argsort(torch.argsort(one)) * bins // objects
        order = order[torch.argsort(place[order], stable=True)]
    return order


def _render(parts: Terms, rows: slice, flux: Tensor, seen: Tensor, grid: Grid) -> Tensor:
    """Images of a chunk: [object, channel, y, x]."""
    count, channels = flux.shape[1:]
    bands: Iterable[Tensor]
    if channels == 1:
        bands = [_light(parts, rows, range(count), flux[:, :, 0], grid)]
    else:
        unit = torch.ones_like(flux[:, :1, 0])
        each = [_light(parts, rows, range(c, c + 1), unit, grid) for c in range(count)]
        planes = torch.view_as_real(torch.stack(each, 1))
        bands = (_mix(planes, flux[:, :, band]) for band in range(channels))
    images = [
        fold(
            light * seen[:, band],
            pixels=grid.pixels,
            supersampling=grid.finer,
            first=grid.first,
            size=grid.size,
        )
        for band, light in enumerate(bands)
    ]
    return torch.stack(images, 1)


def _mix(planes: Tensor, flux: Tensor) -> Tensor:
    """Weighted sum over components of [object, component, ky, kx, real and imaginary]."""
    mixed = flux[:, None] @ planes.flatten(2)
    return torch.view_as_complex(mixed.view(-1, *planes.shape[2:]))


def _light(parts: Terms, rows: slice, numbers: range, flux: Tensor, grid: Grid) -> Tensor:
    """Transform of the light of some components, of a flux [object, number], before the PSF."""
    deviation = deviations().tolist()
    ours = (rows, slice(numbers.start, numbers.stop))
    spectrum, canvas = (parts.point[ours] * flux).sum(1)[:, None, None], None
    for share, c in zip(flux.T[..., None], numbers, strict=True):
        at = (rows, c)
        start, end = int(parts.starts[at].min()), int(parts.ends[at].max())
        left, right = (part[at] for part in parts.fourier)
        exponent = left * deviation[start] ** 2 @ right
        spectrum = mixture(exponent, parts.narrow[at][:, start:end] * share).add_(spectrum)
        end = int(parts.ends[at].min())
        if end < TERMS:
            left, right = (part[at] for part in parts.real)
            exponent = left / deviation[-1] ** 2 @ right
            one = mixture(exponent, parts.wide[at][:, end:].flip(1) * share)
            canvas = one if canvas is None else one.add_(canvas)
    turn_y, turn_x = (part[rows] for part in parts.turn)
    light = spectrum * (turn_y[:, :, None] * turn_x[:, None, :])
    return light if canvas is None else torch.fft.rfft2(canvas).add_(light)
