"""Mixture: a mixture density network with full covariances (Bishop 1994)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from deepfield.nets.heads.contract import sobol

NARROWEST = 9.0
"""largest log of an inverse width, either way"""


@dataclass(frozen=True)
class Mixture:
    """Sums of Gaussians.

    Args:
        log_weights: [object, component], normalised.
        means: [object, component, D].
        roots: [object, component, D, D] lower triangular L with precision L L^T.
    """

    log_weights: Tensor
    means: Tensor
    roots: Tensor

    def log_density(self, z: Tensor) -> Tensor:
        """Exact log density of [object, D] or [object, sample, D]."""
        several = z if z.ndim == 3 else z[:, None]
        away = several[:, None] - self.means[:, :, None]
        whitened = away @ self.roots
        scale = self.roots.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        each = scale[..., None] - 0.5 * whitened.square().sum(-1)
        size = self.means.shape[-1]
        total = torch.logsumexp(self.log_weights[..., None] + each, 1)
        total = total - 0.5 * size * math.log(2 * math.pi)
        return total if z.ndim == 3 else total[:, 0]

    def samples(self, count: int) -> Tensor:
        """[object, count, D] from Sobol' points: one number picks the component, D the place."""
        objects, components, size = self.means.shape
        points = sobol(count, size + 1).to(self.means)
        normal = math.sqrt(2) * torch.erfinv(2 * points[:, 1:] - 1)
        edges = self.log_weights.exp().cumsum(1)
        picked = torch.searchsorted(
            (edges / edges[:, -1:]).contiguous(), points[:, 0].expand(objects, count).contiguous()
        )
        identity = torch.eye(size).to(self.means)
        spread = torch.linalg.solve_triangular(self.roots.mT, identity, upper=True)
        # All components' draws in one product, then the one that was picked.
        away = normal @ spread.flatten(1, 2).mT
        own = picked[..., None, None].expand(-1, -1, 1, size)
        chosen = away.view(objects, count, components, size).gather(2, own)[:, :, 0]
        return chosen + self.means.gather(1, picked[..., None].expand(-1, -1, size))

    def cdf(self, z: Tensor) -> Tensor:
        """[object, D, point] marginal probabilities below z [object, D, point]."""
        away = z[:, None] - self.means[..., None]
        each = torch.special.ndtr(away / self.sigmas[..., None])
        return (self.log_weights.exp()[:, :, None, None] * each).sum(1)

    @property
    def sigmas(self) -> Tensor:
        """[object, component, D] marginal standard deviations."""
        identity = torch.eye(self.means.shape[-1]).to(self.means)
        spread = torch.linalg.solve_triangular(self.roots.mT, identity, upper=True)
        return spread.square().sum(-1).sqrt()


class MixtureHead(nn.Module):
    """Features to a mixture of Gaussians with full covariance.

    Starts with means spread like the prior and unit widths.

    Args:
        features: of the trunk.
        size: D.
        components: Gaussians in the mixture.

    Example:
        >>> distribution = MixtureHead(8, size=2)(torch.zeros(3, 8))
        >>> distribution.samples(64).shape, distribution.log_density(torch.zeros(3, 2)).shape
        (torch.Size([3, 64, 2]), torch.Size([3]))
    """

    def __init__(self, features: int, size: int, components: int = 8) -> None:
        super().__init__()
        if size < 1 or components < 1:
            raise ValueError(f"{size} numbers, {components} components; expected at least 1 each")
        self.size, self.components = size, components
        self.parts = (components, components * size, components * size * (size + 1) // 2)
        self.linear = nn.Linear(features, sum(self.parts))
        rows, columns = torch.tril_indices(size, size)
        self.register_buffer("place", rows * size + columns, persistent=False)
        nn.init.normal_(self.linear.weight, std=0.01)
        with torch.no_grad():
            bias = self.linear.bias
            bias.zero_()
            spread = math.sqrt(2) * torch.erfinv(2 * sobol(components, size) - 1)
            bias[components : components * (size + 1)] = 0.5 * spread.flatten()

    def forward(self, features: Tensor) -> Mixture:
        """[object, feature] -> a mixture of [object, D]."""
        logits, means, entries = self.linear(features).float().split(self.parts, 1)
        shape = (len(features), self.components, self.size)
        entries = entries.reshape(*shape[:2], -1)
        roots = entries.new_zeros(*shape[:2], self.size**2)
        roots = roots.index_copy(2, self.get_buffer("place"), entries)
        roots = roots.reshape(*shape, self.size)
        # Each number has a width, and leans on those after it by coefficients of order one.
        width = roots.diagonal(dim1=-2, dim2=-1).clamp(-NARROWEST, NARROWEST).exp()
        leaning = roots.tril(-1) + torch.eye(self.size).to(roots)
        roots = leaning * width[..., None, :]
        return Mixture(logits.log_softmax(1), means.reshape(shape), roots)
