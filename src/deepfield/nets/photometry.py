"""Photometry: the first layer of networks that see magnitudes, colours and their errors."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from deepfield.nets.frame import Frame
from deepfield.nouns.batch import Batch, missing

POGSON = 2.5 / math.log(10)
FARTHEST = 8.0
"""deviations beyond which an input says no more"""


class Photometry(nn.Module):
    """Standardised asinh magnitudes, colours, errors, and which bands are missing.

    Fluxes of either sign have asinh magnitudes (Lupton, Gunn & Szalay 1999, AJ 118, 1406), linear
    within the noise; so what is not detected is an input like any other. In training a share of
    the bands is hidden at random, so that a missing one is nothing new. Bands go by their names:
    a batch may have them in any order, and lack some.

    Args:
        channels: names of the bands, from blue to red.
        hidden: share of the bands of every object that training hides.

    Raises:
        ValueError: fewer than two bands, or a share that is none.

    Shape: values [object, channel] -> [object, features].

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.ones(1, 2), ("g", "r"), grid=(),
        ...               variance=torch.ones(1, 2))
        >>> layer = Photometry(("g", "r"))
        >>> layer.standardise([batch])
        >>> layer(batch)[0].shape == (1, layer.features)
        True
    """

    def __init__(self, channels: tuple[str, ...], *, hidden: float = 0.0) -> None:
        super().__init__()
        if len(channels) < 2 or not 0 <= hidden < 1:
            raise ValueError(
                f"bands {', '.join(channels) or 'none'} with a share of {hidden} hidden; expected "
                "two bands or more and a share from 0 to below 1"
            )
        self.channels, self.hidden = channels, hidden
        count = len(channels)
        self.features = 4 * count - 1
        self.register_buffer("softening", torch.ones(count))
        self.register_buffer("mean", torch.zeros(3 * count - 1))
        self.register_buffer("deviation", torch.ones(3 * count - 1))

    def standardise(self, batches: Iterable[Batch]) -> None:
        """Learn softenings (median errors), means and deviations of the inputs; once.

        Args:
            batches: training objects.
        """
        parts = [self._fluxes(batch) for batch in batches]
        flux, sigma = (torch.cat([part[i] for part in parts]) for i in (0, 1))
        seen = sigma.isfinite()
        softening = sigma.masked_fill(~seen, torch.nan).nanmedian(0).values
        self.get_buffer("softening").copy_(softening.nan_to_num(1.0))
        numbers = self._numbers(flux, sigma).masked_fill(~self._known(seen), torch.nan)
        middle = numbers.nanmedian(0).values
        # Of the bulk of the objects: a few with a wild colour must not squeeze all others.
        low, high = (numbers.nanquantile(level, 0) for level in (0.16, 0.84))
        self.get_buffer("mean").copy_(middle.nan_to_num(0.0))
        self.get_buffer("deviation").copy_(((high - low) / 2).nan_to_num(1.0).clamp(min=1e-3))

    def forward(self, batch: Batch) -> tuple[Tensor, Frame]:
        """The inputs, and a frame without pixels."""
        flux, sigma = self._fluxes(batch)
        seen = sigma.isfinite()
        if self.training and self.hidden:
            kept = seen & (torch.rand(seen.shape, device=seen.device) >= self.hidden)
            # One band at least is left, or there would be nothing to learn from.
            seen = torch.where(kept.any(1, keepdim=True), kept, seen)
        numbers = self._numbers(flux, sigma.masked_fill(~seen, 1.0))
        numbers = (numbers - self.get_buffer("mean")) / self.get_buffer("deviation")
        numbers = numbers.clamp(-FARTHEST, FARTHEST).masked_fill(~self._known(seen), 0.0)
        one = torch.ones(len(batch), device=flux.device)
        frame = Frame(one, torch.full_like(one, torch.nan), torch.zeros_like(one), one)
        return torch.cat([numbers, (~seen).to(numbers)], 1), frame

    def _numbers(self, flux: Tensor, sigma: Tensor) -> Tensor:
        """Asinh magnitudes, colours and log errors of the magnitudes, not standardised."""
        softening = self.get_buffer("softening")
        magnitude = -POGSON * torch.asinh(flux / (2 * softening))
        error = (POGSON * sigma / torch.hypot(flux, 2 * softening)).log()
        return torch.cat([magnitude, magnitude.diff(dim=1), error], 1)

    def _known(self, seen: Tensor) -> Tensor:
        """Which of the numbers the bands that are seen can tell."""
        return torch.cat([seen, seen[:, 1:] & seen[:, :-1], seen], 1)

    def _fluxes(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """[object, channel] fluxes and errors of the layer's bands; infinite where missing.

        Raises:
            ValueError: no table, no variance, or none of the bands.
        """
        if batch.values.ndim != 2 or batch.variance is None:
            raise ValueError(
                f"values have shape {tuple(batch.values.shape)}, "
                f"{'without' if batch.variance is None else 'with'} variance; expected a table "
                "[object, channel] of fluxes with variance"
            )
        place = {name: i for i, name in enumerate(batch.channels)}
        if not set(place) & set(self.channels):
            raise ValueError(
                f"the bands are {', '.join(batch.channels)}; the network knows "
                f"{', '.join(self.channels)}: rename yours, or train on them"
            )
        columns = [place.get(name, -1) for name in self.channels]
        absent = torch.tensor([column < 0 for column in columns], device=batch.values.device)
        gone = missing(batch)[:, columns] | absent
        flux = batch.values[:, columns].masked_fill(gone, 0.0)
        sigma = batch.variance.expand_as(batch.values)[:, columns].sqrt()
        return flux, sigma.masked_fill(gone, torch.inf)
