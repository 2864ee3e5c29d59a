"""Psf: the point spread function of every object and channel."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Psf:
    """Images of a point source, integrated over pixels.

    Args:
        kernel: [object or 1, channel, y, x], odd sides, each summing to 1; its centre pixel is
            the source's position.
        oversampling: kernel pixels per image pixel along an axis. The kernel holds the response
            of a whole image pixel at every one of its finer positions.

    Raises:
        ValueError: a wrong number of axes, even sides, or a kernel that does not sum to 1.
    """

    kernel: Tensor
    oversampling: int = 1

    def __post_init__(self) -> None:
        shape = tuple(self.kernel.shape)
        if len(shape) != 4 or shape[-1] % 2 == 0 or shape[-2] % 2 == 0:
            raise ValueError(
                f"PSF kernel has shape {shape}; expected [object or 1, channel, y, x] with odd "
                "y and x: pad it by one row or column"
            )
        total = self.kernel.sum((-1, -2))
        if not torch.allclose(total, torch.ones_like(total), atol=1e-3):
            raise ValueError(
                f"PSF kernel sums to {total.flatten()[0]:.4g}; expected 1: divide by its sum"
            )

    def take(self, indices: Tensor) -> "Psf":
        """The PSFs of some objects; one that is shared by all stays as it is."""
        if len(self.kernel) == 1:
            return self
        return Psf(self.kernel[indices], self.oversampling)

    def to(self, device: torch.device | str) -> "Psf":
        """The same PSF on another device."""
        return Psf(self.kernel.to(device), self.oversampling)
