"""Exchange: a bulge that is nearly a disc and the disc itself take each other's place.

A bulge with a Sersic index of 1 is a disc too: the image then does not tell which is which, and a
posterior has two modes, far from each other, that small steps do not join.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import torch
from torch import Tensor

BULGE, DISC = "_bulge", "_disc"
SHARE, INDEX = "bulge_to_total", "sersic_index_bulge"
WIDTH = 0.3
"""of the index of what was a disc around 1, in standardised numbers"""
BORDER = 4.7
"""standardised numbers beyond are outside the range of their prior"""
REFUSED = -1e9


class Scale(Protocol):
    """One quantity's way to a standard normal number and back: ``tasks.scales.Scale``."""

    def to_normal(self, value: Tensor, frame: Any) -> Tensor:
        """Numbers of values."""
        ...

    def to_value(self, z: Tensor, frame: Any) -> Tensor:
        """The inverse."""
        ...


@dataclass(frozen=True)
class Exchange:
    """Standardised numbers of a galaxy, its bulge and disc exchanged.

    Args:
        scales: of every quantity, each with a flat prior.
        frame: that they need.
        bulge, disc: places of the quantities that both components have.
        share: place of the bulge's share in the light.
        index: place of the bulge's Sersic index.

    Example:
        >>> from deepfield.tasks.scales import Flat
        >>> names = ["bulge_to_total", "axis_ratio_bulge", "axis_ratio_disc", "sersic_index_bulge"]
        >>> exchange = Exchange.of(names, [Flat(0, 1), Flat(0, 1), Flat(0, 1), Flat(0.5, 6)], None)
        >>> there, _ = exchange(torch.tensor([[[0.5, 0.1, 0.2, 0.0]]]), torch.Generator())
        >>> there[0, 0, :3]
        tensor([-0.5000,  0.2000,  0.1000])
    """

    scales: Sequence[Scale]
    frame: Any
    bulge: tuple[int, ...]
    disc: tuple[int, ...]
    share: int
    index: int

    @classmethod
    def of(cls, names: Sequence[str], scales: Sequence[Scale], frame: Any) -> Self | None:
        """That of the quantities of these names; None where there are no bulge and disc.

        Example:
            >>> Exchange.of(["radius", "x"], [], None) is None
            True
        """
        if not {SHARE, INDEX} <= set(names):
            return None
        pairs = [(name, name.removesuffix(BULGE) + DISC) for name in names if name.endswith(BULGE)]
        pairs = [pair for pair in pairs if pair[1] in names]
        bulge, disc = (tuple(names.index(pair[k]) for pair in pairs) for k in (0, 1))
        return cls(scales, frame, bulge, disc, names.index(SHARE), names.index(INDEX))

    def __call__(self, z: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Exchange, and draw a Sersic index near 1 for what was the disc.

        Args:
            z: [object, sample, D].
            random: the same numbers for every object.

        Returns:
            the others [object, sample, D], and [object, sample] what a step of Metropolis adds
            to the change of the log density of standardised numbers.
        """
        there = z.clone()
        for bulge, disc in zip(self.bulge, self.disc, strict=True):
            there[..., bulge] = self._told(z[..., disc], disc, bulge)
            there[..., disc] = self._told(z[..., bulge], bulge, disc)
        there[..., self.share] = -z[..., self.share]
        one = self.scales[self.index].to_normal(torch.ones(1), self.frame)
        there[..., self.index] = one + WIDTH * torch.randn(z.shape[1], generator=random)

        def chance(index: Tensor) -> Tensor:
            return -0.5 * ((index - one) / WIDTH).square()

        # On the natural scales, where the priors are flat, an exchange keeps volumes.
        both = [*self.bulge, *self.disc]
        change = 0.5 * (there[..., both].square() - z[..., both].square()).sum(2)
        change = change + chance(z[..., self.index]) - chance(there[..., self.index])
        outside = (there[..., both].abs() > BORDER).any(2)
        return there, change.masked_fill(outside, REFUSED)

    def step(
        self, density: Callable[[Tensor], Tensor], z: Tensor, random: torch.Generator
    ) -> Tensor:
        """One step of Metropolis of walkers [object, walker, D]: the density stays as it is."""
        there, change = self(z, random)
        gain = density(there) - density(z) + change
        better = gain > torch.rand(z.shape[1], generator=random).log()
        return torch.where(better[..., None], there, z)

    def _told(self, z: Tensor, by: int, to: int) -> Tensor:
        value = self.scales[by].to_value(z, self.frame)
        return self.scales[to].to_normal(value, self.frame)
