"""Density: the joint posterior of named numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from deepfield.nets.committee import CommitteeHead
from deepfield.nets.frame import Frame
from deepfield.nets.heads.mixture import Mixture, MixtureHead
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source
from deepfield.tasks.scales import Scale, to_values

POSTERIOR = "posterior"
MOST = 4000
"""held-out objects that widths are adjusted to"""
Measure = Callable[[Posterior, Truth], dict[str, float]]


@dataclass(frozen=True)
class Density:
    """Every quantity's posterior, joint with the others'.

    The network gives a distribution of standardised numbers; ``scales`` turn them into values in
    astronomers' units.

    Args:
        quantities: what is measured.
        scales: one for each quantity.
        measures: scores of a posterior; each a function (posterior, truth) -> named numbers.
        draws: samples of each posterior.

    Raises:
        ValueError: not one scale for each quantity.

    Example:
        >>> from deepfield.tasks.scales import Flat
        >>> task = Density((Quantity("redshift"),), (Flat(0.0, 0.4),))
        >>> task.prior
        {'redshift': 'flat from 0 to 0.4'}
    """

    quantities: tuple[Quantity, ...]
    scales: tuple[Scale, ...]
    measures: tuple[Measure, ...] = ()
    draws: int = 256
    players: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.quantities) != len(self.scales) or not self.quantities:
            raise ValueError(
                f"{len(self.quantities)} quantities and {len(self.scales)} scales; expected as "
                "many of each, at least one"
            )

    @property
    def prior(self) -> dict[str, str]:
        """The training prior of every quantity, in words."""
        return {q.name: s.prior for q, s in zip(self.quantities, self.scales, strict=True)}

    def losses(self, net: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Mean negative log density of the truth, of the objects where all of it is known."""
        if batch.truth is None:
            raise ValueError(
                "the batch has no truth; training needs "
                + ", ".join(quantity.name for quantity in self.quantities)
            )
        distribution, frame = net(batch)
        z = self.to_normal(batch.truth, frame)
        known = z.isfinite().all(1)
        surprise = -distribution.log_density(z.nan_to_num())
        return {"surprise": (surprise * known).sum() / known.sum().clamp(min=1)}

    def predict(self, net: nn.Module, batch: Batch) -> Prediction:
        """The posterior as samples, in the quantities' units."""
        distribution, frame = net(batch)
        samples = self.to_values(distribution.samples(self.draws), frame).contiguous()
        return Prediction({POSTERIOR: Posterior(self.quantities, samples)})

    def calibrate(self, net: nn.Module, source: Source) -> None:
        """Let the head adjust its widths to held-out objects, if it knows how.

        Args:
            net: trained; changed in place.
            source: objects that training did not see.
        """
        head = getattr(net, "head", None)
        if not isinstance(head, MixtureHead | CommitteeHead):
            return
        said, true = [], []
        with torch.no_grad():
            for rows in torch.arange(min(MOST, len(source))).split(256):
                batch = source.take(rows, 0)
                distribution, frame = net.eval()(batch)
                z = torch.full((len(batch), head.size), torch.nan)
                if batch.truth is not None:
                    z = self.to_normal(batch.truth, frame)
                known = z.isfinite().all(1)
                said.append(distribution.take(known))
                true.append(z[known])
            # Without a known truth the widths stay as they were learnt.
            if sum(map(len, true)):
                head.calibrate(Mixture.join(said), torch.cat(true))

    def score(self, prediction: Prediction, truth: Truth) -> dict[str, float]:
        """All that the ``measures`` say of the objects with a measurement."""
        answer = prediction[POSTERIOR]
        assert isinstance(answer, Posterior)
        measured = answer.samples.isfinite().flatten(1).any(1)
        kept = measured.nonzero()[:, 0]
        answer, truth = answer[kept], truth.take(kept)
        return {k: v for measure in self.measures for k, v in measure(answer, truth).items()}

    def to_normal(self, truth: Truth, frame: Frame) -> Tensor:
        """[object, quantity] standardised numbers of true values."""
        return torch.stack(
            [
                scale.to_normal(truth[quantity.name].float(), frame)
                for quantity, scale in zip(self.quantities, self.scales, strict=True)
            ],
            1,
        )

    def to_values(self, z: Tensor, frame: Frame) -> Tensor:
        """[object, sample, quantity] values of standardised numbers of that shape."""
        return to_values(self.scales, z, frame)
