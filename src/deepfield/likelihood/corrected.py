"""Corrected: a network proposes, the exact likelihood disposes.

The network's posterior gives a start; a few Gauss-Newton steps on the renderer find the peak; and
draws around the peak and from the network, weighted by the exact likelihood, are the posterior of
the model itself, whatever the network got wrong (neural importance sampling: Dax+23, PRL 130,
171403). Where few draws carry the weight the row says so, and holds the fit instead.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn

from deepfield.likelihood.evidence import log_likelihood
from deepfield.likelihood.galaxies import Galaxies
from deepfield.likelihood.importance import Gaussian, Weighted, weigh
from deepfield.likelihood.model import Model
from deepfield.likelihood.normal import normal
from deepfield.likelihood.pixels import pixels
from deepfield.nouns.batch import Batch, missing
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction, Score
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source

EFFECTIVE = Quantity(
    "effective_samples", description="independent draws that would know as much; few = the fit"
)
CHI_SQUARE = Quantity("reduced_chi_square", description="of the best model found")
FEW = 12.0
"""effective samples below which a row holds the fit's Gaussian"""
STARTS, STEPS = 12, 6
LONGEST = 1.0
"""longest step, standard deviations of the prior"""
FAR = 4.0
"""standard deviations of the prior beyond which nothing is sought"""
WIDE = 1.7
"""widening of the second Gaussian at the peak"""
DRAWS, WIDE_DRAWS, NET_DRAWS, AGAIN = 48, 32, 64, (64, 64, 96)
ENOUGH = 40.0
"""effective draws that a covariance of eleven numbers is told from"""
OBJECTS = 16
"""at a time"""


