"""Mixture: a mixture density network with full covariances (Bishop 1994)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from deepfield.nets.heads.contract import shifted, sobol
from deepfield.nets.heads.roots import roots, spreads


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
        weights = self.log_weights.exp()
        key = (weights[..., None] * self.means).sum(1)
        key = torch.cat([key, key.sum(1, keepdim=True)], 1)
        points = shifted(sobol(count, size + 1).to(key), key)
        normal = math.sqrt(2) * torch.erfinv(2 * points[..., :-1] - 1)
        edges = weights.cumsum(1)
        picked = torch.searchsorted(edges / edges[:, -1:], points[..., -1].contiguous())
        spread = spreads(self.roots)
        # All components' draws in one product, then the one that was picked.
        away = normal @ spread.flatten(1, 2).mT
        own = picked[..., None, None].expand(-1, -1, 1, size)
        chosen = away.view(objects, count, components, size).gather(2, own)[:, :, 0]
        return chosen + self.means.gather(1, picked[..., None].expand(-1, -1, size))

    def take(self, rows: Tensor) -> "Mixture":
        """Of some objects."""
        return Mixture(self.log_weights[rows], self.means[rows], self.roots[rows])

    @classmethod
    def join(cls, parts: Sequence["Mixture"]) -> "Mixture":
        """Of several batches as one."""
        return cls(
            torch.cat([part.log_weights for part in parts]),
            torch.cat([part.means for part in parts]),
            torch.cat([part.roots for part in parts]),
        )

    def stretched(self, by: Tensor) -> "Mixture":
        """The same mixture, each number's distance from its mean multiplied by [D]."""
        middle = (self.log_weights.exp()[..., None] * self.means).sum(1, keepdim=True)
        means = middle + by * (self.means - middle)
        return Mixture(self.log_weights, means, self.roots / by[:, None])

    def cdf(self, z: Tensor) -> Tensor:
        """[object, D, point] marginal probabilities below z [object, D, point]."""
        away = z[:, None] - self.means[..., None]
        each = torch.special.ndtr(away / self.sigmas[..., None])
        return (self.log_weights.exp()[:, :, None, None] * each).sum(1)

    @property
    def sigmas(self) -> Tensor:
        """[object, component, D] marginal standard deviations."""
        return spreads(self.roots).square().sum(-1).sqrt()


class MixtureHead(nn.Module):
    """Features to a mixture of Gaussians with full covariance.

    Starts with means spread like the prior and unit widths. What training leaves too wide or too
    narrow on held-out objects is stretched by ``calibrate``, one factor for each number.

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
        self.register_buffer("stretch", torch.ones(size))
        nn.init.normal_(self.linear.weight, std=0.01)
        with torch.no_grad():
            bias = self.linear.bias
            bias.zero_()
            spread = math.sqrt(2) * torch.erfinv(2 * sobol(components, size) - 1)
            bias[components : components * (size + 1)] = 0.5 * spread.flatten()

    def forward(self, features: Tensor) -> Mixture:
        """[object, feature] -> a mixture of [object, D]."""
        found = self.read(self.linear(features))
        return found if self.training else found.stretched(self.get_buffer("stretch"))

    def read(self, numbers: Tensor) -> Mixture:
        """[object, number] of the linear layer -> the mixture that they stand for."""
        logits, means, entries = numbers.float().split(self.parts, 1)
        shape = (len(numbers), self.components, self.size)
        root = roots(entries.unflatten(1, (self.components, -1)), self.size)
        return Mixture(logits.log_softmax(1), means.reshape(shape), root)

    @torch.no_grad()
    def widen(self, by: float) -> None:
        """Make every Gaussian wider by a factor from now on, around its own mean."""
        rows, columns = torch.tril_indices(self.size, self.size)
        entries = self.linear.bias[-self.parts[2] :].view(self.components, -1)
        # The diagonal holds logarithms of inverse widths.
        entries[:, rows == columns] -= math.log(by)

    @torch.no_grad()
    def calibrate(self, found: Mixture, z: Tensor) -> None:
        """Stretch what is said from now on so that 68 % intervals hold 68 % of held-out truths.

        Args:
            found: what was said of objects that training did not see.
            z: [object, D] their true numbers.
        """
        ranks = found.cdf(z[..., None])[..., 0].clamp(1e-6, 1 - 1e-6)
        places = torch.special.ndtri(ranks).abs()
        share = 2 * torch.special.ndtr(torch.ones(())) - 1
        self.get_buffer("stretch").mul_(places.quantile(share.to(places), dim=0))
