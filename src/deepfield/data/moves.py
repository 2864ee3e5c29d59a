"""Moves: images turned, mirrored, shifted and zoomed, with all that goes with their pixels.

The variance, the PSF and the truth follow: angles turn, points and maps move. Angles are position
angles of axes in degrees (or rad) east of north, north up (+y) and east left (-x), kept within
half a turn. Points are pixel positions [object, ..., 2], y first.
"""

from collections.abc import Callable
from dataclasses import replace
from math import pi
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity

Fill = Literal["border", "reflection", "zeros"]
INTEGERS = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def turned(batch: Batch, code: Tensor) -> Batch:
    """Each object by one of eight symmetries of the square.

    Args:
        batch: square images.
        code: [object] int64: quarter turns anticlockwise (y up), plus 4 for a mirror image in x
            before them.

    Raises:
        ValueError: images that are not square.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), ("r",))
        >>> turned(batch, torch.tensor([1])).values.tolist()
        [[[[3.0, 1.0], [4.0, 2.0]]]]
    """
    height, width = batch.values.shape[-2:]
    if height != width:
        raise ValueError(f"images of {height} x {width} px; expected square ones to turn")

    def move(images: Tensor) -> Tensor:
        if images.shape[-2:] == (1, 1):
            return images
        images = images.expand(len(code), *images.shape[1:])
        out = torch.empty_like(images, memory_format=torch.contiguous_format)
        for which in code.unique().tolist():
            rows = (code == which).nonzero()[:, 0].to(images.device)
            part = images[rows].flip(-1) if which >= 4 else images[rows]
            # rot90 turns as seen with y down; with y up that is clockwise.
            out[rows] = part.rot90(-(which % 4), (-2, -1))
        return out

    quarter = (code % 4) * (pi / 2)
    cos, sin = quarter.cos().round(), quarter.sin().round()
    mirror = torch.where(code >= 4, -1.0, 1.0)
    linear = torch.stack([cos * mirror, -sin, sin * mirror, cos], 1).reshape(-1, 2, 2)
    psf = batch.psf
    if psf is not None and not _symmetric(psf.kernel):
        psf = Psf(move(psf.kernel), psf.oversampling)
    still = torch.zeros(len(code), 2)
    return replace(
        batch,
        values=move(batch.values),
        variance=None if batch.variance is None else move(four_axes(batch)),
        psf=psf,
        truth=_truth(batch, linear, still, move),
    )


def warped(batch: Batch, linear: Tensor, moved: Tensor, fill: Fill = "border") -> Batch:
    """Each object by its own linear map about the image's centre, then shifted.

    Args:
        batch: images.
        linear: [object, 2, 2] of (x, y) in pixels, from the old image to the new.
        moved: [object, 2] shift in x and y, pixels.
        fill: what lies beyond the edge.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.arange(4.0).reshape(1, 1, 2, 2), ("r",))
        >>> half_turn = -torch.eye(2)[None]
        >>> warped(batch, half_turn, torch.zeros(1, 2)).values.flatten().tolist()
        [3.0, 2.0, 1.0, 0.0]
    """
    values = batch.values
    linear, moved = linear.to(values), moved.to(values)
    grid = _grid(linear, moved, values.shape[-2:])
    variance = None if batch.variance is None else four_axes(batch)
    if variance is not None and (variance.shape[-2:] != (1, 1) or fill == "zeros"):
        variance = _move_variance(variance.expand_as(values), grid, fill)
    psf = batch.psf
    if psf is not None:
        centred = _grid(linear, torch.zeros_like(moved), psf.kernel.shape[-2:])
        kernel = psf.kernel.expand(len(batch), -1, -1, -1)
        kernel = _sample(kernel, centred, "zeros")
        psf = Psf(kernel / kernel.sum((-1, -2), keepdim=True), psf.oversampling)

    def move(images: Tensor) -> Tensor:
        if images.dtype in INTEGERS:
            return _sample(images.to(values.dtype), grid, fill, "nearest").to(images.dtype)
        return _sample(images, grid, fill)

    truth = _truth(batch, linear, moved, move)
    new = _sample(values, grid, fill)
    return replace(batch, values=new, variance=variance, psf=psf, truth=truth)


