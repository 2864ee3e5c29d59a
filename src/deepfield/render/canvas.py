"""A large image of many galaxies and stars: each on the smallest stamp that holds its light."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.render.components import components

SIDES = (24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048)
"""Stamps, pixels a side: the periodic grids around them transform fast."""
PIXELS = 2**21
"""Stamp pixels that are rendered at a time, all bands together."""


@dataclass(frozen=True)
class Stamps:
    """Isolated noiseless images of some objects of one size, and where they lie.

    Args:
        object: [stamp] number of each object.
        first: [stamp, 2] row and column of the first pixel in the large image; may lie outside.
        image: [stamp, channel, y, x].
    """

    object: Tensor
    first: Tensor
    image: Tensor


@dataclass(frozen=True)
class Placed:
    """Sersic galaxies and stars, each with one centre, anywhere on a large image.

    Args:
        sersic_index: [object, component].
        radius: [object, component] half-light radius along the major axis, pixels; 0 is a star.
        axis_ratio, position_angle: [object, component], as in ``components``.
        x, y: [object] centre, pixels from the centre of the large image's first pixel.
        flux: [object, component, channel].
        psf: shared, or one for each object.
        faint: light per pixel below which an object may be cut off, in every channel; a
            thousandth of the sky's noise in a pixel is far below what can be seen.

    Raises:
        ValueError: shapes that do not fit together, or a ``faint`` that is not positive.

    Example:
        >>> from deepfield.render.psf import moffat
        >>> one = torch.ones(2, 1)
        >>> pair = Placed(
        ...     one, 2 * one, one, 0 * one, torch.tensor([10.0, 90.0]), torch.tensor([9.0, 200.0]),
        ...     100 * one[..., None], Psf(moffat(3.0, 3.0, side=31)[None, None]), faint=0.01,
        ... )
        >>> pair.sides().tolist(), pair.paint(256, 128).shape
        ([24, 24], torch.Size([1, 256, 128]))
    """

    sersic_index: Tensor
    radius: Tensor
    axis_ratio: Tensor
    position_angle: Tensor
    x: Tensor
    y: Tensor
    flux: Tensor
    psf: Psf
    faint: float

    def __post_init__(self) -> None:
        shapes = (self.sersic_index, self.radius, self.axis_ratio, self.position_angle)
        wanted = self.flux.shape[:2]
        if self.flux.ndim != 3 or any(part.shape != wanted for part in shapes):
            raise ValueError(
                f"flux has shape {tuple(self.flux.shape)}, the index, radius, axis ratio and "
                f"angle {', '.join(str(tuple(part.shape)) for part in shapes)}; expected "
                "[object, component, channel] and [object, component]"
            )
        if self.x.shape != wanted[:1] or self.y.shape != wanted[:1]:
            raise ValueError(
                f"x and y have shapes {tuple(self.x.shape)}, {tuple(self.y.shape)}; expected "
                f"one number for each of {wanted[0]} objects"
            )
        if not self.faint > 0:
            raise ValueError(f"faint is {self.faint}; expected light per pixel above 0")

    def __len__(self) -> int:
        return len(self.x)

    def take(self, indices: Tensor) -> "Placed":
        """Some of the objects, where they are."""
        names = ("sersic_index", "radius", "axis_ratio", "position_angle", "x", "y", "flux")
        chosen: dict[str, Any] = {name: getattr(self, name)[indices] for name in names}
        return replace(self, **chosen, psf=self.psf.take(indices))

    def sides(self) -> Tensor:
        """Side of the stamp that holds each object down to ``faint``: [object] pixels.

        The half side is the larger one of where the profile and where the wings of a point source
        of the same flux sink below half of ``faint``. The largest is 2048.
        """
        flux = self.flux.amax(2).clamp(min=1e-30)
        half = torch.maximum(_profile(self, flux).amax(1), _wings(self.psf, self.flux, self.faint))
        sides = torch.tensor(SIDES)
        # A centre is up to half a pixel from the stamp's.
        return sides[torch.searchsorted(sides, 2 * half + 2).clamp(max=len(SIDES) - 1)]

    def stamps(self) -> Iterator[Stamps]:
        """Every object alone, in groups of one size, small ones first."""
        sides = self.sides()
        for side in sides.unique().tolist():
            group = (sides == side).nonzero()[:, 0]
            for rows in group.split(max(1, PIXELS // (side**2 * self.flux.shape[2]))):
                yield self._stamps(rows, side)

    def paint(self, height: int, width: int) -> Tensor:
        """The sum of all objects: [channel, height, width].

        An object beyond the edge adds what reaches into the image.
        """
        image = self.flux.new_zeros(self.flux.shape[2], height, width)
        half = self.sides() / 2 + 1
        inside = (self.x > -half) & (self.x < width + half)
        inside &= (self.y > -half) & (self.y < height + half)
        for group in self.take(inside.nonzero()[:, 0]).stamps():
            side = group.image.shape[-1]
            for (row, column), stamp in zip(group.first.tolist(), group.image, strict=True):
                top, left = max(row, 0), max(column, 0)
                bottom, right = min(row + side, height), min(column + side, width)
                if top < bottom and left < right:
                    part = stamp[:, top - row : bottom - row, left - column : right - column]
                    image[:, top:bottom, left:right] += part
        return image

    def _stamps(self, rows: Tensor, side: int) -> Stamps:
        some, middle = self.take(rows), (side - 1) / 2
        first = torch.stack([some.y, some.x], 1).sub(middle).round()
        image = components(
            sersic_index=some.sersic_index,
            # As good as a point on any grid.
            radius=some.radius.clamp(min=1e-3),
            axis_ratio=some.axis_ratio,
            position_angle=some.position_angle,
            x=some.x - first[:, 1] - middle,
            y=some.y - first[:, 0] - middle,
            flux=some.flux,
            psf=some.psf,
            size=side,
        )
        return Stamps(rows, first.long(), image)


def _profile(placed: Placed, flux: Tensor) -> Tensor:
    """Half the larger side of the isophote of half of ``faint``: [object, component]."""
    index, radius = placed.sersic_index, placed.radius.clamp(min=1e-3)
    # Ciotti & Bertin (1999), good to 1e-4.
    b = 2 * index - 1 / 3 + 4 / (405 * index) + 46 / (25515 * index**2)
    log_centre = (
        flux.log()
        + 2 * index * b.log()
        - torch.lgamma(2 * index)
        - (2 * math.pi * index * radius**2 * placed.axis_ratio).log()
    )
    extent = radius * ((log_centre - math.log(placed.faint / 2)).clamp(min=0) / b) ** index
    angle = torch.deg2rad(placed.position_angle)
    along, across = angle.sin() ** 2, angle.cos() ** 2
    ratio = placed.axis_ratio**2
    return extent * torch.maximum(along + ratio * across, across + ratio * along).sqrt()


def _wings(psf: Psf, flux: Tensor, faint: float) -> Tensor:
    """Half the side of the square outside which a point source is below half of ``faint``."""
    kernel = psf.kernel.abs() * psf.oversampling**2  # light per image pixel
    height, width = kernel.shape[-2:]
    y = (torch.arange(height) - height // 2).abs()
    x = (torch.arange(width) - width // 2).abs()
    ring = torch.maximum(y[:, None], x).flatten()
    rings = int(ring.max()) + 1
    brightest = kernel.new_zeros(*kernel.shape[:2], rings)
    brightest.scatter_reduce_(2, ring.expand(*kernel.shape[:2], -1), kernel.flatten(2), "amax")
    outside = brightest.flip(2).cummax(2).values.flip(2)
    seen = outside * flux.sum(1)[..., None] > faint / 2
    return seen.sum(2).amax(1) / psf.oversampling
