"""Quenching: galaxies whose star formation depends on one property, which others resemble.

The truth is known by construction: the chance of being passive depends on the velocity dispersion
alone. Every other property follows it with a scatter of its own, and the masses share theirs, as
masses from one photometry do. So a method that ranks properties can be told right from wrong.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.quantity import Quantity
from deepfield.render.draws import uniforms
from deepfield.sky.numbers import Numbers
from deepfield.sky.priors import check_number

STATE = Quantity("state", classes=("star_forming", "passive"), description="is it quenched?")


class Property(NamedTuple):
    """A column of the catalogue.

    Args:
        name, unit: as in catalogues.
        mean, deviation: of the population.
        correlation: with the true velocity dispersion.
        shares: of its scatter, correlation with the scatter that the masses share.
    """

    name: str
    unit: str
    mean: float
    deviation: float
    correlation: float
    shares: float


PROPERTIES = (
    Property("log_velocity_dispersion", "dex(km s-1)", 2.1, 0.2, 0.990, 0.0),
    Property("log_bulge_mass", "dex(solMass)", 10.2, 0.6, 0.940, 0.9975),
    Property("log_stellar_mass", "dex(solMass)", 10.6, 0.5, 0.930, 0.9975),
    Property("bulge_to_total", "", 0.45, 0.2, 0.925, 0.7),
    Property("log_halo_mass", "dex(solMass)", 12.3, 0.6, 0.920, 0.7),
    Property("log_disc_mass", "dex(solMass)", 10.2, 0.5, 0.917, 0.9),
    Property("log_radius", "dex(kpc)", 0.6, 0.25, 0.913, 0.6),
    Property("log_density", "dex(Mpc-2)", 0.0, 0.6, 0.910, 0.0),
)
"""the causal one first, as measured: 9 % errors hide some of it"""


@dataclass(frozen=True)
class Quenching:
    """A population of galaxies, some passive.

    Args:
        steepness: of the logistic chance of being passive, per standard deviation of the true
            velocity dispersion; half of the galaxies are.
        properties: columns of the catalogue.

    Raises:
        ValueError: a steepness that is not above 0, or a correlation beyond 1.

    Example:
        >>> values, passive = Quenching().draw(np.arange(4), seed=0, split="test")
        >>> values.shape, passive.shape
        (torch.Size([4, 8]), torch.Size([4]))
    """

    steepness: float = 2.0
    properties: tuple[Property, ...] = PROPERTIES

    def __post_init__(self) -> None:
        check_number("steepness", self.steepness, at_least=1e-3)
        for one in self.properties:
            check_number(f"correlation of {one.name}", one.correlation, at_least=-1, at_most=1)
            check_number(f"shares of {one.name}", one.shares, at_least=-1, at_most=1)

    def draw(self, indices: np.ndarray, *, seed: int, split: str) -> tuple[Tensor, Tensor]:
        """Properties [object, column] float32, and whether passive [object] int64."""
        numbers = Numbers(uniforms(seed, split, indices, 3 + len(self.properties)))
        cause, common = numbers.normal(0.0, 1.0), numbers.normal(0.0, 1.0)
        passive = numbers.next() < torch.sigmoid(self.steepness * cause)
        columns = []
        for one in self.properties:
            own = numbers.normal(0.0, 1.0)
            scatter = one.shares * common + math.sqrt(1 - one.shares**2) * own
            value = one.correlation * cause + math.sqrt(1 - one.correlation**2) * scatter
            columns.append(one.mean + one.deviation * value)
        return torch.stack(columns, 1), passive.long()

    def bayes_auc(self, name: str) -> float:
        """Area under the ROC curve of the best classifier that knows this property alone.

        By quadrature over the cause and the property; good to 1e-5.

        Raises:
            ValueError: no such property.

        Example:
            >>> print(round(Quenching().bayes_auc("log_velocity_dispersion"), 4))
            0.8578
        """
        found = {one.name: one.correlation for one in self.properties}
        if name not in found:
            raise ValueError(f"no property {name!r}; there is {', '.join(found)}")
        points = np.linspace(-6, 6, 1201)
        chance = 1 / (1 + np.exp(-self.steepness * points))
        weight = np.exp(-0.5 * points**2)
        scatter = max(math.sqrt(1 - found[name] ** 2), 0.02)
        kernel = np.exp(-0.5 * ((points[:, None] - found[name] * points) / scatter) ** 2)
        passive, forming = kernel @ (weight * chance), kernel @ (weight * (1 - chance))
        passive, forming = passive / passive.sum(), forming / forming.sum()
        area = float(passive @ (forming.cumsum() - forming / 2))
        return max(area, 1 - area)
