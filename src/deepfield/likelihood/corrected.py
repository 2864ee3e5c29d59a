"""Corrected: a network proposes, the exact likelihood disposes.

Draws of the network's posterior are rendered. Between these renders the likelihood is emulated,
walkers draw from its posterior, and new renders where they are make the emulator better: a
hundred renders do the work of many thousands. The answer is nearly the posterior of the model
itself, whatever the network got wrong, as with neural importance sampling (Dax+23, PRL 130,
171403). So few renders do not find everything: what the emulator does not know counts as noise,
and part of the answer stays the network's, the more the less the last renders agree. Where they
change the weights of the draws too much the row says so, and holds only what the network said.
"""

from dataclasses import dataclass
from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn

from deepfield.likelihood.emulated import Emulated
from deepfield.likelihood.exchange import Exchange, Scale
from deepfield.likelihood.galaxies import Galaxies
from deepfield.likelihood.importance import effective, resampled, tempered
from deepfield.likelihood.measured import CHI_SQUARE
from deepfield.likelihood.model import Model
from deepfield.likelihood.pixels import pixels
from deepfield.likelihood.rendered import Rendered, render
from deepfield.likelihood.walkers import walk
from deepfield.nouns.batch import Batch, missing
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction, Score
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source

EFFECTIVE = Quantity(
    "effective_samples", description="of 128 draws that the last renders did not change much"
)
FEW = 8.0
"""effective samples below which a row is tried once more, longer, and then holds the network's own
posterior"""
SCOUTS = 64
"""walkers between renders"""
EXCHANGED = 6
"""renders in each round of a galaxy whose bulge and disc are exchanged"""
HOPELESS = 10.0
"""log likelihood below that of walkers at which it is not worth a render"""
DOUBT = 6.0
"""of an emulator of bulge and disc: modes that few renders know must not be excluded. Chosen on
mock galaxies, as is the next"""
DEFENCE = 0.3
"""of an answer for bulge and disc is the network's own, times the share of draws that the last
renders changed: for modes that walkers miss (a defensive mixture, Hesterberg 1995). One profile
has one mode, and no need of either"""
WALKERS = 128
SNAPSHOTS = 4
"""of the walkers, together the posterior"""
POOL = 1024
"""draws of the network that walkers are chosen from"""
ENOUGH = 40.0
"""effective draws that walkers set out from"""
OBJECTS = 64
"""at a time: few enough for the memory, enough to keep the interpreter in the background"""


@dataclass(frozen=True)
class Effort:
    """How much is done for an object.

    Args:
        first: renders of the network's draws.
        then: renders of walkers, in each round.
        rounds: how many.
        burn: steps of the walkers before the first snapshot of a round.
        last: the same, after the last round.
        between: steps between two snapshots.
    """

    first: int
    then: int
    rounds: int
    burn: int
    last: int
    between: int


QUICK = Effort(first=32, then=28, rounds=2, burn=16, last=48, between=12)
LONG = Effort(first=48, then=40, rounds=2, burn=32, last=60, between=12)


