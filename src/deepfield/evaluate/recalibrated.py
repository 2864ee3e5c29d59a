"""Recalibrated: a predictor whose posteriors were made to mean what they say."""

from dataclasses import dataclass, replace

import torch

from deepfield.evaluate.answers import ask
from deepfield.evaluate.recalibration import Recalibration
from deepfield.nouns.batch import Batch
from deepfield.nouns.contracts import Predictor
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.source import Source


@dataclass(frozen=True)
class Recalibrated:
    """A predictor whose posteriors are recalibrated on the source's ``calibrate`` split.

    Args:
        predictor: fitted.
        maps: by answer; None before ``fit``.
    """

    predictor: Predictor
    maps: dict[str, Recalibration] | None = None

    def fit(self, source: Source) -> "Recalibrated":
        """Learn the maps from ``source.part("calibrate")``; the predictor stays as it is.

        Raises:
            ValueError: too few objects, or none with truth.
        """
        said = ask({"it": self.predictor}, source.part("calibrate"), progress=False)
        truth, maps = said.batch.truth, {}
        assert truth is not None
        for name, answer in said.predictions["it"].items():
            if isinstance(answer, Posterior):
                true = torch.stack([truth[quantity] for quantity in answer.names], 1)
                maps[name] = Recalibration.fit(answer, true)
        return replace(self, maps=maps)

    def predict(self, batch: Batch) -> Prediction:
        """The predictor's answers, their posteriors recalibrated.

        Raises:
            ValueError: not fitted.
        """
        if self.maps is None:
            raise ValueError("the recalibration has learnt nothing; fit it to a source first")
        answers = dict(self.predictor.predict(batch))
        for name, maps in self.maps.items():
            answer = answers[name]
            assert isinstance(answer, Posterior)
            answers[name] = maps.apply(answer)
        return Prediction(answers)
