"""Deconvnet: project an answer back to the pixels (Zeiler & Fergus 2014, arXiv:1311.2901)."""

from torch import Tensor

from deepfield.explain.relu_rule import ReluRule
from deepfield.explain.saliency import gradient
from deepfield.explain.target import Target
from deepfield.nouns.batch import Batch


def deconvnet(target: Target, batch: Batch, *, chunk: int | None = None) -> Tensor:
    """The pattern in the pixels that raised the answer, layer by layer backwards.

    Transposed filters undo convolutions and the switches of the forward pass undo max-pooling, as
    in the gradient. A ReLU passes what arrives where that is positive, whatever went in: this is
    where it differs from the gradient, which passes it where the input was positive. Without
    ReLUs the two are the same. Only switches then know of the image: of a network that has strides
    instead of max-pooling, a class's map is nearly the same for every object.

    Args:
        target: what is projected; ``units.strongest_unit`` for one activation of a feature map,
            as in the paper, whose picture is this one times the activation.
        batch: images.
        chunk: images at a time; None to choose.

    Returns:
        [object, channel, y, x] target's unit per nJy.

    Raises:
        ValueError: as for ``saliency.gradient``.

    Example:
        >>> import numpy as np, torch
        >>> batch = Batch(np.array(["a"]), torch.tensor([[[[-1.0, 2.0]]]]), ("g",))
        >>> def target(batch):
        ...     return batch.values.relu().sum((1, 2, 3))
        >>> deconvnet(target, batch).tolist(), gradient(target, batch).tolist()
        ([[[[1.0, 1.0]]]], [[[[0.0, 1.0]]]])
    """
    with ReluRule(lambda entered, arriving: arriving.clamp(min=0)):
        return gradient(target, batch, chunk=chunk)
