"""Nearest neighbours with a local linear fit: redshifts from magnitudes (Beck+16)."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import product
from typing import Self

import numpy as np
import torch
from scipy.spatial import cKDTree

from deepfield.nouns.batch import Batch
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source
from deepfield.rivals.band_fluxes import Fluxes, collect_redshifts, fluxes
from deepfield.rivals.missing_bands import Gaussian

CHUNK = 512
FAR = 3.0
"""residuals beyond so many deviations do not take part in the second fit"""


@dataclass(frozen=True)
class Space:
    """Where distances are measured: colours and one magnitude, or what a matrix makes of them.

    Args:
        softening: [channel] of the asinh magnitudes.
        gaps: fills missing bands.
        mean: [channel], and ``matrix`` [channel, channel]: of the standardisation.
    """

    softening: np.ndarray
    gaps: Gaussian
    mean: np.ndarray
    matrix: np.ndarray

    def __call__(self, photometry: Fluxes) -> np.ndarray:
        """[object, channel] positions."""
        filled = self.gaps.fill(photometry.magnitudes(self.softening))
        return (_colours(filled) - self.mean) @ self.matrix


def by_deviation(colours: np.ndarray) -> np.ndarray:
    """Every colour over its standard deviation: [channel, channel]."""
    return np.diag(1 / colours.std(0).clip(min=1e-6))


def by_median(colours: np.ndarray) -> np.ndarray:
    """Every colour over its median absolute deviation, which outliers do not move."""
    spread = 1.4826 * np.median(np.abs(colours - np.median(colours, 0)), 0)
    return np.diag(1 / spread.clip(min=1e-6))


def whitened(colours: np.ndarray) -> np.ndarray:
    """Mahalanobis' distance: colours without correlations."""
    values, vectors = np.linalg.eigh(np.cov(colours, rowvar=False).reshape(colours.shape[1], -1))
    return vectors / np.sqrt(values.clip(min=1e-9))


METRICS: tuple[Callable[[np.ndarray], np.ndarray], ...] = (by_deviation, by_median, whitened)


class NearestNeighboursRedshift:
    """A plane through the redshifts of the nearest training objects in colour space.

    As the photometric redshifts of SDSS (Beck et al. 2016, MNRAS 460, 1371): a linear fit to the
    k nearest neighbours, repeated without those beyond three deviations. The metric and k are
    chosen on the validation objects. The posterior is the fit plus the neighbours' residuals.

    Args:
        name: of the redshift.
        limit: most training objects; None = all.
        held_out: most validation objects.
        neighbours: numbers of neighbours to try.

    Example:
        >>> NearestNeighboursRedshift().neighbours
        (20, 40, 70, 120, 200)
    """

    quantity: Quantity
    space: Space
    tree: cKDTree
    redshift: np.ndarray
    k: int

    def __init__(
        self,
        name: str = "redshift",
        *,
        limit: int | None = None,
        held_out: int = 2000,
        neighbours: Sequence[int] = (20, 40, 70, 120, 200),
    ) -> None:
        self.name = name
        self.limit = limit
        self.held_out = held_out
        self.neighbours = tuple(neighbours)

    def fit(self, source: Source) -> Self:
        """Choose metric and k, and keep the training objects.

        Raises:
            ValueError: no objects with light and redshift, or fewer than the fit needs.
        """
        fitted = copy(self)
        fitted.quantity = source.quantity(self.name)
        train, fitted.redshift = collect_redshifts(source.part("train"), self.name, self.limit)
        held_out, truth = collect_redshifts(source.part("validation"), self.name, self.held_out)
        least = 2 * (train.flux.shape[1] + 1)
        counts = [k for k in self.neighbours if least < k <= len(fitted.redshift)]
        if not counts:
            raise ValueError(
                f"{len(fitted.redshift)} training objects in {train.flux.shape[1]} bands; a fit "
                f"to {min(self.neighbours)} neighbours or more needs at least {least + 1} of "
                "each: give more objects or neighbours"
            )
        softening = train.softening()
        gaps = Gaussian.fit(train.magnitudes(softening))
        colours = _colours(gaps.fill(train.magnitudes(softening)))
        tried = []
        for metric, k in product(METRICS, counts):
            fitted.space = Space(softening, gaps, colours.mean(0), metric(colours))
            fitted.tree, fitted.k = cKDTree(fitted.space(train)), k
            residual = (np.median(fitted._samples(held_out), 1) - truth) / (1 + truth)
            tried.append((float(np.median(np.abs(residual - np.median(residual)))), metric, k))
        _, metric, fitted.k = min(tried, key=lambda row: row[0])
        fitted.space = Space(softening, gaps, colours.mean(0), metric(colours))
        fitted.tree = cKDTree(fitted.space(train))
        return fitted

    def predict(self, batch: Batch) -> Prediction:
        """Redshifts with the scatter of the neighbours; NaN where no band has light."""
        found = fluxes(batch)
        seen = np.isfinite(found.sigma).any(1)
        samples = torch.from_numpy(self._samples(found)).float()[:, :, None]
        posterior = Posterior((self.quantity,), samples)
        return Prediction({"posterior": posterior.blank(torch.from_numpy(~seen))})

    def _samples(self, photometry: Fluxes) -> np.ndarray:
        """[object, k] redshifts."""
        places = self.space(photometry)
        parts = [self._fitted(place) for place in np.array_split(places, -(-len(places) // CHUNK))]
        return np.concatenate(parts)

    def _fitted(self, places: np.ndarray) -> np.ndarray:
        near = self.tree.query(places, self.k)[1]
        redshift = self.redshift[near]
        away = self.tree.data[near] - places[:, None]
        design = np.concatenate([np.ones_like(away[:, :, :1]), away], 2)
        weights = np.ones_like(redshift)
        for _ in range(2):
            weighted = (design * weights[:, :, None]).transpose(0, 2, 1)
            normal = weighted @ design + 1e-6 * np.eye(design.shape[2])
            plane = np.linalg.solve(normal, weighted @ redshift[:, :, None])
            residual = redshift - (design @ plane)[:, :, 0]
            used = weights.sum(1, keepdims=True)
            spread = np.sqrt((weights * residual**2).sum(1, keepdims=True) / used)
            weights = (np.abs(residual) <= FAR * spread).astype(float)
        # A plane comes nearer to the points that it was fitted to than to another one.
        free = design.shape[2]
        return plane[:, 0] + residual * np.sqrt((self.k + free) / (self.k - free))


def _colours(magnitudes: np.ndarray) -> np.ndarray:
    """Colours of neighbouring bands, and the middle band's magnitude."""
    middle = magnitudes.shape[1] // 2
    return np.concatenate([np.diff(magnitudes, axis=1), magnitudes[:, middle : middle + 1]], 1)
