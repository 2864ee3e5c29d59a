"""Posterior: a joint distribution of numbers, as samples."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from astropy.table import Table
from torch import Tensor

from deepfield.nouns.quantity import Quantity

CREDIBLE = {"68": (0.16, 0.84), "95": (0.025, 0.975)}
"""limits of the credible intervals that a catalogue holds"""
HALF_TURN = 180.0


@dataclass(frozen=True)
class Posterior:
    """What is known of several numbers of each object, together with how they hang together.

    Args:
        quantities: in the order of the last axis; values are in their units.
        samples: [object, sample, quantity]; NaN = not measured.
        weights: [object, sample] of the samples, at least 0, summing to 1; None = all alike.

    Raises:
        ValueError: shapes that do not fit together.

    Example:
        >>> redshift = Quantity("redshift")
        >>> posterior = Posterior((redshift,), torch.linspace(0, 1, 101)[None, :, None])
        >>> posterior.quantiles([0.5]).tolist()
        [[[0.5]]]
        >>> posterior.columns().colnames[:3]
        ['redshift', 'redshift_lower68', 'redshift_upper68']
    """

    quantities: tuple[Quantity, ...]
    samples: Tensor
    weights: Tensor | None = None

    def __post_init__(self) -> None:
        shape = tuple(self.samples.shape)
        weighted = shape[:2] if self.weights is None else tuple(self.weights.shape)
        if len(shape) != 3 or shape[2] != len(self.quantities) or weighted != shape[:2]:
            raise ValueError(
                f"samples have shape {shape} and weights {weighted}; expected [object, sample, "
                f"{len(self.quantities)} quantities] and [object, sample]"
            )

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, indices: Tensor) -> "Posterior":
        weights = None if self.weights is None else self.weights[indices]
        return replace(self, samples=self.samples[indices], weights=weights)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the quantities."""
        return tuple(quantity.name for quantity in self.quantities)

    def of(self, name: str) -> Tensor:
        """[object, sample] of one quantity.

        Raises:
            ValueError: there is none of this name; the message lists those that there are.
        """
        if name not in self.names:
            raise ValueError(f"no posterior of {name!r}; there is {', '.join(self.names)}")
        return self.samples[:, :, self.names.index(name)]

    def quantiles(self, levels: Sequence[float]) -> Tensor:
        """Of every quantity alone, the others integrated out.

        Position angles are unrolled around their circular mean, so that an interval may pass
        through 0 or 180.

        Args:
            levels: between 0 and 1.

        Returns:
            [object, quantity, level].
        """
        values = self._unrolled().transpose(1, 2).contiguous()
        wanted = values.new_tensor(list(levels))
        count = values.shape[2]
        if self.weights is None:
            # NumPy's sort is several times as fast as torch's on short rows.
            ordered = torch.from_numpy(np.sort(values.detach().cpu().numpy(), axis=2)).to(values)
            place = (wanted * count - 0.5).clamp(0, count - 1)
            below = place.floor().long()
            above = (below + 1).clamp(max=count - 1)
            return torch.lerp(ordered[..., below], ordered[..., above], place - below)
        ordered, order = values.sort(2)
        weights = self.weights[:, None].expand_as(order).gather(2, order)
        middle = weights.cumsum(2) - weights / 2
        return _interpolate(wanted, middle, ordered)

    def means(self) -> Tensor:
        """[object, quantity]; of angles the circular mean."""
        values = self._unrolled()
        return values.mean(1) if self.weights is None else _weighted(values, self.weights)

    def effective_samples(self) -> Tensor:
        """[object] samples without weights that would know as much (Kish 1965)."""
        if self.weights is None:
            return torch.full((len(self),), float(self.samples.shape[1]))
        return 1 / self.weights.square().sum(1)

    def ranks(self, truth: Tensor) -> Tensor:
        """Probability below the true value: the probability integral transform, PIT.

        Args:
            truth: [object, quantity], NaN = not known.

        Returns:
            [object, quantity] between 0 and 1, NaN where anything is not known.
        """
        centre = self._centre()
        values, true = self._unrolled(), truth.to(self.samples)
        for i in self._angles():
            true = true.clone()
            true[:, i] = centre[:, i] + wrapped(true[:, i] - centre[:, i])
        below = (values < true[:, None]).to(values) + 0.5 * (values == true[:, None])
        ranks = below.mean(1) if self.weights is None else _weighted(below, self.weights)
        known = true.isfinite() & values[:, 0].isfinite()
        return ranks.masked_fill(~known, torch.nan)

    def reweighted(self, log_ratio: Tensor) -> "Posterior":
        """The same samples under another prior.

        Args:
            log_ratio: [object, sample] log of the new prior's density over the old one's.
        """
        before = 0.0 if self.weights is None else self.weights.log()
        return replace(self, weights=(before + log_ratio).softmax(1))

    def columns(self) -> Table:
        """Of every quantity its median and the limits of the 68 and 95 % credible intervals."""
        levels = [0.5, *(level for limits in CREDIBLE.values() for level in limits)]
        found = self.quantiles(levels).detach().float().cpu().numpy()
        table = Table()
        for i, quantity in enumerate(self.quantities):
            said = {quantity.name: quantity.description or quantity.name}
            for share in CREDIBLE:
                for side in ("lower", "upper"):
                    said[f"{quantity.name}_{side}{share}"] = f"{side} {share} % credible limit"
            for j, (name, description) in enumerate(said.items()):
                values = found[:, i, j]
                if quantity.kind == "angle" and j == 0:
                    values = np.mod(values, HALF_TURN)
                table[name] = values
                table[name].description = description
                if quantity.unit:
                    table[name].unit = quantity.unit
        return table

    def scalar(self, what: str) -> Tensor:
        """Posterior mean of the quantity ``what``."""
        values = self.of(what)
        return values.mean(1) if self.weights is None else (values * self.weights).sum(1)

    def blank(self, rows: Tensor) -> "Posterior":
        """NaN samples for these rows."""
        return replace(self, samples=self.samples.masked_fill(rows[:, None, None], torch.nan))

    @classmethod
    def pool(cls, parts: Sequence["Posterior"]) -> "Posterior":
        """The samples of all looks together: a mixture."""
        share = [
            torch.full(part.samples.shape[:2], 1 / part.samples.shape[1])
            if part.weights is None
            else part.weights
            for part in parts
        ]
        alike = all(part.weights is None for part in parts)
        weights = None if alike else torch.cat(share, 1) / len(parts)
        return cls(parts[0].quantities, torch.cat([part.samples for part in parts], 1), weights)

    @classmethod
    def join(cls, parts: Sequence["Posterior"]) -> "Posterior":
        """Posteriors of several batches as one."""
        weights = [part.weights for part in parts if part.weights is not None]
        return cls(
            parts[0].quantities,
            torch.cat([part.samples for part in parts]),
            torch.cat(weights) if len(weights) == len(parts) else None,
        )

    def _angles(self) -> list[int]:
        return [i for i, quantity in enumerate(self.quantities) if quantity.kind == "angle"]

    def _centre(self) -> Tensor:
        """[object, quantity] circular means of angles, 0 for all others."""
        centre = torch.zeros_like(self.samples[:, 0])
        for i in self._angles():
            turn = torch.deg2rad(2 * self.samples[:, :, i])
            each = torch.stack([turn.sin(), turn.cos()], 2)
            sums = each.mean(1) if self.weights is None else _weighted(each, self.weights)
            centre[:, i] = torch.rad2deg(torch.atan2(sums[:, 0], sums[:, 1])) / 2
        return centre

    def _unrolled(self) -> Tensor:
        """The samples, angles within a quarter turn of their circular mean."""
        if not (angles := self._angles()):
            return self.samples
        centre, values = self._centre(), self.samples.clone()
        for i in angles:
            values[:, :, i] = centre[:, None, i] + wrapped(values[:, :, i] - centre[:, None, i])
        return values


def wrapped(angle: Tensor) -> Tensor:
    """Degrees between -90 and 90 that mean the same position angle.

    Example:
        >>> wrapped(torch.tensor([170.0, -100.0])).tolist()
        [-10.0, 80.0]
    """
    return torch.remainder(angle + HALF_TURN / 2, HALF_TURN) - HALF_TURN / 2


def _weighted(values: Tensor, weights: Tensor) -> Tensor:
    """[object, quantity] weighted means of [object, sample, quantity]."""
    return (weights[:, None].to(values) @ values)[:, 0]


def _interpolate(wanted: Tensor, places: Tensor, values: Tensor) -> Tensor:
    """Values [..., level] of piecewise linear functions (places, values) [..., point]."""
    there = wanted.expand(*places.shape[:-1], -1).contiguous()
    above = torch.searchsorted(places.contiguous(), there).clamp(1, places.shape[-1] - 1)
    low, high = places.gather(-1, above - 1), places.gather(-1, above)
    share = ((there - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
    return torch.lerp(values.gather(-1, above - 1), values.gather(-1, above), share)
