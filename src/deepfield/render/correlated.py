"""Correlated noise, as resampling and drizzling leave it."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.survey import Survey
from deepfield.render.draws import normals
from deepfield.render.exposure import Exposure
from deepfield.render.grid import fast_length
from deepfield.render.noise import observe


@dataclass(frozen=True, eq=False)
class CorrelatedNoise:
    """Noise of sky and object whose neighbouring pixels are correlated.

    Every pixel has the variance that ``variance`` says; the correlation of two pixels, each in
    units of its sigma, depends on their distance as stated. The noise is white noise filtered with
    the root of its power spectrum.

    Args:
        autocorrelation: [y, x], odd sides, 1 at the centre, the same at opposite points.

    Raises:
        ValueError: another shape, or numbers that no noise can have.

    Example:
        >>> noise = CorrelatedNoise(drizzled(pixel_fraction=0.8, scale=0.6))
        >>> noise.autocorrelation.shape
        torch.Size([5, 5])
    """

    autocorrelation: Tensor

    def __post_init__(self) -> None:
        stated = self.autocorrelation
        shape = tuple(stated.shape)
        if len(shape) != 2 or shape[0] % 2 == 0 or shape[1] % 2 == 0:
            raise ValueError(f"autocorrelation has shape {shape}; expected [y, x] with odd sides")
        middle = float(stated[shape[0] // 2, shape[1] // 2])
        if not (torch.allclose(stated, stated.flip((0, 1)), atol=1e-5) and abs(middle - 1) < 1e-5):
            raise ValueError(
                f"autocorrelation is {middle:.4g} at its centre, or differs at opposite points; "
                "expected 1 at the centre and the same at (y, x) and (-y, -x)"
            )
        least = float(self._power(4 * max(shape)).min())
        if not least > -1e-3:
            raise ValueError(
                f"autocorrelation has a power spectrum down to {least:.3g}; no noise has negative "
                "power: expected a kernel correlated with itself"
            )

    def __call__(
        self,
        images: Tensor,
        survey: Survey,
        indices: np.ndarray,
        *,
        seed: int,
        split: str,
        epoch: int,
    ) -> Exposure:
        """The images under this epoch's noise."""
        channels, height, width = images.shape[1:]
        # Opposite edges of the grid are neighbours: they lie outside the stamp.
        grid = fast_length(max(height, width) + max(self.autocorrelation.shape) // 2)
        white = normals(seed, split, indices, epoch, (channels, grid, grid))
        power = self._power(grid).clamp(min=0)
        spectrum = torch.fft.rfft2(white) * power.sqrt()
        noise = torch.fft.irfft2(spectrum, (grid, grid))[..., :height, :width]
        values, variance = observe(images, survey, noise)
        return Exposure(values, variance, torch.zeros(len(images), dtype=torch.int64))

    def _power(self, grid: int) -> Tensor:
        """Power spectrum on a periodic grid, laid out as ``torch.fft.rfft2``; its mean is 1."""
        height, width = self.autocorrelation.shape
        canvas = torch.zeros(grid, grid)
        canvas[:height, :width] = self.autocorrelation
        canvas = canvas.roll((-(height // 2), -(width // 2)), (0, 1))
        return torch.fft.rfft2(canvas).real


def drizzled(*, pixel_fraction: float, scale: float) -> Tensor:
    """Autocorrelation of the noise of many dithered exposures drizzled onto one grid.

    Each input pixel, shrunk to a drop, spreads its noise over the output pixels that it overlaps.
    Summed over all distances it is the square of Fruchter & Hook's (2002, section 7) ratio of the
    noise on large scales to that of a pixel.

    Args:
        pixel_fraction: side of the drop, input pixels, above 0 to 1.
        scale: side of the output pixels, input pixels.

    Returns:
        [y, x], odd sides, 1 at the centre.

    Raises:
        ValueError: sides that are not positive, or drops larger than their pixels.

    Example:
        >>> drizzled(pixel_fraction=1.0, scale=1.0)[1].tolist()  # 1/4, 1, 1/4 along an axis
        [0.25, 1.0, 0.25]
    """
    if not (0 < pixel_fraction <= 1 and 0 < scale < float("inf")):
        raise ValueError(
            f"pixel_fraction {pixel_fraction}, scale {scale}; expected above 0 to 1, and above 0"
        )
    # A drop seen by an output pixel is a trapezoid; lengths in output pixels from here on.
    drop = pixel_fraction / scale
    reach = int(np.ceil(drop))
    lag = np.arange(-reach, reach + 1)
    # A trapezoid's overlap with itself: second differences over 1 and over the drop, of |x|^3.
    twice = ((-1, 1.0), (0, -2.0), (1, 1.0))
    parts = [a * b * np.abs(lag + i + j * drop) ** 3 for i, a in twice for j, b in twice]
    line = np.sum(parts, axis=0)
    line = line / line[reach]
    return torch.from_numpy(np.outer(line, line)).float()