class Posing(Protocol):
    """A task whose distribution is of standardised numbers: ``tasks.density.Density``."""

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What is measured."""
        ...

    def to_values(self, z: Tensor, frame: Any) -> Tensor:
        """Values [object, sample, quantity] of standardised numbers."""
        ...


class Proposing(Protocol):
    """A trained network of such a task: ``train.trained.Trained``."""

    @property
    def net(self) -> nn.Module:
        """Batch -> (distribution, frame)."""
        ...

    @property
    def task(self) -> Posing:
        """Its question."""
        ...

    def predict(self, batch: Batch) -> Prediction:
        """Its own answers."""
        ...


@dataclass(frozen=True)
class Corrected:
    """A network's posterior, corrected by the likelihood of a parametric model.

    Args:
        trained: a network of a ``Density`` whose standardised numbers have the prior N(0, 1).
        galaxies: how the quantities become profiles.
        indices: Sersic index of every component, None = free.
        affordable: objects that an evaluation asks it about, at a tenth of a second each.

    Example:
        >>> from deepfield.likelihood.galaxies import bulge_and_disc
        >>> corrected = Corrected(trained, bulge_and_disc, (None, 1.0))  # doctest: +SKIP
        >>> corrected.predict(batch)["effective_samples"]  # doctest: +SKIP
    """

    trained: Proposing
    galaxies: Galaxies
    indices: tuple[float | None, ...]
    affordable: int = 400

    def fit(self, source: Source) -> Self:
        """Nothing to learn."""
        return self

    def predict(self, batch: Batch) -> Prediction:
        """Weighted posteriors, their effective samples, and the network's other answers.

        Raises:
            ValueError: more than one band, no PSF, no variance or no pixel scale.
        """
        if batch.values.shape[1] != 1 or batch.psf is None or batch.survey is None:
            raise ValueError(
                f"{batch.values.shape[1]} bands, PSF {'given' if batch.psf else 'missing'}, "
                f"pixel scale {'given' if batch.survey else 'missing'}; the correction fits one "
                "band with its PSF: choose one, and give its PSF and pixel scale"
            )
        said = dict(self.trained.predict(batch))
        rows = torch.arange(len(batch)).split(OBJECTS)
        # A caller in inference mode would take away the derivatives of the climb.
        with torch.inference_mode(False), torch.no_grad():
            parts = [self._correct(batch.take(some)) for some in rows]
        fresh = Prediction.join(parts)
        empty = missing(batch).flatten(1).all(1)
        return Prediction({**said, **fresh.blank(empty)})

    def _correct(self, batch: Batch) -> Prediction:
        assert batch.psf is not None and batch.variance is not None
        found = _Search(self, batch).run()
        samples = self.trained.task.to_values(found.weighted.points, found.frame)
        posterior = Posterior(self.trained.task.quantities, samples, found.weighted.weights)
        return Prediction(
            {
                "posterior": posterior,
                EFFECTIVE.name: Score(EFFECTIVE, found.effective),
                CHI_SQUARE.name: Score(CHI_SQUARE, found.chi_square),
            }
        )


@dataclass(frozen=True)
class Found:
    """What the search for the posterior of some objects ends with."""

    weighted: Weighted
    effective: Tensor
    chi_square: Tensor
    frame: Any


class _Search:
    """The posterior of a few objects, in standardised numbers."""

    def __init__(self, corrected: Corrected, batch: Batch) -> None:
        assert batch.psf is not None and batch.survey is not None
        self.task, self.galaxies = corrected.trained.task, corrected.galaxies
        self.size = batch.values.shape[-1]
        self.scale = batch.survey.pixel_scale
        self.model = Model(self.size, corrected.indices)
        variance = 1.0 if batch.variance is None else batch.variance
        self.pixels = pixels(batch.values, batch.psf, variance=variance)
        self.net, self.frame = corrected.trained.net(batch)
        self.names = [quantity.name for quantity in self.task.quantities]

    def run(self) -> Found:
        """Peak, draws, weights; where they fail, the fit."""
        drawn = self.net.samples(2 * NET_DRAWS)
        first = self.log_target(drawn[:, :STARTS])
        start = drawn[torch.arange(len(drawn)), first.nan_to_num(-math.inf).argmax(1)]
        peak, root, cost = self._climb(start)
        proposals: list[tuple[Any, int]] = [
            (Gaussian(peak, root), DRAWS),
            (Gaussian(peak, WIDE * root, DRAWS), WIDE_DRAWS),
            (_Given(self.net.log_density, drawn), NET_DRAWS),
        ]
        found = weigh(self.log_target, proposals)
        for count in AGAIN:
            middle, spread = _moments(found)
            spread = spread + 0.02 * root @ root.mT
            factor, failed = torch.linalg.cholesky_ex(spread)
            bad = (failed != 0) | ~middle.isfinite().all(1)
            middle = torch.where(bad[:, None], peak, middle)
            factor = torch.where(bad[:, None, None], root, factor)
            sizes = [size for _, size in proposals]
            proposals.append((Gaussian(middle, 1.05 * factor, 97 * len(proposals)), count))
            known = list(found.points.split(sizes, 1)), list(found.log_target.split(sizes, 1))
            found = weigh(self.log_target, proposals, *known)
        effective = found.effective().nan_to_num(0.0)
        few = effective < FEW
        fit = Gaussian(peak, root)
        points = torch.where(few[:, None, None], fit.draw(found.points.shape[1]), found.points)
        alike = torch.zeros_like(found.log_target)
        held = Weighted(
            points,
            torch.where(few[:, None], alike, found.log_target),
            torch.where(few[:, None], alike, found.log_proposal),
        )
        freedom = self.pixels.used().sum(1) - len(self.names)
        return Found(held, effective, cost / freedom, self.frame)

    def log_target(self, z: Tensor) -> Tensor:
        """[object, sample] log likelihood and prior of [object, sample, D]."""
        parameters = self._parameters(z)
        each = [
            log_likelihood(self.model, self.pixels.take(torch.tensor([i])), parameters[i : i + 1])
            for i in range(len(z))
        ]
        return torch.cat(each) - 0.5 * z.square().sum(2)

    def _parameters(self, z: Tensor) -> Tensor:
        """[object, sample, parameter] of the model."""
        values = self.task.to_values(z, self.frame)
        flat = dict(zip(self.names, values.flatten(0, 1).T, strict=True))
        profile = self.galaxies(flat, self.scale, self.size)
        return self.model.parameters(profile).view(*z.shape[:2], -1)

    def _climb(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The peak [object, D], a root of its covariance, and chi^2 of the pixels there."""
        objects, identity = torch.arange(len(z)), torch.eye(z.shape[1])
        damping = torch.full((len(z),), 0.3)
        best = (z, torch.full((len(z),), torch.inf), identity.expand(len(z), -1, -1), z)
        for _ in range(STEPS):
            slopes, parameters = self._slopes(z)
            here = normal(self.model, parameters, self.pixels, objects)
            cost = here.chi_square.float() + z.square().sum(1)
            matrix = (slopes.mT @ here.matrix.float() @ slopes) + identity
            downhill = (slopes.mT @ here.slope.float()[..., None])[..., 0] - z
            better = cost < best[1]
            now = (z, cost, matrix, downhill)
            best = tuple(  # type: ignore[assignment]
                torch.where(better.view(-1, *[1] * (new.ndim - 1)), new, old)
                for new, old in zip(now, best, strict=True)
            )
            damping = torch.where(better, damping * 0.2, damping * 6)
            diagonal = torch.diag_embed(best[2].diagonal(dim1=1, dim2=2))
            step = torch.linalg.solve(best[2] + damping[:, None, None] * diagonal, best[3])
            z = (best[0] + step.clamp(-LONGEST, LONGEST)).clamp(-FAR, FAR)
        peak, cost, matrix, _ = best
        root = torch.linalg.cholesky(torch.linalg.inv(matrix.double())).float()
        return peak, root, cost - peak.square().sum(1)

    def _slopes(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """[object, parameter, D] derivatives of the model's parameters, and these."""
        with torch.enable_grad():
            at = z.detach().requires_grad_()
            parameters = self._parameters(at[:, None])[:, 0]
            rows = [
                torch.autograd.grad(one.sum(), at, retain_graph=True)[0] for one in parameters.T
            ]
        return torch.stack(rows, 1), parameters.detach()


@dataclass(frozen=True)
class _Given:
    """Draws of the network, made before."""

    density: Any
    drawn: Tensor

    def log_density(self, points: Tensor) -> Tensor:
        return self.density(points)

    def draw(self, count: int) -> Tensor:
        return self.drawn[:, :count]


def _moments(found: Weighted) -> tuple[Tensor, Tensor]:
    """Moments of the draws under weights that are tempered until enough of them count.

    They are then wider than the target, never narrower: the next draws find what these missed.
    """
    logs = found.log_target - found.log_proposal
    low, high = torch.zeros(len(logs)), torch.ones(len(logs))
    for _ in range(8):
        middle = (low + high) / 2
        many = 1 / (middle[:, None] * logs).softmax(1).square().sum(1) > ENOUGH
        low, high = torch.where(many, middle, low), torch.where(many, high, middle)
    tempered = (low[:, None] * logs).log_softmax(1)
    return replace(found, log_target=tempered, log_proposal=torch.zeros_like(tempered)).moments()
