"""Frame: the units in which a network sees a stamp."""

from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.nouns.batch import Batch


@dataclass(frozen=True)
class Frame:
    """What turns numbers of a stamp into numbers of the sky.

    Args:
        noise: [object] one sigma of a pixel in the middle band, in the unit of the values.
        pixel_scale: [object] arcsec; NaN = not known.
        position_angle: [object] degrees east of north of the direction that the network takes
            for up; 0 where it has none.
        signal: [object] a rough signal-to-noise ratio of the middle band, above 0, from which the
            network tells brightness; 1 where it has none.
    """

    noise: Tensor
    pixel_scale: Tensor
    position_angle: Tensor
    signal: Tensor


def sigma(batch: Batch) -> Tensor:
    """[object, channel] one sigma of a pixel, from the mean inverse variance of the measured.

    Raises:
        ValueError: the batch has no variance.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.zeros(1, 1, 2, 2), ("r",),
        ...               variance=torch.tensor([[[[4.0, torch.inf], [4.0, 4.0]]]]))
        >>> sigma(batch).tolist()
        [[2.0]]
    """
    if batch.variance is None:
        raise ValueError(
            "the batch has no variance; networks see flux over noise: read the images with "
            "deepfield.data, which estimates it, or give one"
        )
    weight = batch.variance.reciprocal().expand_as(batch.values).flatten(2)
    measured = (weight > 0).to(weight).mean(2)
    return (weight.mean(2) / measured.clamp(min=1e-6)).clamp(min=1e-30).rsqrt()


def frame(
    batch: Batch, *, position_angle: Tensor | None = None, signal: Tensor | None = None
) -> Frame:
    """The frame of a batch, its up north if no other is given.

    Args:
        batch: with a variance.
        position_angle, signal: as in ``Frame``; by default 0 and 1.
    """
    objects = len(batch)
    noise = sigma(batch)
    scale = torch.nan if batch.survey is None else batch.survey.pixel_scale
    return Frame(
        noise[:, noise.shape[1] // 2],
        noise.new_full((objects,), scale),
        noise.new_zeros(objects) if position_angle is None else position_angle,
        noise.new_ones(objects) if signal is None else signal,
    )
