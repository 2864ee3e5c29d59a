"""Partial least squares: the linear regression that fits many collinear pixels."""

from collections.abc import Sequence
from copy import copy
from typing import Self

import numpy as np
import torch
from scipy.special import ndtri
from sklearn.cross_decomposition import PLSRegression

from deepfield.nouns.batch import Batch
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source
from deepfield.rivals.numbers import Numbers, collect_numbers, read

SAMPLES = 128
LEVELS = 8
"""of signal-to-noise, each with its own error"""


class PartialLeastSquares:
    """Regression on the few directions of spectra that covary most with the answer (Wold 1975).

    Fluxes are taken relative to their mean, with their squares, since colours of stars are far
    from linear in temperature. How many directions, and whether with squares, is chosen on
    validation objects, whose residuals at the same signal-to-noise are the posterior.

    Args:
        names: of the quantities to learn.
        limit: most training objects.
        held_out: most validation objects.
        components: numbers of directions to try.

    Example:
        >>> PartialLeastSquares(("log_teff",)).limit
        20000
    """

    quantities: tuple[Quantity, ...]
    model: PLSRegression
    powers: int
    usual: np.ndarray
    edges: np.ndarray
    residuals: list[np.ndarray]
    borders: tuple[np.ndarray, np.ndarray]

    def __init__(
        self,
        names: Sequence[str],
        *,
        limit: int | None = 20000,
        held_out: int = 4000,
        components: Sequence[int] = (5, 10, 20, 30, 45, 60),
    ) -> None:
        self.names = tuple(names)
        self.limit = limit
        self.held_out = held_out
        self.components = tuple(components)

    def fit(self, source: Source) -> Self:
        """Choose the settings and learn.

        Raises:
            ValueError: the source does not know a quantity.
        """
        fitted = copy(self)
        fitted.quantities = tuple(source.quantity(name) for name in self.names)
        train = collect_numbers(source.part("train"), self.names, self.limit)
        held_out = collect_numbers(source.part("validation"), self.names, self.held_out)
        relative, there = _relative(train.flux, train.weight)
        fitted.usual = np.where(there, relative, 0).sum(0) / there.sum(0).clip(min=1)
        fitted.borders = train.truth.min(0), train.truth.max(0)
        spread = train.truth.std(0).clip(min=1e-9)
        tried = []
        for powers in (1, 2):
            fitted.powers = powers
            table = fitted._table(train.flux, train.weight)
            for components in self.components:
                if components > min(table.shape):
                    continue
                model = PLSRegression(components, scale=True).fit(table, train.truth)
                fitted.model = model
                error = (fitted._point(held_out.flux, held_out.weight) - held_out.truth) / spread
                tried.append((float(np.square(error).mean()), powers, model))
        _, fitted.powers, fitted.model = min(tried, key=lambda row: row[0])
        fitted._learn_errors(held_out)
        return fitted

    def predict(self, batch: Batch) -> Prediction:
        """The regression and its residuals; NaN where nothing was measured."""
        flux, weight = read(batch)
        level = np.searchsorted(self.edges, _signal(flux, weight))
        residuals = np.stack([self.residuals[i] for i in level])
        samples = self._point(flux, weight)[:, None] + residuals
        samples = np.clip(samples, *self.borders)
        empty = torch.from_numpy(~(weight > 0).any(1))
        posterior = Posterior(self.quantities, torch.from_numpy(samples).float())
        return Prediction({"posterior": posterior.blank(empty)})

    def _learn_errors(self, held_out: Numbers) -> None:
        signal = _signal(held_out.flux, held_out.weight)
        self.edges = np.quantile(signal, np.arange(1, LEVELS) / LEVELS)
        level = np.searchsorted(self.edges, signal)
        error = held_out.truth - self._point(held_out.flux, held_out.weight)
        size = error.shape[1]
        points = torch.quasirandom.SobolEngine(size, scramble=True, seed=0).draw(SAMPLES)
        normal = ndtri(points.double().numpy().clip(1e-6, 1 - 1e-6))
        self.residuals = []
        for i in range(LEVELS):
            own = error[level == i] if (level == i).sum() > size else error
            covariance = np.cov(own, rowvar=False).reshape(size, size) + 1e-12 * np.eye(size)
            self.residuals.append(own.mean(0) + normal @ np.linalg.cholesky(covariance).T)

    def _point(self, flux: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """[object, quantity], within what it learnt from."""
        found = self.model.predict(self._table(flux, weight)).reshape(len(flux), -1)
        return np.clip(found, *self.borders)

    def _table(self, flux: np.ndarray, weight: np.ndarray) -> np.ndarray:
        relative, there = _relative(flux, weight)
        filled = np.where(there, relative, self.usual)
        return np.concatenate([filled**power for power in range(1, self.powers + 1)], 1)


def _relative(flux: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flux over its weighted mean, and where it was measured; both [object, number]."""
    total = weight.sum(1, keepdims=True).clip(min=1e-300)
    mean = (weight * flux).sum(1, keepdims=True) / total
    return flux / np.maximum(mean, total**-0.5), weight > 0


def _signal(flux: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """[object] signal-to-noise ratio of the whole, its log."""
    total = weight.sum(1).clip(min=1e-300)
    return np.log(((weight * flux).sum(1) / np.sqrt(total)).clip(min=1e-3))
