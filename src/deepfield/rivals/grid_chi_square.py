"""Chi-square over a grid of templates: how stellar parameters are told without learning."""

from collections.abc import Sequence
from copy import copy
from typing import Self

import numpy as np
import torch
from scipy.special import ndtri

from deepfield.nouns.batch import Batch
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source
from deepfield.rivals.numbers import collect_numbers, read
from deepfield.rivals.templates import Templates

CHUNK = 64
STEPS = 8
SAMPLES = 256


class GridChiSquare:
    """The template that fits best, its brightness free, found between the nodes of the grid.

    The best node is refined by Gauss-Newton steps between the nodes (as FERRE does, Allende
    Prieto et al. 2006, ApJ 636, 804), with Gaussian errors from the curvature. A parameter whose
    error is wider than some steps of the grid is told by the nodes weighted by exp(-chi^2 / 2)
    instead; by how many steps is chosen on the validation objects.

    Args:
        names: of the quantities, in the order of the templates' axes.
        templates: as the instrument sees them.
        limit: it learns nothing but that one number.
        held_out: most validation objects.
        widths: to try, in steps of the grid.

    Example:
        >>> grid = Templates((np.arange(3.0),), np.ones((3, 5)))
        >>> GridChiSquare(("x",), grid).limit
        0
    """

    quantities: tuple[Quantity, ...]
    limit: int | None = 0

    def __init__(
        self,
        names: Sequence[str],
        templates: Templates,
        *,
        held_out: int = 1000,
        widths: Sequence[float] = (0.3, 0.6, 1.0, 1.5, 2.5, np.inf),
    ) -> None:
        self.names = tuple(names)
        self.templates = templates
        self.held_out = held_out
        self.widths = tuple(widths)
        self.widest = np.inf

    def fit(self, source: Source) -> Self:
        """Choose the width from which on the nodes' own posterior is better.

        Raises:
            ValueError: the source does not know a quantity.
        """
        fitted = copy(self)
        fitted.quantities = tuple(source.quantity(name) for name in self.names)
        seen = collect_numbers(source.part("validation"), self.names, self.held_out)
        fits, grids, found = fitted._both(seen.flux, seen.weight)
        errors = [_crps(_chosen(fits, grids, found > width), seen.truth) for width in self.widths]
        fitted.widest = self.widths[int(np.argmin(errors))]
        return fitted

    def predict(self, batch: Batch) -> Prediction:
        """Samples of every parameter; NaN where nothing was measured.

        Raises:
            ValueError: other pixels than the templates'.
        """
        flux, weight = read(batch)
        if flux.shape[1] != self.templates.flat.shape[1]:
            raise ValueError(
                f"spectra have {flux.shape[1]} numbers, the templates "
                f"{self.templates.flat.shape[1]}: resample them"
            )
        fits, grids, found = self._both(flux, weight)
        samples = _chosen(fits, grids, found > self.widest)
        empty = torch.from_numpy(~(weight > 0).any(1))
        posterior = Posterior(self.quantities, torch.from_numpy(samples).float())
        return Prediction({"posterior": posterior.blank(empty)})

    def _both(
        self, flux: np.ndarray, weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Samples [object, sample, quantity] of the fit and of the grid, and the fit's widths."""
        parts = []
        for first in range(0, len(flux), CHUNK):
            f, w = flux[first : first + CHUNK], weight[first : first + CHUNK]
            share = self._shares(f, w)
            best = self.templates.nodes[share.argmax(1)]
            places, covariance = self._refined(f, w, best)
            parts.append(
                (
                    self._gaussian(places, covariance),
                    self._of_nodes(share),
                    np.sqrt(np.einsum("oii->oi", covariance)),
                )
            )
        fits, grids, found = (np.concatenate(part) for part in zip(*parts, strict=True))
        return fits, grids, found

    def _shares(self, flux: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """[object, node] posterior probabilities, the brightness at its best."""
        templates = self.templates.flat
        together = (weight * flux) @ templates.T
        power = (weight @ np.square(templates).T).clip(min=1e-300)
        gain = 0.5 * together.clip(min=0) ** 2 / power
        share = np.exp(gain - gain.max(1, keepdims=True))
        return share / share.sum(1, keepdims=True)

    def _refined(
        self, flux: np.ndarray, weight: np.ndarray, places: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Positions of least chi-square [object, parameter], and their covariance, in steps."""
        size = places.shape[1]
        damping = np.full(len(places), 1e-3)
        state = self._normal(flux, weight, places)
        for _ in range(STEPS):
            chi_square, gradient, curvature = state
            diagonal = np.einsum("oii->oi", curvature) + 1e-12
            damped = curvature + (damping[:, None] * diagonal)[:, :, None] * np.eye(size)
            step = np.linalg.solve(damped, gradient[..., None])[..., 0]
            tried = np.clip(places + np.clip(step, -1, 1), 0, self.templates.last)
            there = self._normal(flux, weight, tried)
            better = there[0] <= chi_square
            damping = np.where(better, damping / 10, damping * 10)
            places = np.where(better[:, None], tried, places)
            state = (
                np.where(better, there[0], state[0]),
                np.where(better[:, None], there[1], state[1]),
                np.where(better[:, None, None], there[2], state[2]),
            )
        # As much is known beforehand as that it is on the grid.
        known = np.diag(12 / self.templates.last**2)
        return places, np.linalg.inv(state[2] + known)

    def _normal(
        self, flux: np.ndarray, weight: np.ndarray, places: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Chi-square, its downhill gradient and curvature, the brightness eliminated."""
        spectra, slopes = self.templates.between(places)
        power = (weight * spectra**2).sum(1).clip(min=1e-300)
        scale = (weight * spectra * flux).sum(1).clip(min=0) / power
        residual = flux - scale[:, None] * spectra
        slopes = slopes * scale[:, None, None]
        weighted = slopes * weight[:, :, None]
        along = (weighted * spectra[:, :, None]).sum(1)
        curvature = weighted.transpose(0, 2, 1) @ slopes
        curvature = curvature - along[:, :, None] * along[:, None] / power[:, None, None]
        gradient = (weighted * residual[:, :, None]).sum(1)
        return (weight * residual**2).sum(1), gradient, curvature

    def _gaussian(self, places: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        """[object, sample, parameter], folded back at the grid's edges."""
        size = places.shape[1]
        points = torch.quasirandom.SobolEngine(size, scramble=True, seed=0).draw(SAMPLES)
        normal = ndtri(points.double().numpy().clip(1e-6, 1 - 1e-6))
        root = np.linalg.cholesky((covariance + covariance.transpose(0, 2, 1)) / 2)
        drawn = places[:, None] + normal @ root.transpose(0, 2, 1)
        last = self.templates.last
        folded = last - np.abs(np.mod(drawn, 2 * last) - last)
        return self.templates.values(folded)

    def _of_nodes(self, share: np.ndarray) -> np.ndarray:
        """[object, sample, parameter], spread over the cells of the nodes."""
        size = len(self.templates.axes)
        points = torch.quasirandom.SobolEngine(size + 1, scramble=True, seed=0).draw(SAMPLES)
        level = points.double().numpy()
        edges = share.cumsum(1)
        picked = np.stack([np.searchsorted(row / row[-1], level[:, 0]) for row in edges])
        picked = picked.clip(max=share.shape[1] - 1)
        places = self.templates.nodes[picked] + level[:, 1:] - 0.5
        return self.templates.values(np.clip(places, 0, self.templates.last))


def _chosen(fits: np.ndarray, grids: np.ndarray, wide: np.ndarray) -> np.ndarray:
    """[object, sample, quantity] of the grid where wide [object, quantity], else of the fit."""
    return np.where(wide[:, None], grids, fits)


def _crps(samples: np.ndarray, truth: np.ndarray) -> float:
    """Mean over the objects and quantities, in units of each quantity's spread."""
    ordered = np.sort(samples, 1)
    count = samples.shape[1]
    rank = (2 * np.arange(1, count + 1) - count - 1) / count**2
    near = np.abs(samples - truth[:, None]).mean(1) - (rank[:, None] * ordered).sum(1)
    return float((near / truth.std(0).clip(min=1e-9)).mean())