def _sample(images: Tensor, grid: Tensor, fill: Fill, mode: str = "bilinear") -> Tensor:
    return F.grid_sample(images, grid, mode=mode, padding_mode=fill, align_corners=False)


def _move_variance(variance: Tensor, grid: Tensor, fill: Fill) -> Tensor:
    """Infinite wherever an infinite pixel takes part, or nothing was measured beyond the edge."""
    if fill != "zeros" and bool(variance.amax().isfinite()):
        return _sample(variance, grid, fill)
    gone = variance.isinf()
    masked = _sample(variance.masked_fill(gone, 0), grid, fill)
    touched = _sample((~gone).to(variance.dtype), grid, fill) < 1 - 1e-3
    return masked.masked_fill(touched, torch.inf)


def _grid(linear: Tensor, moved: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Where in the old image each new pixel comes from, as grid_sample wants it (-1 to 1)."""
    height, width = shape
    half = linear.new_tensor([width / 2, height / 2])
    # In units of half the sides, with pixel centres at odd multiples of 1 / side.
    back = torch.linalg.inv(linear) * half / half[:, None]
    start = -(back @ (moved / half)[:, :, None])
    x = (torch.arange(width).to(linear) * 2 + 1) / width - 1
    y = (torch.arange(height).to(linear) * 2 + 1) / height - 1
    along_x = back[:, :, :1] * x + start
    along_y = back[:, :, 1:] * y
    grid = linear.new_empty(len(linear), height, width, 2)
    # Half the time of affine_grid, which multiplies a matrix for every pixel.
    for axis in (0, 1):
        torch.add(along_x[:, axis, None, :], along_y[:, axis, :, None], out=grid[..., axis])
    return grid


def four_axes(batch: Batch) -> Tensor:
    """The variance of every object; channel, y and x may still be 1.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a", "b"]), torch.ones(2, 1, 4, 4), ("r",),
        ...               variance=torch.tensor(2.0))
        >>> four_axes(batch).shape
        torch.Size([2, 1, 1, 1])
    """
    variance = batch.variance
    if variance is None:
        raise AssertionError("called without a variance")
    variance = variance.reshape((1,) * (4 - variance.ndim) + variance.shape)
    return variance.expand(len(batch), *variance.shape[1:])


def _symmetric(kernel: Tensor) -> bool:
    close = 1e-4 * kernel.amax()
    others = (kernel.flip(-1), kernel.rot90(1, (-2, -1)))
    return kernel.shape[-1] == kernel.shape[-2] and all(
        bool(((kernel - other).abs() <= close).all()) for other in others
    )


def _truth(
    batch: Batch, linear: Tensor, moved: Tensor, move: Callable[[Tensor], Tensor]
) -> Truth | None:
    if batch.truth is None:
        return None
    height, width = batch.values.shape[-2:]
    new: dict[Quantity, Tensor] = {}
    for quantity, value in batch.truth.items_by_quantity():
        if quantity.kind == "angle":
            value = _turn(value, linear.to(value), quantity.unit)
        elif quantity.kind == "point":
            centre = value.new_tensor([(width - 1) / 2, (height - 1) / 2])
            flat = value.flip(-1).reshape(len(value), -1, 2) - centre
            flat = flat @ linear.to(value).mT + centre + moved.to(value)[:, None]
            value = flat.reshape(value.shape).flip(-1)
        elif quantity.kind == "map":
            planes = value.reshape(len(value), -1, *value.shape[-2:])
            value = move(planes).reshape(value.shape)
        new[quantity] = value
    return Truth(new)


def _turn(angle: Tensor, linear: Tensor, unit: str) -> Tensor:
    """Position angles under a linear map, within [0, half a turn)."""
    half = pi if unit == "rad" else 180.0
    radians = angle.reshape(len(angle), -1) * (pi / half)
    axis = torch.stack([-radians.sin(), radians.cos()], -1) @ linear.mT
    turned = torch.atan2(-axis[..., 0], axis[..., 1]) * (half / pi)
    return turned.reshape(angle.shape) % half
