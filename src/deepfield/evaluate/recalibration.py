"""Recalibration: posteriors made to mean what they say, from objects that were held out."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from deepfield.nouns.posterior import HALF_TURN, Posterior, wrapped

MOST_LEVELS = 63
EACH = 30
"""held-out objects for each level of the map"""
FEWEST = 100


@dataclass(frozen=True)
class Recalibration:
    """A monotone map of every quantity's posterior, learnt from where truths lay in theirs.

    A place in a posterior is told as a standard normal number: 0 is the median, -1 and 1 are the
    limits of the middle 68 %. Truths of a calibrated posterior are spread there like a unit
    Gaussian; of any other, the map to their quantiles makes them so. It moves samples along their
    own posterior, so that its shape and how quantities hang together stay.

    Args:
        names: of the quantities.
        quantiles: [quantity, level] ascending: the places of held-out truths at levels that are
            even in probability, (k + 1/2) / levels.
        reach: [quantity, 2] smallest and largest value of held-out samples and truths; no sample
            is moved beyond them.

    Raises:
        ValueError: not one row a quantity.

    Source: quantile recalibration, Kuleshov, Fenner & Ermon 2018 (ICML), with Gaussian tails.

    Example:
        >>> from deepfield.nouns.quantity import Quantity
        >>> even = torch.special.ndtri((torch.arange(200) + 0.5) / 200)
        >>> posterior = Posterior((Quantity("redshift"),), even.repeat(4000, 1)[:, :, None])
        >>> true = 2 * torch.randn(4000, 1, generator=torch.Generator().manual_seed(0))
        >>> wider = Recalibration.fit(posterior, true).apply(posterior)
        >>> 1.9 < float(wider.samples[0].std()) < 2.1
        True
    """

    names: tuple[str, ...]
    quantiles: Tensor
    reach: Tensor

    def __post_init__(self) -> None:
        count, shapes = len(self.names), (tuple(self.quantiles.shape), tuple(self.reach.shape))
        if self.quantiles.ndim != 2 or shapes != ((count, shapes[0][-1]), (count, 2)):
            raise ValueError(
                f"quantiles and reach have shapes {shapes[0]} and {shapes[1]}; expected "
                f"[{count} quantities, level] and [{count}, 2]"
            )

    @classmethod
    def fit(cls, posterior: Posterior, true: Tensor) -> "Recalibration":
        """Learn the maps.

        Args:
            posterior: of objects that training never saw.
            true: [object, quantity]; NaN = not known.

        Raises:
            ValueError: a quantity is known for fewer than 100 objects.
        """
        rows, ends = [], []
        places = _places(posterior, true)
        for i, name in enumerate(posterior.names):
            known = places[:, i][places[:, i].isfinite()]
            if len(known) < FEWEST:
                raise ValueError(
                    f"{name} is known and measured for {len(known)} objects; recalibration needs "
                    f"{FEWEST} or more"
                )
            rows.append(known)
            every = torch.cat([posterior.samples[:, :, i].flatten().float(), true[:, i].float()])
            every = every[every.isfinite()]
            ends.append(torch.stack([every.min(), every.max()]))
        count = max(min(MOST_LEVELS, min(len(known) for known in rows) // EACH), 3)
        levels = (torch.arange(count) + 0.5) / count
        maps = torch.stack([torch.quantile(known, levels.to(known)) for known in rows])
        return cls(posterior.names, maps, torch.stack(ends))

    def apply(self, posterior: Posterior) -> Posterior:
        """The same posteriors, calibrated as far as the held-out objects could tell.

        Raises:
            ValueError: of other quantities.
        """
        if posterior.names != self.names:
            raise ValueError(
                f"a posterior of {', '.join(posterior.names)}; the maps are of "
                f"{', '.join(self.names)}"
            )
        levels = (torch.arange(self.quantiles.shape[1]) + 0.5) / self.quantiles.shape[1]
        even = torch.special.ndtri(levels).to(posterior.samples)
        samples = torch.empty_like(posterior.samples)
        values = _natural(posterior)
        for i, quantity in enumerate(posterior.quantities):
            ordered, order, place = _ladder(values[:, :, i], posterior.weights)
            moved = _line(place, even[None], self.quantiles[i][None].to(place))
            new = _line(moved, place, ordered)
            new = torch.empty_like(new).scatter(1, order, new)
            if quantity.kind == "length":
                new = 10**new
            low, high = self.reach[i].tolist()
            # Angles turn; there is nothing beyond them.
            turns = quantity.kind == "angle"
            samples[:, :, i] = new.remainder(HALF_TURN) if turns else new.clamp(low, high)
        return replace(posterior, samples=samples)


def _natural(posterior: Posterior) -> Tensor:
    """[object, sample, quantity] log10 of lengths, angles around their circular mean."""
    values = posterior.samples.float().clone()
    centre = posterior.means()
    for i, quantity in enumerate(posterior.quantities):
        if quantity.kind == "angle":
            middle = centre[:, None, i]
            values[:, :, i] = middle + wrapped(values[:, :, i] - middle)
        if quantity.kind == "length":
            values[:, :, i] = values[:, :, i].clamp(min=1e-30).log10()
    return values


def _ladder(values: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Sorted [object, sample] values, their order, and their places as normal numbers."""
    ordered, order = values.sort(1)
    count = values.shape[1]
    if weights is None:
        levels = ((torch.arange(count) + 0.5) / count).expand(len(values), -1).to(values)
    else:
        share = weights.to(values).gather(1, order)
        levels = share.cumsum(1) - share / 2
    tiny = 0.05 / count
    return ordered, order, torch.special.ndtri(levels.clamp(tiny, 1 - tiny))


def _places(posterior: Posterior, true: Tensor) -> Tensor:
    """[object, quantity] where each truth lies, as a normal number; NaN where it is not known."""
    values, centre = _natural(posterior), posterior.means()
    found = torch.full(true.shape, torch.nan)
    for i, quantity in enumerate(posterior.quantities):
        own = true[:, i].to(values)
        if quantity.kind == "angle":
            own = centre[:, i] + wrapped(own - centre[:, i])
        if quantity.kind == "length":
            own = own.log10()
        ordered, _, place = _ladder(values[:, :, i], posterior.weights)
        found[:, i] = _line(own[:, None], ordered, place)[:, 0]
    return found


def _line(wanted: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Piecewise linear y(x) of every row at [row, point]; beyond the ends, straight on.

    Beyond the ends the slope is that between the ends and the points a sixth from them: that of
    a Gaussian's tail, in places.
    """
    x, y = x.expand(len(wanted), -1).contiguous(), y.expand(len(wanted), -1).contiguous()
    above = torch.searchsorted(x, wanted.contiguous()).clamp(1, x.shape[1] - 1)
    low, high = x.gather(1, above - 1), x.gather(1, above)
    share = ((wanted - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
    inside = torch.lerp(y.gather(1, above - 1), y.gather(1, above), share)
    step = max(x.shape[1] // 6, 1)

    def slope(near: int, end: int) -> Tensor:
        run = (x[:, end] - x[:, near]).abs().clamp(min=1e-12)
        return ((y[:, end] - y[:, near]).abs() / run)[:, None]

    below = (x[:, :1] - wanted).clamp(min=0) * slope(step, 0)
    beyond = (wanted - x[:, -1:]).clamp(min=0) * slope(-1 - step, -1)
    return inside - below + beyond
