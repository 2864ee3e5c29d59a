"""Positions: where sources lie in a field, at random or in groups."""

from dataclasses import dataclass

import numpy as np

from deepfield.sky.priors import check_number


@dataclass(frozen=True)
class Positions:
    """A Poisson process, some of whose points gather in Gaussian groups (Neyman & Scott 1952).

    Args:
        density: sources per square arcmin, grouped or not.
        grouped: share of them in groups; 0 is no clustering.
        richness: mean number of members of a group.
        spread: standard deviation of a group's members about its centre, arcsec, along x and y.

    Raises:
        ValueError: a prior that cannot be.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> Positions(density=30.0).draw(rng, side=60.0).shape[1]
        2
    """

    density: float = 40.0
    grouped: float = 0.3
    richness: float = 5.0
    spread: float = 8.0

    def __post_init__(self) -> None:
        check_number("density", self.density, at_least=0)
        check_number("grouped", self.grouped, at_least=0, at_most=1)
        check_number("richness", self.richness, at_least=1)
        check_number("spread", self.spread, at_least=0)

    def most(self, side: float) -> int:
        """A number of sources that one field in a million exceeds, in a square of ``side``."""
        mean = self.density * (side / 60) ** 2
        # Groups make the number scatter more than a Poisson process does.
        scatter = np.sqrt(mean * (1 + self.grouped * self.richness))
        return int(np.ceil(mean + 5 * scatter)) + 5

    def draw(self, rng: np.random.Generator, side: float) -> np.ndarray:
        """Positions in a square centred on 0.

        Args:
            rng: the field's own.
            side: of the square, arcsec.

        Returns:
            [source, 2] x and y, arcsec, within the square; at most ``most(side)`` of them.
        """
        mean = self.density * (side / 60) ** 2
        single = rng.uniform(-side / 2, side / 2, (rng.poisson((1 - self.grouped) * mean), 2))
        # Groups whose centre lies outside reach in, so that the density is even to the edge.
        wide = side + 6 * self.spread
        groups = rng.poisson(self.grouped * mean / self.richness * (wide / side) ** 2)
        centres = rng.uniform(-wide / 2, wide / 2, (groups, 2))
        centres = np.repeat(centres, rng.poisson(self.richness, groups), 0)
        members = centres + self.spread * rng.standard_normal(centres.shape)
        inside = (np.abs(members) < side / 2).all(1)
        return np.concatenate([single, members[inside]])[: self.most(side)]
