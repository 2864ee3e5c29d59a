"""Guided backpropagation: gradient and deconvnet at once (Springenberg+15, arXiv:1412.6806)."""

from torch import Tensor

from deepfield.explain.relu_rule import ReluRule
from deepfield.explain.saliency import gradient
from deepfield.explain.target import Target
from deepfield.nouns.batch import Batch


def guided_backpropagation(target: Target, batch: Batch, *, chunk: int | None = None) -> Tensor:
    """As ``deconvnet``, but a ReLU passes only where also its input was positive.

    Its maps are sharp and change little when the network forgets what it has learnt
    (Adebayo+18): see ``explain.sanity`` before believing them.

    Args:
        target, batch, chunk: as in ``deconvnet``.

    Returns:
        [object, channel, y, x] target's unit per nJy.

    Example:
        >>> import numpy as np, torch
        >>> batch = Batch(np.array(["a"]), torch.tensor([[[[-1.0, 2.0, 3.0]]]]), ("g",))
        >>> weight = torch.tensor([1.0, -1.0, 1.0])
        >>> def target(batch):
        ...     return (batch.values.relu() * weight).sum((1, 2, 3))
        >>> guided_backpropagation(target, batch).tolist()
        [[[[0.0, 0.0, 1.0]]]]
    """
    with ReluRule(lambda entered, arriving: arriving.clamp(min=0) * (entered > 0)):
        return gradient(target, batch, chunk=chunk)
