"""Trained: a network and its task as a predictor."""

from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from deepfield.nouns.batch import Batch, missing
from deepfield.nouns.contracts import Task
from deepfield.nouns.flags import UNMEASURED
from deepfield.nouns.prediction import Prediction, Score
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source
from deepfield.train.domain import REFERENCES, Domain
from deepfield.train.loop import fit
from deepfield.train.orientations import orientations
from deepfield.train.training import Training

OUT_OF_DOMAIN = Quantity(
    "out_of_domain",
    description="share of held-out training-like objects that lie closer to the training data",
)
CHUNK = 128


@dataclass(frozen=True)
class Trained:
    """A predictor made of a network, its task, and the domain that it learnt in.

    Args:
        net: with ``trunk`` (its output is what the domain is measured in).
        task: turns the network's numbers into answers.
        training: how ``fit`` trains.
        channels: bands it takes, in order; their number is what counts for display images.
        size: side of the stamps it takes, or length of the spectra, px; tables have none.
        views: of a stamp's eight orientations, so many are looked at and the answers pooled.
        domain: None before ``fit``.
    """

    net: nn.Module
    task: Task
    training: Training
    channels: tuple[str, ...]
    size: int
    views: int = 1
    domain: Domain | None = None

    def fit(
        self, source: Source, *, directory: Path | None = None, resume: bool = False
    ) -> "Trained":
        """Train a copy on ``source.part("train")``, stop early on ``source.part("validation")``.

        Args:
            source: labelled objects.
            directory: where checkpoints and ``history.csv`` go; None keeps nothing.
            resume: go on from the checkpoint there, if there is one.
        """
        net = deepcopy(self.net)
        fit(net, self.task, source, self.training, directory=directory, resume=resume)
        self.task.calibrate(net, source.part("validation"))
        untouched = replace(self, net=net, domain=None)
        domain = Domain.fit(
            untouched.features(source.part("train"), REFERENCES),
            untouched.features(source.part("validation"), REFERENCES),
        )
        return replace(untouched, domain=domain)

    def predict(self, batch: Batch) -> Prediction:
        """Answers and ``out_of_domain``; NaN where an object has no pixels.

        Raises:
            ValueError: another number of bands or another stamp size than in training.
        """
        if len(batch.channels) != len(self.channels):
            raise ValueError(
                f"the images have {len(batch.channels)} bands ({', '.join(batch.channels)}); the "
                f"weights were trained on {len(self.channels)} ({', '.join(self.channels)}): "
                "choose those, or train on yours"
            )
        if any(side != self.size for side in batch.values.shape[2:]):
            raise ValueError(
                f"the stamps are {batch.values.shape[-1]} px; the weights were trained on "
                f"{self.size} px: read the images with size={self.size}"
            )
        if not len(batch):
            return self._answer(batch)[0]
        parts = [
            Prediction.pool(
                [self._answer(seen)[0] for seen in orientations(batch.take(rows), self.views)]
            )
            for rows in torch.arange(len(batch)).split(CHUNK)
        ]
        empty = missing(batch).flatten(1).all(1)
        if batch.flags is not None:
            empty = empty | ((batch.flags & int(UNMEASURED)) > 0)
        return Prediction.join(parts).blank(empty)

    def features(self, source: Source, most: int) -> Tensor:
        """[object, feature]: what the trunk makes of up to ``most`` objects of a source."""
        rows = torch.arange(min(most, len(source)))
        return torch.cat([self.embed(source.take(r, 0)) for r in rows.split(CHUNK)])

    def embed(self, batch: Batch) -> Tensor:
        """[object, feature]: what the trunk makes of a batch."""
        return self._answer(batch)[1]

    def _answer(self, batch: Batch) -> tuple[Prediction, Tensor]:
        seen: list[Tensor] = []
        trunk = self.net.get_submodule("trunk")
        handle = trunk.register_forward_hook(lambda module, inputs, output: seen.append(output))
        try:
            with torch.inference_mode():
                prediction = self.task.predict(self.net.eval(), batch)
        finally:
            handle.remove()
        answers = dict(prediction)
        if self.domain is not None:
            answers[OUT_OF_DOMAIN.name] = Score(OUT_OF_DOMAIN, self.domain.rank(seen[0]))
        return Prediction(answers), seen[0].float()

    def tensors(self) -> dict[str, Tensor]:
        """Everything that a weights file holds."""
        domain = {} if self.domain is None else self.domain.tensors()
        return {**{f"net.{k}": v for k, v in self.net.state_dict().items()}, **domain}

    def restore(self, tensors: dict[str, Tensor]) -> "Trained":
        """This predictor with the weights of a file.

        Raises:
            ValueError: the file holds another network.
        """
        net = deepcopy(self.net)
        try:
            net.load_state_dict(
                {k.removeprefix("net."): v for k, v in tensors.items() if k.startswith("net.")}
            )
        except RuntimeError as error:
            raise ValueError(
                "the weights are of another network than the recipe builds: "
                + " ".join(str(error).split())[:200]
            ) from None
        known = "domain.references" in tensors
        return replace(self, net=net, domain=Domain.from_tensors(tensors) if known else None)
