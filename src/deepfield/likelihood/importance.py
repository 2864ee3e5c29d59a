"""Importance sampling: draws of proposals, weighted until they are the posterior's."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Proposal(Protocol):
    """A density that draws, and says how likely any point was to be drawn."""

    def log_density(self, points: Tensor) -> Tensor:
        """[object, sample] of points [object, sample, D]."""
        ...

    def draw(self, count: int) -> Tensor:
        """[object, count, D]."""
        ...


@dataclass(frozen=True)
class Gaussian:
    """A normal distribution for each object.

    Args:
        mean: [object, D].
        root: [object, D, D] lower triangular; root root^T is the covariance.
        first: Sobol' points before this one are left to others.
    """

    mean: Tensor
    root: Tensor
    first: int = 0

    def log_density(self, points: Tensor) -> Tensor:
        """[object, sample]."""
        away = (points - self.mean[:, None]).mT
        square = torch.linalg.solve_triangular(self.root, away, upper=False).square().sum(1)
        scale = self.root.diagonal(dim1=1, dim2=2).log().sum(1)[:, None]
        return -0.5 * square - scale - 0.5 * self.mean.shape[1] * math.log(2 * math.pi)

    def draw(self, count: int) -> Tensor:
        """[object, count, D], the same at every call."""
        engine = torch.quasirandom.SobolEngine(self.mean.shape[1], scramble=True, seed=1)
        uniform = engine.fast_forward(self.first).draw(count).clamp(1e-6, 1 - 1e-6)
        normal = torch.special.ndtri(uniform).to(self.mean)
        return self.mean[:, None] + normal @ self.root.mT


@dataclass(frozen=True)
class Weighted:
    """Points with weights that make them draws of the target.

    Args:
        points: [object, sample, D].
        log_target, log_proposal: [object, sample].
    """

    points: Tensor
    log_target: Tensor
    log_proposal: Tensor

    @property
    def weights(self) -> Tensor:
        """[object, sample], summing to 1; NaN where no point has any probability."""
        return (self.log_target - self.log_proposal).softmax(1)

    def effective(self) -> Tensor:
        """[object] as many independent draws would know as much (Kish 1965)."""
        return 1 / self.weights.square().sum(1)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Means [object, D] and covariances [object, D, D] of the target."""
        weights = self.weights[..., None]
        mean = (weights * self.points).sum(1)
        away = self.points - mean[:, None]
        return mean, (weights * away).mT @ away


def weigh(
    target: Callable[[Tensor], Tensor],
    proposals: Sequence[tuple[Proposal, int]],
    known: Sequence[Tensor] = (),
    log_known: Sequence[Tensor] = (),
) -> Weighted:
    """Draw from several proposals and weigh all draws against the mixture of all.

    The balance heuristic (Veach & Guibas 1995; for adaptation Cornuet+12): no draw weighs more
    than its share of any one proposal allows.

    Args:
        target: log density, not normalised: [object, sample, D] -> [object, sample].
        proposals: each with its number of draws.
        known, log_known: draws of the first proposals and their log target, if made before.

    Example:
        >>> wide = Gaussian(torch.zeros(1, 2), 2 * torch.eye(2)[None])
        >>> found = weigh(lambda t: -0.5 * (t - 1).square().sum(2), [(wide, 1024)])
        >>> bool((found.moments()[0] - 1).abs().max() < 0.05)
        True
    """
    fresh = [p.draw(count) for p, count in proposals[len(known) :]]
    drawn = [*known, *fresh]
    points = torch.cat(drawn, 1)
    log_target = torch.cat([*log_known, *(target(some) for some in fresh)], 1)
    total = points.shape[1]
    shares = [
        proposal.log_density(points) + math.log(count / total) for proposal, count in proposals
    ]
    return Weighted(points, log_target, torch.stack(shares).logsumexp(0))
