"""Line heads: emission lines, looked at in the rest frame of the redshift that was found."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from deepfield.nets.heads.mixture import Mixture, MixtureHead

LIGHT = 2.99792458e17
"""nm/s"""
BROADENED = 3.8
"""points that a line at the spectra's resolution is spread over: 2 sigma sqrt(pi)"""


@dataclass(frozen=True)
class Window:
    """Lines that are measured together.

    Args:
        lines: nm, rest frame.
        low, high: ends of what is looked at, nm, rest frame.
    """

    lines: tuple[float, ...]
    low: float
    high: float


class LineHead(nn.Module):
    """A window of the spectrum at its redshift -> a joint density of its lines' fluxes.

    Learnt linear filters over flux in units of the noise, asinh, a small multilayer perceptron
    that also sees the trunk's features, and a mixture of Gaussians.

    Args:
        window: the lines and what is looked at around them.
        start, step: ln of the first wavelength in nm, and from a point to the next.
        features: of the trunk.
        filters, width: sizes of the layers.

    Example:
        >>> head = LineHead(Window((656.46, 658.53), 640.0, 675.0), 5.86, 4e-4, features=8)
        >>> head.size
        2
    """

    def __init__(
        self,
        window: Window,
        start: float,
        step: float,
        *,
        features: int,
        filters: int = 48,
        width: int = 96,
    ) -> None:
        super().__init__()
        self.lines, self.start, self.step = window.lines, start, step
        low, high = (math.log(end) for end in (window.low, window.high))
        points = int((high - low) / step) + 1
        self.register_buffer("rest", low + step * torch.arange(points).double(), persistent=False)
        self.size = len(window.lines)
        self.filters = nn.Linear(2 * points, filters)
        self.perceptron = nn.Sequential(
            nn.Linear(2 * filters + features + 2, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
        )
        self.head = MixtureHead(width, self.size, components=4)

    def forward(self, over: Tensor, seen: Tensor, shift: Tensor, features: Tensor) -> Mixture:
        """The density of standardised fluxes.

        Args:
            over: [object, point] flux over one sigma of a pixel, 0 where nothing was measured.
            seen: [object, point] 1 where it was.
            shift: [object] ln(1 + z).
            features: [object, feature].
        """
        flux, mask = (self._at(numbers, shift, self._rest()) for numbers in (over, seen))
        level = (flux * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1e-6)
        flux = (flux - level) * mask
        seen_as = self.filters(torch.cat([flux, 1 - mask], 1))
        both = [torch.asinh(seen_as), torch.tanh(seen_as)]
        more = [features, torch.asinh(level), shift[:, None]]
        return self.head(self.perceptron(torch.cat([*both, *more], 1)))

    def noise(self, noise: Tensor, seen: Tensor, shift: Tensor) -> Tensor:
        """[object] one sigma of a line flux, 1e-17 erg / s / cm2; NaN where a line is not covered.

        Args:
            noise: [object] one sigma of a pixel, nJy.
            seen, shift: as in ``forward``.
        """
        middle = torch.tensor(self.lines).double().log().to(shift.device)
        near = middle[:, None] + self.step * torch.arange(-4, 5, device=shift.device)
        covered = (self._at(seen, shift, near.flatten()) > 0.5).all(1)
        nm = middle.mean().exp() * shift.double().exp()
        # nJy times Hz; 1e-32 erg / s / cm2 / Hz are 1 nJy.
        one = noise * BROADENED**0.5 * (1e-15 * LIGHT * self.step / nm).to(noise)
        return torch.where(covered, one, torch.nan)

    def _rest(self) -> Tensor:
        return self.get_buffer("rest")

    def _at(self, numbers: Tensor, shift: Tensor, rest: Tensor) -> Tensor:
        """[object, rest wavelength] linear between points, 0 beyond the ends."""
        place = (rest + shift.double()[:, None] - self.start) / self.step
        left = place.floor()
        part = (place - left).to(numbers)
        # Two zeros at either end: both neighbours of what lies far outside are 0.
        padded = nn.functional.pad(numbers, (2, 2))
        at = (left.long() + 2).clamp(0, numbers.shape[1] + 2)
        return torch.lerp(padded.gather(1, at), padded.gather(1, at + 1), part)
