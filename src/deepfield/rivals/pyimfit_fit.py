"""pyimfit: galaxies fitted one by one with Levenberg-Marquardt (Erwin 2015, ApJ 799, 226).

pyimfit is under the GPL and an optional extra: it is imported where it runs, and nowhere else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from typing import Any, ClassVar, Self

import numpy as np
import torch
from scipy.stats import norm, qmc
from torch import Tensor

from deepfield.nouns.batch import Batch, missing
from deepfield.nouns.posterior import HALF_TURN, Posterior
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.source import Source
from deepfield.rivals.imfit_stamp import Stamp, covariance, fit_stamp, kernels
from deepfield.rivals.profile_guess import Guess, guess, middle
from deepfield.rivals.profile_models import BULGE_DISC, SERSIC, Limits, ProfileModel

PAIRED = 32
"""samples to either side of the best fit"""
WIDE = Limits()
Start = Callable[..., Tensor]
"""a ``Guess`` and ``scale``, arcsec per pixel -> numbers [object, quantity] of a model"""


@dataclass(frozen=True)
class Fits:
    """Best fits of some objects.

    Args:
        numbers: [object, quantity] in the order of the model; NaN = failed.
        covariance: [object, quantity, quantity].
        chi_square: [object].
        seconds: [object] of the processor, in pyimfit's fits alone.
    """

    numbers: np.ndarray
    covariance: np.ndarray
    chi_square: np.ndarray
    seconds: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)


def best(every: Sequence[Fits]) -> Fits:
    """Of every object the fit with the lowest chi-square; ``seconds`` are those of all.

    Args:
        every: fits of the same objects from several starts.

    Example:
        >>> one, other = (Fits(np.full((1, 1), x), np.ones((1, 1, 1)), np.array([x]), np.ones(1))
        ...               for x in (7.0, 5.0))
        >>> best([one, other]).numbers.item(), best([one, other]).seconds.item()
        (5.0, 2.0)
    """
    chi_square = np.stack([fits.chi_square for fits in every])
    pick = np.where(np.isnan(chi_square), np.inf, chi_square).argmin(0), np.arange(len(every[0]))
    return Fits(
        np.stack([fits.numbers for fits in every])[pick],
        np.stack([fits.covariance for fits in every])[pick],
        chi_square[pick],
        np.sum([fits.seconds for fits in every], 0),
    )


@dataclass(frozen=True)
class _Pyimfit:
    """Fits of one model.

    Args:
        starts: 1 to 3 fits an object, from different starts; the best chi-square counts.
        limits: of what a fit may answer.
        affordable: objects that it can do, at seconds each.

    Raises:
        ValueError: no start, or more than there are.
    """

    starts: int = 1
    limits: Limits = WIDE
    affordable: int = 200
    limit: int | None = None
    model: ClassVar[ProfileModel]
    begins: ClassVar[tuple[Start, ...]]

    def __post_init__(self) -> None:
        if self.starts not in range(1, len(self.begins) + 1):
            raise ValueError(
                f"starts is {self.starts}; expected 1 to {len(self.begins)} fits an object"
            )

    def fit(self, source: Source) -> Self:
        """Nothing to learn."""
        return self

    def predict(self, batch: Batch) -> Prediction:
        """The Gaussian of every fit's errors, cut at its limits; NaN where a fit failed.

        Args:
            batch: images with PSF and survey; the middle channel is fitted.

        Raises:
            ValueError: pyimfit is not installed, or the batch has no PSF or survey.
        """
        fits = best(self.fits(batch))
        assert batch.survey is not None
        return self.answer(fits, batch.survey.pixel_scale)

    def answer(self, fits: Fits, scale: float) -> Prediction:
        """What ``predict`` makes of fits.

        Args:
            fits: of some objects.
            scale: arcsec per pixel.
        """
        width = np.linalg.cholesky(fits.covariance)
        away = np.einsum("oqr,sr->osq", width, _normals(len(self.model.quantities)))
        samples = fits.numbers[:, None] + away
        for i, quantity in enumerate(self.model.quantities):
            # Cut, not drawn again: the median stays the best fit.
            samples[:, :, i] = samples[:, :, i].clip(*self.limits.of(quantity.name, scale))
            if quantity.kind == "angle":
                samples[:, :, i] %= HALF_TURN
        found = Posterior(self.model.quantities, torch.from_numpy(samples).float())
        return Prediction({"posterior": found})

    def fits(self, batch: Batch) -> list[Fits]:
        """The fits from every start; ``best`` picks, ``answer`` makes a prediction of them.

        Args:
            batch: as for ``predict``.
        """
        if batch.psf is None or batch.survey is None:
            lacking = "PSF" if batch.psf is None else "survey"
            raise ValueError(f"the batch has no {lacking}; a profile fit needs one: add it")
        pyimfit, found = _pyimfit(), guess(batch)
        stamps = _stamps(batch, found)
        scale = batch.survey.pixel_scale
        starts = [begin(found, scale=scale) for begin in self.begins[: self.starts]]
        every = [_nothing(len(batch), len(self.model.quantities)) for _ in starts]
        for i in found.measured.nonzero()[:, 0].tolist():
            for start, fits in zip(starts, every, strict=True):
                begun = start[i].double().numpy()
                fitted = fit_stamp(pyimfit, stamps[i], self.model, begun, self.limits)
                fits.numbers[i], fits.seconds[i] = fitted.numbers, fitted.seconds
                if np.isfinite(fitted.chi_square):
                    fits.chi_square[i] = fitted.chi_square
                    fits.covariance[i] = covariance(fitted, stamps[i], self.model, self.limits)
        return every


@dataclass(frozen=True)
class PyimfitBulgeDisc(_Pyimfit):
    """A Sersic bulge in an exponential disc, as users of imfit fit it.

    Started from the light's moments: bulge and disc alike, then a dominant bulge, then a dominant
    disc. No sky level: images are sky-subtracted.

    Args:
        starts, limits, affordable, limit: see ``PyimfitSersic``.

    Example:
        >>> PyimfitBulgeDisc(starts=3).affordable
        200
    """

    model = BULGE_DISC
    begins = (
        partial(Guess.bulge_disc, bulge=0.5, radius_bulge=0.5, radius_disc=1.0, index=3.0),
        partial(Guess.bulge_disc, bulge=0.8, radius_bulge=1.0, radius_disc=1.0, index=3.0),
        partial(Guess.bulge_disc, bulge=0.2, radius_bulge=0.4, radius_disc=1.0, index=3.0),
    )


@dataclass(frozen=True)
class PyimfitSersic(_Pyimfit):
    """A single Sersic profile, started from the light's moments with an index of 2, 1 or 4.

    Args:
        starts: 1 to 3 fits an object, from different starts; the best chi-square counts.
        limits: of what a fit may answer.
        affordable: objects that it can do, at seconds each.
        limit: of training objects; it learns from none.

    Example:
        >>> PyimfitSersic().starts
        1
    """

    model = SERSIC
    begins = tuple(partial(Guess.sersic, index=index) for index in (2.0, 1.0, 4.0))


def _stamps(batch: Batch, found: Guess) -> list[Stamp]:
    assert batch.psf is not None and batch.survey is not None
    one = middle(batch.to("cpu"))
    assert one.psf is not None
    bad = missing(one)[:, 0]
    images = one.values[:, 0].double().masked_fill(bad, 0)
    if one.variance is None:
        sigma = found.sigma[:, None, None].double().expand_as(images)
    else:
        sigma = one.variance.double().expand(one.values.shape)[:, 0].sqrt()
    sigma, psf = sigma.masked_fill(bad, 1), kernels(one.psf)
    return [
        Stamp(image.numpy(), s.numpy(), b.numpy(), psf[i % len(psf)], batch.survey.pixel_scale)
        for i, (image, s, b) in enumerate(zip(images, sigma, bad, strict=True))
    ]


def _nothing(count: int, quantities: int) -> Fits:
    """No fit of any object; a covariance of 1 can be taken apart."""
    return Fits(
        np.full((count, quantities), np.nan),
        np.tile(np.eye(quantities), (count, 1, 1)),
        np.full(count, np.nan),
        np.zeros(count),
    )


@cache
def _normals(count: int) -> np.ndarray:
    """[sample, number] of a unit Gaussian, every one with its opposite, and 0: the median."""
    half: np.ndarray = norm.ppf(qmc.Sobol(count, scramble=True, seed=0).random(PAIRED))
    return np.concatenate([half, np.zeros((1, count)), -half])


def _pyimfit() -> Any:
    try:
        return import_module("pyimfit")
    except ModuleNotFoundError as error:
        raise ValueError(
            "pyimfit is not installed; this rival needs it: pip install pyimfit"
        ) from error
