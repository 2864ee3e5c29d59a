"""Flow: a neural spline flow (Durkan+19, NeurIPS 32), for posteriors of any shape."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from zuko.distributions import NormalizingFlow
from zuko.flows import NSF

from deepfield.nets.heads.contract import shifted, sobol


@dataclass(frozen=True)
class Flow:
    """A Gaussian that splines bend, for each object.

    Args:
        bent: the flow, given the objects' contexts: a batch of distributions of D numbers.
        key: [object, D] numbers that differ between objects.
    """

    bent: NormalizingFlow
    key: Tensor

    def log_density(self, z: Tensor) -> Tensor:
        """Exact log density of [object, D] or [object, sample, D]."""
        with torch.autocast(z.device.type, enabled=False):
            if z.ndim == 2:
                return self.bent.log_prob(z)
            return self.bent.log_prob(z.transpose(0, 1)).T

    def samples(self, count: int) -> Tensor:
        """[object, count, D] from Sobol' points."""
        size = self.key.shape[1]
        points = shifted(sobol(count, size).to(self.key), self.key)
        normal = torch.special.ndtri(points).transpose(0, 1)
        with torch.autocast(normal.device.type, enabled=False):
            drawn = self.bent.transform.inv(normal)
        return drawn.transpose(0, 1)


class FlowHead(nn.Module):
    """Features to a neural spline flow; couplings, so that drawing is as fast as the density.

    Every transform bends half of the numbers by what the other half and the object say. Splines
    act between -5 and 5, where standardised numbers lie; beyond them the Gaussian's tails stay.

    Args:
        features: of the trunk.
        size: D.
        transforms: one after the other, on alternating halves.
        bins: of every spline.
        width: of the two hidden layers of each transform.
        context: numbers that the features are condensed to, so that a draw costs little.

    Raises:
        ValueError: nothing to measure, or no transform.

    Example:
        >>> distribution = FlowHead(8, size=2)(torch.zeros(3, 8))
        >>> distribution.samples(64).shape, distribution.log_density(torch.zeros(3, 2)).shape
        (torch.Size([3, 64, 2]), torch.Size([3]))
    """

    def __init__(
        self,
        features: int,
        size: int,
        *,
        transforms: int = 3,
        bins: int = 8,
        width: int = 64,
        context: int = 32,
    ) -> None:
        super().__init__()
        if size < 1 or transforms < 1:
            raise ValueError(f"{size} numbers, {transforms} transforms; expected at least 1 each")
        self.size = size
        self.condense = nn.Linear(features, context)
        self.flow = NSF(
            size,
            context,
            bins,
            transforms=transforms,
            passes=2,
            hidden_features=(width, width),
        )

    def forward(self, features: Tensor) -> Flow:
        """[object, feature] -> a flow of [object, D]."""
        context = self.condense(features).float()
        dimensions = torch.arange(1, self.size + 1).to(context)
        return Flow(self.flow(context), context.sum(1, keepdim=True) * dimensions)
