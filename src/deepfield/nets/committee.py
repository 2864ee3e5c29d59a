"""Committee: several small networks in one, who answer together.

Networks that start differently err differently, and their mean is better than each of them
(Collister & Lahav 2004, PASP 116, 345; Lakshminarayanan+17). Members learn apart: in training the
log density is the mean of theirs, which is never above that of their mixture; an answer is the
mixture.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from deepfield.nets.heads.mixture import Mixture, MixtureHead

SHARE = math.erf(math.sqrt(0.5))
"""of the truths that lie within one deviation of a Gaussian"""
MOST = 4.0
"""times that a calibration makes Gaussians wider or narrower at most"""
HALVINGS = 24


class Members(nn.Module):
    """Multilayer perceptrons side by side, each with weights of its own.

    Args:
        inputs: numbers of an object.
        members: how many perceptrons.
        width: of their layers.
        layers: of each.
        dropout: share of every layer's outputs that training leaves out.

    Shape: [object, inputs] -> [object, members * width].

    Example:
        >>> Members(9, members=3, width=16)(torch.zeros(4, 9)).shape
        torch.Size([4, 48])
    """

    def __init__(
        self, inputs: int, *, members: int, width: int, layers: int = 3, dropout: float = 0.0
    ) -> None:
        super().__init__()
        sizes = [inputs, *[width] * layers]
        self.weights = nn.ParameterList(
            torch.randn(members, before, after) * math.sqrt(2 / before)
            for before, after in pairwise(sizes)
        )
        self.biases = nn.ParameterList(torch.zeros(members, 1, width) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)

    def forward(self, numbers: Tensor) -> Tensor:
        """What every member makes of the numbers, one after the other."""
        x = numbers.expand(len(self.weights[0]), *numbers.shape)
        for weight, bias in zip(self.weights, self.biases, strict=True):
            x = nn.functional.silu(torch.baddbmm(bias, x, weight))
            if self.training:
                # The members share a mask: random numbers would cost as much as the arithmetic.
                x = x * self.dropout(torch.ones_like(x[:1]))
        return x.transpose(0, 1).flatten(1)


@dataclass(frozen=True)
class Apart:
    """Members who are judged one by one, so that each learns as if it were alone.

    Args:
        parts: [member * object] what they say, member by member.
        members: how many.
    """

    parts: Mixture
    members: int

    def log_density(self, z: Tensor) -> Tensor:
        """Mean of the log densities: at most that of their mixture."""
        every = z.repeat(self.members, *[1] * (z.ndim - 1))
        return self.parts.log_density(every).unflatten(0, (self.members, -1)).mean(0)

    def samples(self, count: int) -> Tensor:
        """Those of the mixture."""
        return self.together().samples(count)

    def together(self) -> Mixture:
        """The even mixture of all members: [object]."""

        def beside(values: Tensor) -> Tensor:
            return values.unflatten(0, (self.members, -1)).transpose(0, 1).flatten(1, 2)

        weights = beside(self.parts.log_weights) - math.log(self.members)
        return Mixture(weights, beside(self.parts.means), beside(self.parts.roots))


class CommitteeHead(nn.Module):
    """A head for each member, of numbers less a mean, over a deviation.

    Args:
        build: makes the head of a member from the number of its features.
        members: how many.
        features: of a member.

    Example:
        >>> from functools import partial
        >>> head = CommitteeHead(partial(MixtureHead, size=1), members=3, features=16).eval()
        >>> head(torch.zeros(4, 48)).samples(64).shape
        torch.Size([4, 64, 1])
    """

    def __init__(
        self, build: Callable[[int], MixtureHead], *, members: int, features: int
    ) -> None:
        super().__init__()
        self.heads = nn.ModuleList(build(features) for _ in range(members))
        self.size = self._heads()[0].size
        self.register_buffer("mean", torch.zeros(self.size))
        self.register_buffer("deviation", torch.ones(self.size))

    def standardise(self, z: Tensor) -> None:
        """Learn how the numbers are spread in the training data, so that a narrow range of them
        is learnt as fast as a wide one; once.

        Args:
            z: [object, D] of training objects; NaN = not known.
        """
        low, middle, high = (z.nanquantile(level, 0) for level in (0.16, 0.5, 0.84))
        self.get_buffer("mean").copy_(middle.nan_to_num(0.0))
        self.get_buffer("deviation").copy_(((high - low) / 2).nan_to_num(1.0).clamp(min=1e-3))

    def forward(self, features: Tensor) -> Mixture | Apart:
        """[object, members * feature] -> their mixture, or in training each on its own."""
        heads = self._heads()
        # All members in one product: a head is so small that its calls cost more than its sums.
        weight = torch.stack([head.linear.weight for head in heads])
        bias = torch.stack([head.linear.bias for head in heads])
        own = features.unflatten(1, (len(heads), -1)).transpose(0, 1)
        each = torch.baddbmm(bias[:, None], own, weight.mT).flatten(0, 1)
        mean, deviation = self.get_buffer("mean"), self.get_buffer("deviation")
        found = heads[0].read(each)
        moved = Mixture(
            found.log_weights, mean + deviation * found.means, found.roots / deviation[:, None]
        )
        apart = Apart(moved, len(heads))
        return apart if self.training else apart.together()

    @torch.no_grad()
    def calibrate(self, found: Mixture, z: Tensor) -> None:
        """Widen every Gaussian from now on so that 68 % intervals hold 68 % of held-out truths.

        Training leaves out outputs, and the mixture adds what members disagree on: so that a
        committee as it was learnt is most often too wide.

        Args:
            found: what was said of objects that training did not see.
            z: [object, D] their true numbers.
        """
        low, high = 1 / MOST, MOST
        for _ in range(HALVINGS):
            by = math.sqrt(low * high)
            wider = Mixture(found.log_weights, found.means, found.roots / by)
            ranks = wider.cdf(z[..., None])[..., 0]
            # Of wider densities more of the truths lie in the middle.
            enough = float(((ranks - 0.5).abs() < SHARE / 2).double().mean()) >= SHARE
            low, high = (low, by) if enough else (by, high)
        for head in self._heads():
            head.widen(high)

    def _heads(self) -> list[MixtureHead]:
        return [head for head in self.heads if isinstance(head, MixtureHead)]
