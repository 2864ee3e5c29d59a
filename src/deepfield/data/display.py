"""Display: some stamps of a batch as a JPEG would show them."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from deepfield.nouns.batch import Batch

TAPS = torch.arange(-3.0, 4.0)


@dataclass(frozen=True)
class Display:
    """Smooths, stretches and quantises a share of the stamps, as pictures for the web are.

    A network that learnt on linear images alone takes the smooth, compressed noise of a picture
    for structure. Each chosen stamp is blurred by a Gaussian, so that its noise is correlated,
    compressed by an asinh (Lupton+04), and cut to 256 levels; its values are then multiples of
    its noise. Exclusive classes survive this, fluxes do not.

    Args:
        share: of the stamps.
        blur: least and largest Gaussian sigma, px.
        softening: least and largest signal-to-noise per pixel where the asinh bends, log-uniform.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.ones(1, 1, 16, 16), ("r",),
        ...               variance=torch.ones(1, 1, 1, 1))
        >>> Display(share=1.0)(batch, torch.Generator()).values.shape
        torch.Size([1, 1, 16, 16])
    """

    share: float = 0.25
    blur: tuple[float, float] = (0.4, 1.2)
    softening: tuple[float, float] = (3.0, 60.0)

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The batch with some of its stamps as pictures.

        Args:
            batch: images with a variance.
            generator: of random numbers, on the CPU.

        Raises:
            ValueError: the batch has no variance.
        """
        if batch.variance is None:
            raise ValueError("the batch has no variance; a picture's noise comes from it")
        u = torch.rand(len(batch), 3, generator=generator)
        rows = (u[:, 0] < self.share).nonzero()[:, 0]
        if not len(rows):
            return batch
        variance = batch.variance.expand_as(batch.values).clone()
        values = batch.values.clone()
        low, high = self.blur
        width = low + (high - low) * u[rows, 1]
        bend = self.softening[0] * (self.softening[1] / self.softening[0]) ** u[rows, 2]
        missing = ~variance[rows].isfinite()
        sky = variance[rows].amin((2, 3), keepdim=True)
        smooth, gain = blurred(values[rows].masked_fill(missing, 0), width)
        bend = bend[:, None, None, None]
        shown = bend * torch.asinh(smooth / (gain[:, None, None, None] * sky.sqrt() * bend))
        level = shown.amax((1, 2, 3), keepdim=True).clamp(min=1e-3) / 255
        values[rows] = (shown / level).round() * level
        variance[rows] = torch.ones_like(shown).masked_fill(missing, torch.inf)
        return replace(batch, values=values, variance=variance)


def blurred(values: Tensor, width: Tensor) -> tuple[Tensor, Tensor]:
    """Every object through its own Gaussian, and by how much that lowers white noise.

    Args:
        values: [object, channel, y, x].
        width: [object] Gaussian sigma, px; up to 1.5.

    Returns:
        the smooth images, and [object] factors on the noise's sigma.
    """
    n, channels, height, wide = values.shape
    kernel = torch.exp(-0.5 * (TAPS / width[:, None]) ** 2)
    kernel = kernel / kernel.sum(1, keepdim=True)
    weight = kernel.repeat_interleave(channels, 0)
    flat = values.reshape(1, n * channels, height, wide)
    flat = F.conv2d(flat, weight[:, None, :, None], padding=(3, 0), groups=n * channels)
    flat = F.conv2d(flat, weight[:, None, None, :], padding=(0, 3), groups=n * channels)
    return flat.reshape(values.shape), kernel.square().sum(1)


@dataclass(frozen=True)
class InTurn:
    """Several augmentations, one after the other.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.ones(1, 1, 8, 8), ("r",))
        >>> InTurn(())(batch, torch.Generator()) is batch
        True
    """

    steps: tuple

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The batch after all of them."""
        for step in self.steps:
            batch = step(batch, generator)
        return batch
