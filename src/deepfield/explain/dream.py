"""Dream: the galaxy that a network has in mind (Simonyan+14, arXiv:1312.6034)."""

from dataclasses import replace

import torch
from torch import Tensor

from deepfield.explain.chunks import chunk_for, in_chunks
from deepfield.explain.gaussian_blur import gaussian_blur
from deepfield.explain.target import Target, evaluate, images
from deepfield.nouns.batch import Batch


def dream(
    target: Target,
    like: Batch,
    *,
    penalty: float = 1e-3,
    steps: int = 256,
    rate: float = 0.1,
    jitter: int = 0,
    blur: float = 0.0,
    seed: int = 0,
    chunk: int | None = None,
) -> Tensor:
    """The image I that maximises S(I) - penalty |I|^2, from the noise of an empty sky on.

    Pixels are counted in units of the noise where the batch has a variance, so that no band
    and no survey is easier to change than another.

    Args:
        target: S, best a score before the softmax (``target.output``).
        like: its images give size, bands, variance and PSF, not their pixels; a dream for each.
        penalty: lambda, on the sum of squares of flux over noise.
        steps: of Adam, whose rate falls as a cosine.
        rate: the first step, in units of the noise.
        jitter: each step sees the image moved by up to so many px, which forbids what works
            only at one place.
        blur: standard deviation of the smoothing that every dream has gone through, px.
        seed: of the noise, which is the same for all, and of the moves.
        chunk: images at a time; None to choose.

    Returns:
        [object, channel, y, x] nJy

    Raises:
        ValueError: a negative penalty, jitter or blur, or no steps.

    Example:
        >>> import numpy as np
        >>> like = Batch(np.array(["a"]), torch.zeros(1, 1, 1, 2), ("g",))
        >>> weight = torch.tensor([1.0, -2.0])
        >>> best = dream(lambda batch: (batch.values * weight).sum((1, 2, 3)), like, penalty=0.5)
        >>> best.round(decimals=2).tolist()
        [[[[1.0, -2.0]]]]
    """
    for name, value in (("penalty", penalty), ("jitter", jitter), ("blur", blur)):
        if not value >= 0:
            raise ValueError(f"{name} is {value}; expected 0 or more")
    if steps < 1 or not rate > 0:
        raise ValueError(f"{steps} steps at a rate of {rate}; expected at least 1, above 0")
    seen = images(like)
    unit = noise(seen)

    def some(rows: Tensor) -> Tensor:
        part, scale = seen.take(rows), unit[rows]
        generator = torch.Generator().manual_seed(seed)
        # From zeros a network of convolutions would see no place to begin at.
        sky = torch.randn(part.values.shape[1:], generator=generator)
        free = sky.to(part.values).repeat(len(rows), 1, 1, 1).requires_grad_()
        optimizer = torch.optim.Adam([free], lr=rate, maximize=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _ in range(steps):
            image = gaussian_blur(free, blur)
            moves = torch.randint(-jitter, jitter + 1, (2,), generator=generator).tolist()
            moved = (image * scale).roll(moves, (2, 3))
            score = evaluate(target, replace(part, values=moved))
            gain = score.sum() - penalty * image.square().sum()
            (free.grad,) = torch.autograd.grad(gain, free)
            optimizer.step()
            schedule.step()
        return gaussian_blur(free.detach(), blur) * scale

    with torch.enable_grad():
        return in_chunks(some, len(like), chunk_for(like, chunk))


def noise(batch: Batch) -> Tensor:
    """[object, channel, 1, 1] one sigma, from the mean inverse variance of the measured pixels.

    1 where the batch has no variance, or nothing was measured.
    """
    if batch.variance is None:
        return batch.values.new_ones(*batch.values.shape[:2], 1, 1)
    weight = batch.variance.reciprocal()
    measured = (weight > 0).to(weight).mean((2, 3), keepdim=True)
    inverse = weight.mean((2, 3), keepdim=True) / measured.clamp(min=1e-6)
    sigma = torch.where(inverse > 0, inverse.rsqrt(), torch.ones_like(inverse))
    return sigma.expand(*batch.values.shape[:2], 1, 1).to(batch.values.dtype)
