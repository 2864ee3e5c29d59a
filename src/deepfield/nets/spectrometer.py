"""Spectrometer: class, redshift and emission lines from one spectrum."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from deepfield.nets.correlation import Correlation
from deepfield.nets.frame import Frame, sigma
from deepfield.nets.heads.bins import Bins, equal_counts
from deepfield.nets.heads.contract import Distribution
from deepfield.nets.line_heads import LineHead, Window
from deepfield.nets.spectrum_layer import SpectrumLayer
from deepfield.nouns.batch import Batch, missing

COARSE = 2
"""points of the spectra that one of the correlation holds"""
FINE = 6
"""bins of redshift for each of those"""
NOWHERE = -1e4
"""logit of a redshift that a class does not have; minus infinity has no gradient"""
Measured = tuple[Distribution, Frame]


class Spectrometer(nn.Module):
    """Convolutions, a correlation with learnt templates at all redshifts, and line heads.

    The correlation's maps give a number for every class at every redshift: one softmax over both.
    The lines are looked at where the most probable redshift of a galaxy says that they are.

    Args:
        wavelength: [wavelength] nm of the spectra, even in ln.
        reach: ln(1 + z) of each class, lowest and highest.
        lines: class with lines, a number in ``reach``, and its windows by name.
        channels, templates, width, features: sizes.

    Example:
        >>> nm = 350 * torch.exp(4e-4 * torch.arange(600))
        >>> net = Spectrometer(nm, reach=((-0.002, 0.002), (0.0, 0.9)))
        >>> net.low, round(net.high, 3)
        (-0.002, 0.9)
    """

    def __init__(
        self,
        wavelength: Tensor,
        *,
        reach: tuple[tuple[float, float], ...],
        lines: tuple[int, Mapping[str, Window]] = (0, {}),
        channels: int = 10,
        templates: int = 14,
        width: int = 24,
        features: int = 64,
    ) -> None:
        super().__init__()
        self.first = SpectrumLayer(wavelength)
        start, step = float(wavelength[0].double().log()), self.first.step
        points = len(wavelength)
        self.low, self.high = min(low for low, _ in reach), max(high for _, high in reach)
        coarse = COARSE * step
        shifts = math.ceil((self.high - self.low) / coarse)
        self.high = self.low + shifts * coarse
        # The stride keeps what it skips, in more channels.
        self.local = nn.Sequential(
            nn.Conv1d(self.first.channels, 16, 5, stride=COARSE, padding=2),
            nn.SiLU(),
            nn.Conv1d(16, channels, 3, padding=1),
        )
        self.correlation = Correlation(
            channels,
            (points - 1) // COARSE + 1,
            templates=templates,
            first=round(self.low / coarse),
            shifts=shifts,
        )
        self.scale = nn.BatchNorm1d(templates)
        self.evidence = nn.Sequential(
            nn.Linear(templates, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, len(reach) * FINE),
        )
        self.trunk = _trunk(self.first.channels, points, features)
        self.kind = nn.Linear(features, len(reach))
        bins = shifts * FINE
        middle = self.low + coarse / FINE * (torch.arange(bins) + 0.5)
        inside = torch.stack([(middle > low) & (middle < high) for low, high in reach])
        self.register_buffer("outside", ~inside, persistent=False)
        self.register_buffer("middle", middle, persistent=False)
        self.register_buffer("inner", equal_counts(bins), persistent=False)
        self.with_lines, windows = lines
        self.lines = nn.ModuleDict(
            {name: LineHead(w, start, step, features=features) for name, w in windows.items()}
        )

    def embed(self, batch: Batch) -> Tensor:
        """[object, feature]: what the trunk makes of each spectrum."""
        return self.trunk(self.first(batch))

    def forward(self, batch: Batch) -> dict[str, Tensor | Measured]:
        """Of each part of the question what its task asks for.

        Returns:
            ``kind`` [object, class] logits; ``redshift`` bins that are even in ln(1 + z); each
            window of lines its density; both with their frames.
        """
        seen = self.first(batch)
        features = self.trunk(seen)
        maps = self.scale(self.correlation(self.local(seen))).transpose(1, 2)
        logits = self.evidence(maps).unflatten(2, (-1, FINE)).transpose(1, 2).flatten(2)
        # [object, class, bin]
        logits = logits.float() + self.kind(features)[:, :, None]
        logits = logits.masked_fill(self.get_buffer("outside"), NOWHERE)
        every = logits.flatten(1).log_softmax(1).unflatten(1, logits.shape[1:])
        noise = sigma(batch)[:, 0]
        redshift = Bins(every.logsumexp(1).clamp(min=-60), self.get_buffer("inner"))
        kind = every.logsumexp(2)
        found: dict[str, Tensor | Measured] = {
            "kind": kind,
            "redshift": (redshift, _frame(noise)),
        }
        if not len(self.lines):
            return found
        shift = self.get_buffer("middle")[every[:, self.with_lines].detach().argmax(1)]
        there = (~missing(batch))[:, 0].to(noise)
        over = torch.where(there > 0, batch.values[:, 0] / noise[:, None], 0.0)
        # Of what is hardly a galaxy no lines are measured.
        probable = kind.detach().argmax(1) == self.with_lines
        for name, head in self.lines.items():
            assert isinstance(head, LineHead)
            one = torch.where(probable, head.noise(noise, there, shift), torch.nan)
            density = head(over, there, shift, features)
            found[name] = density, _frame(one)
        return found


def _frame(noise: Tensor) -> Frame:
    """Spectra have a noise, but no pixels on the sky and no direction."""
    return Frame(noise, torch.full_like(noise, torch.nan), torch.zeros_like(noise), noise * 0 + 1)


def _trunk(channels: int, points: int, features: int) -> nn.Sequential:
    """Strided convolutions to a vector that knows where along the spectrum things are."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((channels, 16), (16, 24), (24, 32), (32, 32)):
        layers += [nn.Conv1d(inputs, outputs, 7, stride=4, padding=3), nn.SiLU()]
        points = (points - 1) // 4 + 1
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * points, features), nn.SiLU())
