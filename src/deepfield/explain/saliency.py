"""Saliency: how much the answer changes with each pixel (Simonyan+14, arXiv:1312.6034)."""

from dataclasses import replace

import torch
from torch import Tensor

from deepfield.explain.chunks import chunk_for, in_chunks
from deepfield.explain.target import Target, evaluate, images
from deepfield.nouns.batch import Batch


def gradient(target: Target, batch: Batch, *, chunk: int | None = None) -> Tensor:
    """Derivative of the answer to every pixel, with its sign.

    Args:
        target: what is explained.
        batch: images.
        chunk: images at a time; None to choose.

    Returns:
        [object, channel, y, x] target's unit per nJy.

    Raises:
        ValueError: the target is not differentiable in the pixels, or ``chunk`` < 1.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.full((1, 1, 1, 2), 3.0), ("g",))
        >>> gradient(lambda batch: batch.values.square().sum((1, 2, 3)), batch).tolist()
        [[[[6.0, 6.0]]]]
    """
    seen = images(batch)

    def some(rows: Tensor) -> Tensor:
        part = seen.take(rows)
        values = part.values.requires_grad_()
        with torch.enable_grad():
            numbers = evaluate(target, replace(part, values=values))
        if not numbers.requires_grad:
            raise ValueError(
                "the target is not differentiable in batch.values (predict of a trained network "
                "keeps no gradients): build it with explain.target.answer"
            )
        return torch.autograd.grad(numbers.sum(), values)[0]

    return in_chunks(some, len(batch), chunk_for(batch, chunk))


def saliency(target: Target, batch: Batch, *, chunk: int | None = None) -> Tensor:
    """Absolute derivative of the answer to every pixel; arguments as in ``gradient``.

    Per nJy: where a network stretches its images one nJy changes most on the faint sky, and the
    map is darkest on the galaxy. ``gradient_times_input`` makes up for it.
    """
    return gradient(target, batch, chunk=chunk).abs()


def gradient_times_input(target: Target, batch: Batch, *, chunk: int | None = None) -> Tensor:
    """Flux times the derivative, in the target's unit: one step of integrated gradients.

    Args:
        target, batch, chunk: as in ``gradient``.

    Returns:
        [object, channel, y, x] target's unit.
    """
    return gradient(target, batch, chunk=chunk) * images(batch).values
