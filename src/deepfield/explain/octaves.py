"""Octaves: a given galaxy as a layer would like to see it (inceptionism, Mordvintsev+15)."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from deepfield.explain.chunks import chunk_for, in_chunks
from deepfield.explain.dream import noise
from deepfield.explain.target import Target, evaluate, images
from deepfield.nouns.batch import Batch


def dream_on(
    target: Target,
    batch: Batch,
    *,
    octaves: int = 3,
    zoom: float = 1.4,
    steps: int = 16,
    rate: float = 0.1,
    jitter: int = 4,
    seed: int = 0,
    chunk: int | None = None,
) -> Tensor:
    """Galaxies changed such that the answer grows, from coarse detail to fine.

    At each size, from the smallest up, the image follows the gradient in steps of the same mean
    size; what it has gained is magnified and goes on at the next size. No stamp is larger than
    the galaxy's own.

    Args:
        target: what grows: ``units.energy`` of any layer, or any other.
        batch: the galaxies.
        octaves: sizes, and ``zoom`` from one to the next.
        steps: at each size.
        rate: mean change of a pixel in a step, in units of the noise.
        jitter: each step sees the image moved by up to so many px.
        seed: of the moves.
        chunk: images at a time; None to choose.

    Returns:
        [object, channel, y, x] nJy

    Raises:
        ValueError: no octave or step, a zoom that does not magnify, or a network that takes no
            smaller stamps.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.rand(1, 1, 16, 16), ("g",))
        >>> def brightest(batch):
        ...     return batch.values.amax((1, 2, 3))
        >>> changed = dream_on(brightest, batch, octaves=2)
        >>> bool(brightest(replace(batch, values=changed)) > brightest(batch))
        True
    """
    if octaves < 1 or steps < 1 or not zoom > 1 or jitter < 0 or not rate > 0:
        raise ValueError(
            f"{octaves} octaves of {steps} steps at a rate of {rate}, zoom {zoom} and jitter "
            f"{jitter}; expected at least 1 and 1, above 0, above 1, and 0 or more"
        )
    seen = images(batch)
    unit = noise(seen)

    def some(rows: Tensor) -> Tensor:
        part, scale = seen.take(rows), unit[rows]
        generator = torch.Generator().manual_seed(seed)
        gained = torch.zeros_like(part.values)
        for octave in reversed(range(octaves)):
            small = _resized(part, zoom**-octave)
            gained = F.interpolate(
                gained, small.values.shape[2:], mode="bilinear", align_corners=False
            )
            for _ in range(steps):
                moves = torch.randint(-jitter, jitter + 1, (2,), generator=generator).tolist()
                image = (small.values + gained).requires_grad_()
                moved = replace(small, values=image.roll(moves, (2, 3)))
                (slope,) = torch.autograd.grad(_score(target, moved, octave), image)
                slope = slope * scale
                size = slope.abs().mean((1, 2, 3), keepdim=True)
                gained = gained + rate * scale * slope / size.clamp(min=1e-30)
        return part.values + gained

    with torch.enable_grad():
        return in_chunks(some, len(batch), chunk_for(batch, chunk))


def _score(target: Target, batch: Batch, octave: int) -> Tensor:
    try:
        return evaluate(target, batch).sum()
    except RuntimeError as error:
        if octave == 0 or isinstance(error, torch.OutOfMemoryError):
            raise
        raise ValueError(
            f"the network does not take stamps of {batch.values.shape[-1]} px, only of the size "
            f"that it was made for; dream with octaves=1 ({str(error).splitlines()[0]})"
        ) from None


def _resized(batch: Batch, factor: float) -> Batch:
    """The same surface brightness and noise per pixel on a smaller stamp."""
    size = [max(1, round(side * factor)) for side in batch.values.shape[2:]]
    values = F.interpolate(batch.values, size, mode="area")
    variance = batch.variance
    if variance is not None and variance.shape[2:] != (1, 1):
        # Nearest, so that a masked pixel does not mask its neighbours.
        variance = F.interpolate(variance.expand(-1, -1, *batch.values.shape[2:]), size)
    return replace(batch, values=values, variance=variance)
