"""Bins: a softmax over bins of one number (Pasquet+19, A&A 621, A26)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from deepfield.nets.heads.contract import shifted, sobol

FAR = 40.0
"""beyond it a normal distribution is 0 or 1 in any precision"""


def equal_counts(bins: int) -> Tensor:
    """Inner edges [bins - 1] of bins that hold equal shares of the training prior.

    Where the prior was flat in some quantity, these are equally wide bins of that quantity.

    Example:
        >>> equal_counts(4)
        tensor([-0.6745,  0.0000,  0.6745])
    """
    shares = torch.linspace(0, 1, bins + 1, dtype=torch.float64)[1:-1]
    return torch.special.ndtri(shares).float()


def equal_widths(bins: int, reach: float = 3.5) -> Tensor:
    """Inner edges [bins - 1] of equally wide bins; the outermost two go on to infinity.

    Args:
        bins: at least 3.
        reach: of the inner edges on either side of 0.

    Example:
        >>> equal_widths(4, 1.0).tolist()
        [-1.0, 0.0, 1.0]
    """
    return torch.linspace(-reach, reach, bins - 1)


@dataclass(frozen=True)
class Bins:
    """Probabilities of bins, each filled in proportion to the training prior, N(0, 1).

    So the density has no gaps and no end, is the prior itself where nothing is known, and is
    flat within a bin of any quantity whose prior was flat.

    Args:
        log_weights: [object, bin], normalised.
        inner: [bin - 1] ascending edges.
    """

    log_weights: Tensor
    inner: Tensor

    def log_density(self, z: Tensor) -> Tensor:
        """Exact log density of [object, 1] or [object, sample, 1]."""
        place = torch.searchsorted(self.inner, z[..., 0].contiguous())
        shares = _shares(self.inner).diff().log().to(z)
        relative = (self.log_weights - shares).gather(1, place.reshape(len(z), -1))
        prior = -0.5 * (z[..., 0].square() + math.log(2 * math.pi))
        return relative.reshape(place.shape) + prior

    def samples(self, count: int) -> Tensor:
        """[object, count, 1] from Sobol' points."""
        weights = self.log_weights.exp()
        key = (weights * torch.arange(weights.shape[1]).to(weights)).sum(1, keepdim=True)
        return self._inverse(shifted(sobol(count, 1).to(key), key)[:, :, 0]).unsqueeze(2)

    def quantiles(self, levels: Sequence[float]) -> Tensor:
        """[object, 1, level]; levels between 0 and 1."""
        return self._inverse(self.inner.new_tensor(list(levels))).unsqueeze(1)

    def cdf(self, z: Tensor) -> Tensor:
        """[object, 1, point] probabilities below z [object, 1, point]."""
        place = torch.searchsorted(self.inner, z[:, 0].contiguous())
        shares, weights = _shares(self.inner), self.log_weights.double().exp()
        before = weights.cumsum(1).gather(1, place) - weights.gather(1, place)
        inside = (torch.special.ndtr(z[:, 0].double()) - shares[place]) / shares.diff()[place]
        return (before + weights.gather(1, place) * inside).to(z).unsqueeze(1)

    def crps(self, z: Tensor) -> Tensor:
        """[object, 1] continuous ranked probability score, in closed form.

        Args:
            z: [object, 1] the truth.
        """
        weights, shares = self.log_weights.double().exp(), _shares(self.inner)
        true, inner = z.double(), self.inner.double()
        left = _square_below(weights, shares, inner, true)
        # What lies above the truth is what lies below it in the mirror.
        right = _square_below(weights.flip(1), 1 - shares.flip(0), -inner.flip(0), -true)
        return (left + right).to(z)

    def _inverse(self, levels: Tensor) -> Tensor:
        """[object, level] where the cumulative distribution has these values.

        Args:
            levels: [level], or [object, level].
        """
        shares, weights = _shares(self.inner), self.log_weights.double().exp()
        above = weights.cumsum(1)
        above = above / above[:, -1:]
        wanted = levels.double().expand(len(above), -1).contiguous()
        place = torch.searchsorted(above, wanted).clamp(max=above.shape[1] - 1)
        weight = weights.gather(1, place)
        inside = 1 - (above.gather(1, place) - wanted) / weight.clamp(min=1e-300)
        prior = torch.lerp(shares[place], shares[place + 1], inside.clamp(0, 1))
        return torch.special.ndtri(prior).to(self.log_weights)


def _shares(inner: Tensor) -> Tensor:
    """[bin + 1] of the prior below each edge: 0, those of the inner edges, 1."""
    below = nn.functional.pad(torch.special.ndtr(inner.double()), (1, 0))
    return nn.functional.pad(below, (0, 1), value=1.0)


def _square_below(weights: Tensor, shares: Tensor, inner: Tensor, z: Tensor) -> Tensor:
    """[object, 1] integral of the squared cumulative distribution from minus infinity to z.

    In a bin it is offset + slope * Phi; the integrals of Phi and of its square are known.
    """
    slope = weights / shares.diff()
    offset = weights.cumsum(1) - weights - slope * shares[:-1]
    # The first offset is 0, so that its bin may begin wherever Phi is 0.
    lower = nn.functional.pad(inner, (1, 0), value=-FAR)
    upper = nn.functional.pad(inner, (0, 1), value=FAR)
    steps = zip(_integrals(z.clamp(lower, upper)), _integrals(lower), strict=True)
    straight, first, second = (reached - begun for reached, begun in steps)
    within = offset.square() * straight + 2 * offset * slope * first + slope.square() * second
    return within.sum(1, keepdim=True)


def _integrals(t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Antiderivatives of 1, of the normal distribution's cumulative Phi, and of its square."""
    below = torch.special.ndtr(t)
    height = torch.exp(-0.5 * t.square()) / math.sqrt(2 * math.pi)
    first = t * below + height
    second = t * below.square() + 2 * height * below
    return t, first, second - torch.special.ndtr(math.sqrt(2) * t) / math.sqrt(math.pi)


class BinsHead(nn.Module):
    """Features to probabilities of bins of one number; starts as the prior, N(0, 1).

    Args:
        features: of the trunk.
        inner: [bin - 1] ascending edges of standardised numbers: ``equal_counts`` or
            ``equal_widths``.

    Raises:
        ValueError: edges that do not ascend.

    Example:
        >>> distribution = BinsHead(8, equal_counts(180))(torch.zeros(3, 8))
        >>> distribution.samples(64).shape, distribution.log_density(torch.zeros(3, 1)).shape
        (torch.Size([3, 64, 1]), torch.Size([3]))
    """

    def __init__(self, features: int, inner: Tensor) -> None:
        super().__init__()
        if inner.ndim != 1 or not len(inner) or not bool((inner.diff() > 0).all()):
            raise ValueError(
                f"inner edges of shape {tuple(inner.shape)}; expected [bin - 1], ascending and at "
                "least one: take equal_counts or equal_widths"
            )
        self.size = 1
        self.register_buffer("inner", inner.float(), persistent=False)
        self.linear = nn.Linear(features, len(inner) + 1)
        nn.init.normal_(self.linear.weight, std=0.01)
        with torch.no_grad():
            self.linear.bias.copy_(_shares(inner).diff().log())

    def forward(self, features: Tensor) -> Bins:
        """[object, feature] -> bins of [object, 1]."""
        return Bins(self.linear(features).float().log_softmax(1), self.get_buffer("inner"))