class Posing(Protocol):
    """A task whose distribution is of standardised numbers: ``tasks.density.Density``."""

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What is measured."""
        ...

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Of each quantity, to standardised numbers."""
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
        affordable: objects that an evaluation asks it about, at a fifth of a second each.

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
        """Posteriors, their effective samples, and the network's other answers.

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
        # A caller in inference mode would leave tensors that nobody may change.
        with torch.inference_mode(False), torch.no_grad():
            found = self._look(batch, QUICK)
            poor = (found.effective < FEW).nonzero()[:, 0]
            if len(poor) > 0:
                found.put(poor, self._look(batch.take(poor), LONG))
        fresh = Prediction(
            {
                "posterior": Posterior(self.trained.task.quantities, found.values),
                EFFECTIVE.name: Score(EFFECTIVE, found.effective),
                CHI_SQUARE.name: Score(CHI_SQUARE, found.chi_square),
            }
        )
        empty = missing(batch).flatten(1).all(1)
        return Prediction({**said, **fresh.blank(empty)})

    def _look(self, batch: Batch, effort: Effort) -> "Found":
        rows = torch.arange(len(batch)).split(OBJECTS)
        parts = [_Search(self, batch.take(some)).run(effort) for some in rows]
        each = {name: [vars(part)[name] for part in parts] for name in vars(parts[0])}
        return Found(**{name: torch.cat(some) for name, some in each.items()})


@dataclass(frozen=True)
class Found:
    """What the search for the posterior of some objects ends with.

    Args:
        values: [object, sample, quantity].
        effective, chi_square: [object].
    """

    values: Tensor
    effective: Tensor
    chi_square: Tensor

    def put(self, rows: Tensor, others: "Found") -> None:
        """These rows, where the others have more effective samples."""
        better = others.effective > self.effective[rows]
        for name, mine in vars(self).items():
            mine[rows[better]] = getattr(others, name)[better]


class _Search:
    """The posterior of a few objects, in standardised numbers."""

    def __init__(self, corrected: Corrected, batch: Batch) -> None:
        assert batch.psf is not None and batch.survey is not None and batch.variance is not None
        self.task, self.galaxies = corrected.trained.task, corrected.galaxies
        self.size = batch.values.shape[-1]
        self.scale = batch.survey.pixel_scale
        self.model = Model(self.size, corrected.indices)
        self.pixels = pixels(batch.values, batch.psf, variance=batch.variance)
        self.net, self.frame = corrected.trained.net.eval()(batch)
        self.names = [quantity.name for quantity in self.task.quantities]
        self.exchange = Exchange.of(self.names, self.task.scales, self.frame)
        self.doubt, self.defence = (0.0, 0.0) if self.exchange is None else (DOUBT, DEFENCE)

    def run(self, effort: Effort) -> Found:
        """Rounds of walking, rendering and emulating; where they fail, the network."""
        pool = self.net.samples(POOL).nan_to_num()
        known = self._render(pool[:, : effort.first])
        emulated = Emulated(self.model, self.pixels, known, effort.first, self.doubt)
        logs = self._height(emulated, pool) - self.net.log_density(pool)
        for number in range(effort.rounds):
            steps = effort.burn, effort.between
            pool = self._walk(emulated, pool, logs, SCOUTS, steps, number)
            others = self._exchanged(emulated, pool)
            most = effort.then - others.shape[1]
            known = known.and_also(self._render(torch.cat([others, pool[:, -most:]], 1)))
            before = self._height(emulated, pool)
            emulated = Emulated(self.model, self.pixels, known, most, self.doubt)
            logs = self._height(emulated, pool) - before
        enough = effective(logs) * (WALKERS / logs.shape[1])
        steps = effort.last, effort.between
        found = self._walk(emulated, pool, logs, WALKERS, steps, effort.rounds)
        said, many = self.net.samples(found.shape[1]), found.shape[1]
        share = self.defence * (1 - enough / WALKERS)
        kept = many * torch.where(enough < FEW, 1.0, share)
        points = torch.where((torch.arange(many) < kept[:, None])[..., None], said, found)
        freedom = (self.pixels.used().sum(1) - len(self.names)).clamp(min=0)
        chi_square = -2 * known.log_likelihood.amax(1)
        values = self.task.to_values(points, self.frame).contiguous()
        return Found(values, enough, chi_square / freedom)

    def _walk(
        self,
        emulated: Emulated,
        pool: Tensor,
        logs: Tensor,
        count: int,
        steps: tuple[int, int],
        number: int,
    ) -> Tensor:
        """Snapshots [object, snapshot * walker, D] of walkers that begin in a weighted pool."""
        walkers, found = resampled(pool, tempered(logs, ENOUGH), count), []

        def height(z: Tensor) -> Tensor:
            return self._height(emulated, z)

        for k in range(SNAPSHOTS):
            seed = SNAPSHOTS * number + k
            if self.exchange is not None:
                random = torch.Generator().manual_seed(seed)
                walkers = self.exchange.step(height, walkers, random)
            walkers = walk(height, walkers, steps[min(k, 1)], seed=seed)
            found.append(walkers)
        return torch.cat(found, 1)

    def _exchanged(self, emulated: Emulated, pool: Tensor) -> Tensor:
        """A few of a pool with bulge and disc exchanged, where that is not hopeless."""
        if self.exchange is None:
            return pool[:, :0]
        there, _ = self.exchange(pool, torch.Generator().manual_seed(len(pool[0])))
        heights = self._height(emulated, there)
        hope = heights.amax(1) > self._height(emulated, pool).median(1).values - HOPELESS
        there = resampled(there, tempered(heights, 4.0 * EXCHANGED), EXCHANGED)
        return torch.where(hope[:, None, None], there, pool[:, :EXCHANGED])

    def _render(self, z: Tensor) -> Rendered:
        return render(self.model, self.pixels, self._parameters(z))

    def _height(self, emulated: Emulated, z: Tensor) -> Tensor:
        """[object, sample] log likelihood and prior of [object, sample, D]."""
        return emulated.log_likelihood(self._parameters(z)) - 0.5 * z.square().sum(2)

    def _parameters(self, z: Tensor) -> Tensor:
        """[object, sample, parameter] of the model."""
        values = self.task.to_values(z, self.frame)
        flat = dict(zip(self.names, values.flatten(0, 1).T, strict=True))
        profile = self.galaxies(flat, self.scale, self.size)
        return self.model.parameters(profile).view(*z.shape[:2], -1)
