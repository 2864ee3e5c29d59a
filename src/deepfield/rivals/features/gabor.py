"""Gabor filters: waves of several lengths and directions, and how much of each there is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from skimage.filters import gabor_kernel
from torch import Tensor

from deepfield.nouns.batch import Batch
from deepfield.rivals.features.picture import Picture, unmeasured_as_nan

CHUNK = 32
"""objects filtered together: few enough to stay in the processor's cache"""


@dataclass(frozen=True)
class Gabor:
    """Amplitudes of Gabor filters, by wavelength, whatever the direction of the sky.

    Every wavelength has filters in several directions (scikit-image's complex kernels, without
    their mean). Of the mean amplitude over the picture's light, and of its scatter, as functions
    of the direction, the sizes of the Fourier terms are kept: a turned galaxy has the same
    (Daugman 1985, JOSA A 2, 1160).

    Args:
        wavelengths: px.
        directions: of half a turn; even.
        picture: how the stamp is shown to it.

    Raises:
        ValueError: a wavelength below 2 px, or an odd number of directions.

    Example:
        >>> batch = Batch(np.array(["a"]), torch.rand(1, 1, 32, 32), ("r",))
        >>> Gabor(wavelengths=(4.0, 8.0), directions=4)(batch).shape
        (1, 12)
    """

    wavelengths: Sequence[float] = (3.0, 5.0, 8.0, 13.0)
    directions: int = 8
    picture: Picture = field(default_factory=partial(Picture, crop=0.75))

    def __post_init__(self) -> None:
        if min(self.wavelengths) < 2 or self.directions < 2 or self.directions % 2:
            raise ValueError(
                f"wavelengths {self.wavelengths} and {self.directions} directions; expected at "
                "least 2 px, the pixels' own limit, and an even number of directions"
            )

    def __call__(self, batch: Batch) -> np.ndarray:
        """[object, feature]."""
        pictures, measured = self.picture(batch)
        images = torch.from_numpy(pictures)
        filters = _responses(self.wavelengths, self.directions, images.shape[-2:])
        rows = [self._measure(some, filters) for some in images.split(CHUNK)]
        table = torch.cat(rows) if rows else torch.zeros(0, len(self.wavelengths))
        return unmeasured_as_nan(table.numpy(), measured)

    def _measure(self, images: Tensor, filters: Tensor) -> Tensor:
        spectrum = torch.fft.fft2(images)
        weight = images.clamp(min=0)
        weight = weight / weight.sum((-1, -2), keepdim=True).clamp(min=1e-12)
        parts = []
        for wave in filters:  # [direction, y, x]
            amplitude = torch.fft.ifft2(spectrum[:, None] * wave).abs()
            mean = (amplitude * weight[:, None]).sum((-1, -2))
            square = (amplitude.square() * weight[:, None]).sum((-1, -2))
            scatter = (square - mean.square()).clamp(min=0).sqrt()
            for each in (mean, scatter):
                terms = torch.fft.rfft(each, norm="forward").abs()
                parts.append(terms[:, : self.directions // 2 + 1])
        return torch.cat(parts, 1)


def _responses(wavelengths: Sequence[float], directions: int, shape: tuple[int, ...]) -> Tensor:
    """[wavelength, direction, y, x] Fourier transforms of the filters."""
    found = np.zeros((len(wavelengths), directions, *shape), np.complex64)
    for i, wavelength in enumerate(wavelengths):
        for j in range(directions):
            kernel = gabor_kernel(1 / wavelength, np.pi * j / directions)
            kernel = kernel - kernel.mean()  # blind to a level
            tall, wide = (min(a, b) for a, b in zip(kernel.shape, shape, strict=True))
            top, left = ((a - b) // 2 for a, b in zip(kernel.shape, (tall, wide), strict=True))
            kernel = kernel[top : top + tall, left : left + wide]
            plane = np.zeros(shape, np.complex128)
            plane[:tall, :wide] = kernel
            found[i, j] = np.fft.fft2(np.roll(plane, (-(tall // 2), -(wide // 2)), (0, 1)))
    return torch.from_numpy(found)
