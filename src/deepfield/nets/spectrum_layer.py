"""The first layer for spectra: what a network sees of one on its own grid of wavelengths."""

import torch
from torch import Tensor, nn

from deepfield.nets.frame import sigma
from deepfield.nouns.batch import Batch, missing

SCALES = (6, 32, 160)
"""points, half widths of the running means"""


class SpectrumLayer(nn.Module):
    """Spectra over their noise and over their own continuum, at several scales.

    Gaps (infinite variance, NaN) carry no weight in any mean and are 0 in every channel.

    Args:
        wavelength: [wavelength] nm, evenly spaced in ln, of all that it will be shown.

    Shape: values [object, 1, wavelength] -> [object, ``channels``, wavelength].

    Raises:
        ValueError: a batch on another grid, of several channels or without a variance.

    Example:
        >>> import numpy as np
        >>> nm = 400 * torch.exp(4e-4 * torch.arange(600))
        >>> flux = torch.ones(1, 1, 600)
        >>> batch = Batch(np.array(["a"]), flux, ("flux",), ("wavelength",), flux, wavelength=nm)
        >>> SpectrumLayer(nm)(batch).shape
        torch.Size([1, 6, 600])
    """

    channels = 6

    def __init__(self, wavelength: Tensor) -> None:
        super().__init__()
        self.register_buffer("wavelength", wavelength.double())

    @property
    def step(self) -> float:
        """ln wavelength from a point to the next."""
        nm = self.get_buffer("wavelength")
        return float((nm[-1] / nm[0]).log()) / (len(nm) - 1)

    def check(self, batch: Batch) -> None:
        """Refuse what this network was not made for."""
        nm = self.get_buffer("wavelength")
        said = f"{float(nm[0]):.2f} to {float(nm[-1]):.2f} nm in {len(nm)} points, even in ln"
        if batch.wavelength is None or tuple(batch.values.shape[1:]) != (1, len(nm)):
            raise ValueError(
                f"values of shape {tuple(batch.values.shape)}, wavelength "
                f"{'missing' if batch.wavelength is None else 'given'}; expected one flux on "
                f"{said}: bring spectra there with deepfield.data.resampled"
            )
        # A tenth of a point.
        away = (batch.wavelength.to(nm) / nm - 1).abs().max()
        if not float(away) < 0.1 * self.step:
            raise ValueError(
                f"spectra from {float(batch.wavelength[0]):.2f} to "
                f"{float(batch.wavelength[-1]):.2f} nm on another grid; the network was trained "
                f"on {said}: bring them there with deepfield.data.resampled"
            )

    def forward(self, batch: Batch) -> Tensor:
        """The channels: three bands of scales over noise, two over the continuum, and the mask."""
        self.check(batch)
        noise = sigma(batch)[:, :, None]
        assert batch.variance is not None
        seen = ~missing(batch)
        weight = torch.where(seen, noise.square() / batch.variance, 0.0)
        over = torch.where(seen, batch.values / noise, 0.0)
        fine, middle, coarse = (_running_mean(over, weight, scale) for scale in SCALES)
        level = (over * weight).sum(2, keepdim=True) / weight.sum(2, keepdim=True).clamp(min=1e-6)
        # A level below the noise of a running mean says nothing.
        level = level.abs() + 0.1
        mask = weight.clamp(max=1)
        channels = [
            torch.asinh((over - middle) / 2) * mask,
            torch.asinh((fine - coarse) * 2) * mask,
            torch.asinh(over - middle) / (1 + level).log() * mask / 3,
            ((fine - coarse) / level).clamp(-2, 4) * mask,
            ((middle / level).clamp(-1, 6) - 1) * mask,
            mask,
        ]
        return torch.cat(channels, 1)


def _running_mean(values: Tensor, weight: Tensor, half: int) -> Tensor:
    """Weighted means over 2 half + 1 points; [object, 1, wavelength]."""
    both = nn.functional.pad(torch.cat([values * weight, weight], 1).cumsum(2), (half + 1, half))
    points = values.shape[2]
    both[..., points + half + 1 :] = both[..., points + half : points + half + 1]
    top, bottom = (both[..., 2 * half + 1 :] - both[..., :points]).chunk(2, 1)
    return top / bottom.clamp(min=1e-3)
