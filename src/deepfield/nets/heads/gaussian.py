"""Gaussian: one Gaussian with full covariance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from deepfield.nets.heads.contract import shifted, sobol
from deepfield.nets.heads.roots import roots, spreads


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian of D numbers for each object.

    Args:
        means: [object, D].
        roots: [object, D, D] lower triangular L with precision L L^T.
    """

    means: Tensor
    roots: Tensor

    def log_density(self, z: Tensor) -> Tensor:
        """Exact log density of [object, D] or [object, sample, D]."""
        several = z if z.ndim == 3 else z[:, None]
        whitened = (several - self.means[:, None]) @ self.roots
        scale = self.roots.diagonal(dim1=-2, dim2=-1).log().sum(-1, keepdim=True)
        constant = 0.5 * self.means.shape[1] * math.log(2 * math.pi)
        found = scale - 0.5 * whitened.square().sum(-1) - constant
        return found if z.ndim == 3 else found[:, 0]

    def samples(self, count: int) -> Tensor:
        """[object, count, D] from Sobol' points."""
        points = shifted(sobol(count, self.means.shape[1]).to(self.means), self.means)
        return self.means[:, None] + torch.special.ndtri(points) @ spreads(self.roots).mT

    @property
    def sigmas(self) -> Tensor:
        """[object, D] marginal standard deviations."""
        return spreads(self.roots).square().sum(-1).sqrt()

    def cdf(self, z: Tensor) -> Tensor:
        """[object, D, point] marginal probabilities below z [object, D, point]."""
        return torch.special.ndtr((z - self.means[..., None]) / self.sigmas[..., None])

    def quantiles(self, levels: Sequence[float]) -> Tensor:
        """[object, D, level] of every number alone; levels between 0 and 1."""
        away = torch.special.ndtri(self.means.new_tensor(list(levels)))
        return self.means[..., None] + self.sigmas[..., None] * away

    def crps(self, z: Tensor) -> Tensor:
        """[object, D] continuous ranked probability score of every number alone.

        Source: Gneiting et al. 2005, Monthly Weather Review 133, 1098.

        Args:
            z: [object, D] the truth.
        """
        sigmas = self.sigmas
        away = (z - self.means) / sigmas
        height = torch.exp(-0.5 * away.square()) / math.sqrt(2 * math.pi)
        inside = 2 * torch.special.ndtr(away) - 1
        return sigmas * (away * inside + 2 * height - 1 / math.sqrt(math.pi))


class GaussianHead(nn.Module):
    """Features to a Gaussian with full covariance; starts as the prior, N(0, 1).

    Args:
        features: of the trunk.
        size: D.

    Raises:
        ValueError: nothing to measure.

    Example:
        >>> distribution = GaussianHead(8, size=2)(torch.zeros(3, 8))
        >>> distribution.samples(64).shape, distribution.log_density(torch.zeros(3, 2)).shape
        (torch.Size([3, 64, 2]), torch.Size([3]))
    """

    def __init__(self, features: int, size: int) -> None:
        super().__init__()
        if size < 1:
            raise ValueError(f"{size} numbers to measure; expected at least 1")
        self.size = size
        self.linear = nn.Linear(features, size + size * (size + 1) // 2)
        nn.init.normal_(self.linear.weight, std=0.01)
        nn.init.zeros_(self.linear.bias)

    def forward(self, features: Tensor) -> Gaussian:
        """[object, feature] -> a Gaussian of [object, D]."""
        # A root to rounding tells how narrow a posterior is: not in half precision.
        numbers = self.linear(features).float()
        return Gaussian(numbers[:, : self.size], roots(numbers[:, self.size :], self.size))
