"""The noise that a picture is drawn in."""

import numpy as np

from deepfield.nouns.batch import Batch


def channel_sigma(batch: Batch) -> np.ndarray | None:
    """Typical noise per pixel of every stamp and channel; infinite where a channel is missing.

    Args:
        batch: of images.

    Returns:
        [object, channel] in the values' unit, or None where the batch has no variance.

    Example:
        >>> import torch
        >>> values = torch.zeros(2, 1, 4, 4)
        >>> batch = Batch(np.array(["a", "b"]), values, ("r",), variance=torch.tensor(4.0))
        >>> channel_sigma(batch).tolist()
        [[2.0], [2.0]]
    """
    if batch.variance is None:
        return None
    variance = batch.variance.expand(batch.values.shape).flatten(2)
    # Torch 2.15 takes a wrong median of a view that repeats one number; NumPy does not.
    return np.sqrt(np.median(variance.double().cpu().numpy(), -1))
