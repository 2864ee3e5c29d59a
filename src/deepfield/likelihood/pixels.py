"""Pixels: what is fitted, with its weights, sorted out once."""

from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.nouns.psf import Psf


@dataclass(frozen=True)
class Pixels:
    """Images with the inverse of their noise.

    Args:
        values: [object, band, y, x], finite.
        weight: [object or 1, band, y, x] 1 / sigma, 0 where there is no measurement.
        psf: of every band.
    """

    values: Tensor
    weight: Tensor
    psf: Psf

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Tensor) -> "Pixels":
        """Some of the objects, in the given order, as often as they are named."""
        weight = self.weight if len(self.weight) == 1 else self.weight[rows]
        return Pixels(self.values[rows], weight, self.psf.take(rows))

    def used(self) -> Tensor:
        """[object, band] how many pixels there are."""
        return (self.weight > 0).sum((-1, -2)).expand(len(self), -1)


def pixels(
    images: Tensor, psf: Psf, *, variance: Tensor | float = 1.0, mask: Tensor | None = None
) -> Pixels:
    """Images ready to be fitted.

    Args:
        images: [object, band, y, x] square stamps; NaN = not measured.
        psf: shared or one per object, with the bands of the images.
        variance: a number, or a tensor that broadcasts to the images with as many axes, unit
            squared; infinite = masked or missing, for a whole band as for a pixel.
        mask: [object, band or 1, y, x] bool, True = leave out: a neighbour, a cosmic ray.

    Raises:
        ValueError: shapes that do not fit together, or a variance that is not positive.

    Example:
        >>> from deepfield.render.psf import moffat
        >>> psf = Psf(moffat(3.0, 3.0, side=31)[None, None])
        >>> some = pixels(torch.zeros(2, 1, 64, 64), psf, mask=torch.ones(2, 1, 64, 64) > 0)
        >>> some.used().tolist()
        [[0], [0]]
    """
    shape = tuple(images.shape)
    if len(shape) != 4 or shape[2] != shape[3] or psf.kernel.shape[1] != shape[1]:
        raise ValueError(
            f"images have shape {shape} and the PSF {psf.kernel.shape[1]} bands; expected "
            "[object, band, y, x] with y = x and a PSF for every band"
        )
    if len(psf.kernel) not in (1, shape[0]):
        raise ValueError(f"{len(psf.kernel)} PSFs for {shape[0]} objects; expected 1 or as many")
    noise = torch.as_tensor(variance, dtype=images.dtype, device=images.device)
    noise = noise.reshape(1, 1, 1, 1) if noise.ndim == 0 else noise
    try:
        noise.expand(shape)
    except RuntimeError:
        raise ValueError(
            f"variance has shape {tuple(noise.shape)}; expected one that broadcasts to {shape}"
        ) from None
    if bool((noise <= 0).any()):
        raise ValueError(
            "variance has zero or negative entries; give masked pixels an infinite variance"
        )
    bad = ~images.isfinite() | ~noise.isfinite()
    if mask is not None:
        bad = bad | mask
    weight = torch.where(bad, 0.0, noise.rsqrt())
    if not bool(bad.any()) and len(noise) == 1:
        weight = noise.rsqrt().expand(1, *shape[1:]).contiguous()
    return Pixels(torch.where(bad, 0.0, images), weight, psf)
