"""The stretch: from fluxes over many decades to numbers that a network can learn from."""

import torch
from torch import Tensor, nn

from deepfield.nouns.batch import Batch


class AsinhStretch(nn.Module):
    """Asinh of flux over noise at several softenings: linear in the noise, logarithmic above it.

    The noise is one sigma per object and channel, from the mean inverse variance of its measured
    pixels, so that masked pixels (infinite variance) drop out; they and missing bands become 0,
    the mean of the sky. Asinh magnitudes: Lupton, Gunn & Szalay 1999, AJ 118, 1406.

    Args:
        softenings: signal-to-noise per pixel at which each copy turns logarithmic.

    Shape: values [object, channel, *grid] -> [object, channel * len(softenings), *grid].

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.zeros(1, 2, 8, 8), ("g", "r"),
        ...               variance=torch.ones(1, 2, 1, 1))
        >>> AsinhStretch()(batch).shape
        torch.Size([1, 4, 8, 8])
    """

    def __init__(self, softenings: tuple[float, ...] = (1.0, 10.0)) -> None:
        super().__init__()
        self.softenings = softenings

    def forward(self, batch: Batch) -> Tensor:
        """The stretched values."""
        if batch.variance is None:
            raise ValueError(
                "the batch has no variance; networks see flux over noise: read the images with "
                "deepfield.data, which estimates it, or give one"
            )
        values, grid = batch.values, tuple(range(2, batch.values.ndim))
        weight = batch.variance.reciprocal()
        measured = (weight > 0).to(values.dtype)
        count = measured.mean(grid, keepdim=True)
        scale = (weight.mean(grid, keepdim=True) / count.clamp(min=1e-6)).sqrt()
        signal = torch.where(measured > 0, values * scale, torch.zeros((), dtype=values.dtype))
        return torch.cat([torch.asinh(signal / s) * (0.3 * s**0.25) for s in self.softenings], 1)

    def extra_repr(self) -> str:
        """The softenings."""
        return f"softenings={self.softenings}"
