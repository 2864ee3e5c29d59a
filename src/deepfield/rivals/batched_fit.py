"""Batched fit: profiles by least squares on our own renderer, hundreds of galaxies at once.

Levenberg-Marquardt with exact derivatives (``likelihood.fit``); no priors. Limits are those of the
renderer, and that no component's half-light radius is larger than half the stamp's side: of larger
ones a stamp shows so little that a fit may answer any radius and any light.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import torch

from deepfield.likelihood.fit import PATIENT, fit
from deepfield.likelihood.measured import CHI_SQUARE, measured
from deepfield.likelihood.model import LARGEST, Model
from deepfield.likelihood.pixels import pixels
from deepfield.likelihood.starts import starts
from deepfield.nouns.batch import Batch, missing
from deepfield.nouns.prediction import Prediction, Score
from deepfield.nouns.source import Source
from deepfield.rivals.profile_guess import guess, middle

TOGETHER = 256
"""objects at a time"""


@dataclass(frozen=True)
class _Batched:
    """Fits of one model; ``indices``: of its components, None = free."""

    limit: int | None = None
    indices: ClassVar[tuple[float | None, ...]]

    def fit(self, source: Source) -> Self:
        """Nothing to learn."""
        return self

    def predict(self, batch: Batch) -> Prediction:
        """The Gaussian of every fit's errors; NaN where a fit has not converged.

        Args:
            batch: square images in nJy with PSF and survey; the middle channel is fitted.

        Raises:
            ValueError: the batch has no PSF or survey.
        """
        if batch.psf is None or batch.survey is None:
            lacking = "PSF" if batch.psf is None else "survey"
            raise ValueError(f"the batch has no {lacking}; a profile fit needs one: add it")
        one = middle(batch.to("cpu"))
        rows = torch.arange(len(one)).split(TOGETHER)
        return Prediction.join([self._some(one.take(some)) for some in rows])

    def _some(self, batch: Batch) -> Prediction:
        assert batch.psf is not None and batch.survey is not None
        variance = batch.variance
        if variance is None:
            variance = guess(batch).sigma.square()[:, None, None, None]
        seen = pixels(batch.values, batch.psf, variance=variance, mask=missing(batch))
        size = batch.values.shape[-1]
        model = Model(size, self.indices, largest=min(size / 2, LARGEST))
        found = fit(model, seen, starts(model, seen), settings=PATIENT)
        scale, channels = batch.survey.pixel_scale, batch.channels
        answer = Prediction(
            {
                "posterior": measured(model, found, channels=channels, pixel_scale=scale),
                CHI_SQUARE.name: Score(CHI_SQUARE, found.chi_square / found.degrees_of_freedom),
            }
        )
        return answer.blank(~found.converged)


@dataclass(frozen=True)
class BatchedBulgeDisc(_Batched):
    """A Sersic bulge in an exponential disc, the best of three starts.

    Args:
        limit: of training objects; it learns from none.

    Example:
        >>> from deepfield.recipes.structure import mock  # doctest: +SKIP
        >>> batch = mock(objects={"test": 2}, seed=0).part("test").take(torch.arange(2), 0)
        ... # doctest: +SKIP
        >>> BatchedBulgeDisc().predict(batch)["posterior"].columns()  # doctest: +SKIP
    """

    indices = (None, 1.0)


@dataclass(frozen=True)
class BatchedSersic(_Batched):
    """A single Sersic profile.

    Args:
        limit: of training objects; it learns from none.

    Example:
        >>> BatchedSersic().fit(None) == BatchedSersic()
        True
    """

    indices = (None,)
