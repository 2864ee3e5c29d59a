"""Split-conformal intervals: coverage that is guaranteed, whatever the posteriors."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.nouns.posterior import Posterior, wrapped


@dataclass(frozen=True)
class Conformal:
    """Credible intervals, widened or narrowed until so many held-out truths lie in them.

    Of objects that are exchangeable with the held-out ones, intervals hold the truth with a
    probability of at least ``level``, and at most ``1 / (objects + 1)`` more.

    Args:
        names: of the quantities.
        level: that is guaranteed.
        stretch: [quantity] by how many of its own widths an interval grows to each side;
            infinite where too few objects were held out to guarantee anything.

    Source: conformalized quantile regression, Romano, Patterson & Candes 2019 (NeurIPS), with
    the scores in units of the interval's width (Sesia & Candes 2020, Stat 9, e261).

    Example:
        >>> from deepfield.nouns.quantity import Quantity
        >>> draws = torch.randn(4000, 201, 1, generator=torch.Generator().manual_seed(0))
        >>> posterior = Posterior((Quantity("redshift"),), 0.5 * draws[:, 1:])
        >>> kept = Conformal.fit(posterior, draws[:, 0], level=0.9)
        >>> low, high = kept.intervals(posterior)
        >>> print(round(float(((low < draws[:, 0]) & (draws[:, 0] < high)).float().mean()), 2))
        0.9
    """

    names: tuple[str, ...]
    level: float
    stretch: Tensor

    @classmethod
    def fit(cls, posterior: Posterior, true: Tensor, *, level: float = 0.68) -> "Conformal":
        """Learn how far the intervals must grow.

        Args:
            posterior: of objects that training never saw.
            true: [object, quantity]; NaN = not known.
            level: of the intervals, between 0 and 1.

        Raises:
            ValueError: the level is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise ValueError(f"level is {level}; expected between 0 and 1")
        low, high = _central(posterior, level)
        width = (high - low).clamp(min=1e-12)
        middle, own = (low + high) / 2, true.to(low)
        for i, quantity in enumerate(posterior.quantities):
            if quantity.kind == "angle":
                own = own.clone()
                own[:, i] = middle[:, i] + wrapped(own[:, i] - middle[:, i])
        outside = torch.maximum(low - own, own - high) / width
        stretch = []
        for column in outside.T:
            known = column[column.isfinite()].sort().values
            rank = math.ceil((len(known) + 1) * level)
            stretch.append(float(known[rank - 1]) if rank <= len(known) else math.inf)
        return cls(posterior.names, level, torch.tensor(stretch))

    def intervals(self, posterior: Posterior) -> tuple[Tensor, Tensor]:
        """Lower and upper limits, [object, quantity] each.

        Raises:
            ValueError: a posterior of other quantities.
        """
        if posterior.names != self.names:
            raise ValueError(
                f"a posterior of {', '.join(posterior.names)}; the intervals were learnt for "
                f"{', '.join(self.names)}"
            )
        low, high = _central(posterior, self.level)
        grown = self.stretch.to(low) * (high - low).clamp(min=1e-12)
        # An interval cannot be turned inside out: at the least it is its middle.
        middle = (low + high) / 2
        return torch.minimum(low - grown, middle), torch.maximum(high + grown, middle)


def _central(posterior: Posterior, level: float) -> tuple[Tensor, Tensor]:
    limits = posterior.quantiles([0.5 - level / 2, 0.5 + level / 2])
    return limits[..., 0], limits[..., 1]
