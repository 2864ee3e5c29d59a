"""Committee: several small networks in one, who answer together.

Networks that start differently err differently, and their mean is better than each of them
(Collister & Lahav 2004, PASP 116, 345; Lakshminarayanan+17). Members learn apart: in training the
log density is the mean of theirs, which is never above that of their mixture; an answer is the
mixture.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from deepfield.nets.heads.contract import Distribution, Head


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
class Together:
    """An even mixture of distributions, of numbers less a mean, over a deviation.

    Args:
        parts: the distributions.
        mean, deviation: [D].
    """

    parts: Sequence[Distribution]
    mean: Tensor
    deviation: Tensor

    def log_density(self, z: Tensor) -> Tensor:
        """Log of the mean density."""
        each = self.log_densities(z)
        return each.logsumexp(0) - math.log(len(each))

    def log_densities(self, z: Tensor) -> Tensor:
        """[part, object] or [part, object, sample] of every part alone."""
        inner = (z - self.mean) / self.deviation
        each = torch.stack([part.log_density(inner) for part in self.parts])
        return each - self.deviation.log().sum()

    def samples(self, count: int) -> Tensor:
        """From every part an even share."""
        shares = [
            count // len(self.parts) + (i < count % len(self.parts))
            for i in range(len(self.parts))
        ]
        drawn = zip(self.parts, shares, strict=True)
        inner = torch.cat([part.samples(share) for part, share in drawn if share], 1)
        return self.mean + self.deviation * inner


@dataclass(frozen=True)
class Apart(Together):
    """The same, judged one by one: so that each learns as if it were alone."""

    def log_density(self, z: Tensor) -> Tensor:
        """Mean of the log densities: at most the mixture's."""
        return self.log_densities(z).mean(0)


class CommitteeHead(nn.Module):
    """A head for each member.

    Args:
        build: makes the head of a member from the number of its features.
        members: how many.
        features: of a member.

    Example:
        >>> from functools import partial
        >>> from deepfield.nets.heads.mixture import MixtureHead
        >>> head = CommitteeHead(partial(MixtureHead, size=1), members=3, features=16).eval()
        >>> head(torch.zeros(4, 48)).samples(64).shape
        torch.Size([4, 64, 1])
    """

    def __init__(self, build: Callable[[int], nn.Module], *, members: int, features: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(build(features) for _ in range(members))
        first: Head = self.heads[0]  # type: ignore[assignment]
        self.size = first.size
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

    def forward(self, features: Tensor) -> Together:
        """[object, members * feature] -> their mixture, or in training each on its own."""
        parts = features.unflatten(1, (len(self.heads), -1)).unbind(1)
        answers = [head(part) for head, part in zip(self.heads, parts, strict=True)]
        kind = Apart if self.training else Together
        return kind(answers, self.get_buffer("mean"), self.get_buffer("deviation"))
