"""Correlation: spectra against learnt rest-frame templates, at every redshift at once."""

import torch
from torch import Tensor, nn


class Correlation(nn.Module):
    """Cross-correlation with long learnt templates, by FFT (Tonry & Davis 1979, learnt).

    On a grid that is even in ln wavelength a redshift is a shift: what the layer gives for one
    does not depend on where the object lies, as a convolution's answer does not.

    Args:
        channels: of the spectra.
        points: of the spectra.
        templates: how many outputs.
        first, shifts: the smallest shift, points, and how many there are.

    Shape: [object, channel, point] -> [object, template, shift].

    Example:
        >>> layer = Correlation(1, 50, templates=1, first=-2, shifts=10)
        >>> _ = nn.init.zeros_(layer.templates)
        >>> with torch.no_grad():
        ...     layer.templates[0, 0, layer.origin + 20] = 1.0  # a line at rest point 20
        >>> spectrum = torch.zeros(1, 1, 50)
        >>> spectrum[0, 0, 25] = 1.0  # seen at point 25
        >>> int(layer(spectrum).argmax()) - 2
        5
    """

    def __init__(
        self, channels: int, points: int, *, templates: int, first: int, shifts: int
    ) -> None:
        super().__init__()
        self.first, self.shifts = first, shifts
        self.origin = first + shifts - 1
        """point of the templates that is point 0 of a spectrum at rest"""
        length = points + shifts - 1
        self.templates = nn.Parameter(torch.randn(templates, channels, length) * 0.01)
        self.size = _smooth(length)

    def forward(self, spectra: Tensor) -> Tensor:
        """Sums of products at every shift, over the root of the number of points."""
        points = spectra.shape[2]
        data = torch.fft.rfft(spectra.float(), self.size)
        shapes = torch.fft.rfft(self.templates.float(), self.size)
        product = _products(data, shapes)
        # Lag l sums spectrum[p] template[p - l]; shift s has its template at p - s + origin.
        lags = torch.fft.irfft(product, self.size)
        out = lags.roll(self.origin - self.first, 2)[..., : self.shifts]
        return out / points**0.5


def _products(data: Tensor, shapes: Tensor) -> Tensor:
    """Sums over channels of data times the conjugate of shapes, at every frequency.

    As real matrix products, one a frequency: those of complex numbers are slow on processors.

    Args:
        data: [object, channel, frequency] complex, and
        shapes: [template, channel, frequency].

    Returns:
        [object, template, frequency].
    """
    templates = len(shapes)
    left = torch.cat([data.real, data.imag], 1).permute(2, 0, 1).contiguous()
    real, imaginary = shapes.real, shapes.imag
    upper, lower = torch.cat([real, -imaginary]), torch.cat([imaginary, real])
    right = torch.cat([upper, lower], 1).permute(2, 1, 0).contiguous()
    both = torch.bmm(left, right).permute(1, 2, 0).unflatten(1, (2, templates))
    return torch.complex(both[:, 0].contiguous(), both[:, 1].contiguous())


def _smooth(least: int) -> int:
    """The smallest number from ``least`` that an FFT likes: of factors 2, 3 and 5."""
    size = least
    while True:
        rest = size
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return size
        size += 1
