"""Cross-correlation: redshift and class by the templates that fit best, then the lines."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.batch import Batch, missing
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Classes, Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source
from deepfield.rivals.line_fluxes import LineFluxes, log_fluxes
from deepfield.rivals.line_settings import tuned
from deepfield.rivals.redshift_scan import PHASES
from deepfield.rivals.rest_frame import principal_components
from deepfield.rivals.shifts import even_samples, peak
from deepfield.rivals.spectra import KnownSpectra, known_spectra, weighted
from deepfield.rivals.template_posterior import HISTOGRAM, Setting, TemplatePosterior

SAMPLES = 256
CHUNK = 128
SETTINGS = (
    *(Setting(count, 0, floor) for count in (8, 14) for floor in (0.02, 0.06)),
    Setting(14, 3, 0.02),
)


@dataclass
class CrossCorrelation:
    """Chi-square of principal components over all redshifts (Tonry & Davis 1979; Bolton+12).

    Templates of every class come from the training spectra at their true redshifts. How many
    are used and whether the continuum goes with a polynomial is chosen on the validation
    spectra, as are the templates' own error, one temperature of chi-square, one offset a class,
    and how lines are fitted. The classes' n(z) is the prior.

    Args:
        target: name of the classes.
        lines: windows that are fitted at the redshift found, by the log fluxes they give.
        emitters: class whose lines are measured.
        ratios: of further quantities the log fluxes that they are the difference of.
        settings: to choose from.
        limit: training objects that it can afford, and ``tuning`` validation objects.

    Example:
        >>> CrossCorrelation("kind").settings[0]
        Setting(templates=8, polynomials=0, floor=0.02)
    """

    target: str
    lines: Mapping[tuple[str, ...], LineFluxes] = field(default_factory=dict)
    emitters: int = 1
    ratios: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    settings: tuple[Setting, ...] = SETTINGS
    limit: int | None = 6000
    tuning: int = 400
    kind: Quantity = field(init=False, repr=False)
    quantities: tuple[Quantity, ...] = field(init=False, repr=False)
    wavelength: Tensor = field(init=False, repr=False)
    step: float = field(init=False, repr=False)
    posterior: TemplatePosterior = field(init=False, repr=False)
    setting: Setting = field(init=False, repr=False)
    calibration: np.ndarray = field(init=False, repr=False)

    def fit(self, source: Source) -> Self:
        """Templates from the training part, settings from the validation part.

        Raises:
            ValueError: spectra without wavelengths, or a class with too few objects.
        """
        fitted = copy(self)
        train, held_out = source.part("train"), source.part("validation")
        learnt = known_spectra(train, self.target, self.limit)
        names = tuple(name for asked in self.lines for name in asked)
        fitted.kind, fitted.wavelength = train.quantity(self.target), learnt.wavelength
        fitted.step = learnt.step
        fitted.quantities = tuple(
            train.quantity(name) for name in ("redshift", *names, *self.ratios)
        )
        fitted.posterior = self._templates(learnt, len(fitted.kind.classes))
        known = known_spectra(held_out, self.target, self.tuning, names)
        tried = [fitted.posterior.tuned(each, known, learnt.step) for each in self.settings]
        _, fitted.setting, fitted.calibration = min(tried, key=lambda each: each[0])
        fitted.lines = {asked: tuned(fit, asked, known) for asked, fit in self.lines.items()}
        return fitted

    def predict(self, batch: Batch) -> Prediction:
        """Class, redshift and log fluxes; NaN for objects without pixels.

        Raises:
            ValueError: spectra on another grid than the training's.
        """
        nm = batch.wavelength
        if (
            nm is None
            or nm.shape != self.wavelength.shape
            or not bool(((nm / self.wavelength - 1).abs() < 0.1 * self.step).all())
        ):
            raise ValueError(
                f"values of shape {tuple(batch.values.shape)}; expected spectra on the training "
                f"grid, {float(self.wavelength[0]):.2f} to {float(self.wavelength[-1]):.2f} nm in "
                f"{len(self.wavelength)} points: bring them there with deepfield.data.resampled"
            )
        parts = [self._answer(batch.take(rows)) for rows in torch.arange(len(batch)).split(CHUNK)]
        return Prediction.join(parts).blank(missing(batch).flatten(1).all(1))

    def _templates(self, learnt: KnownSpectra, classes: int) -> TemplatePosterior:
        shift = torch.log1p(learnt.redshift.double()) / learnt.step
        most = max(setting.templates for setting in self.settings)
        rests, edges, shares = [], [], []
        for number in range(classes):
            rows = learnt.kind == number
            if int(rows.sum()) <= most:
                raise ValueError(
                    f"{int(rows.sum())} training spectra of class {number}; expected more than "
                    f"{most}, one for every template"
                )
            own = shift[rows].float()
            rests.append(
                principal_components(
                    learnt.flux[rows],
                    1 / learnt.weight[rows],
                    own,
                    count=most,
                    origin=int(shift.max()) + 8,
                )
            )
            limits = np.linspace(float(own.min()) - 2, float(own.max()) + 2, HISTOGRAM + 1)
            counts = np.histogram(own, limits)[0] + 0.5
            edges.append(limits)
            shares.append(counts / counts.sum() * float(rows.float().mean()))
        return TemplatePosterior(tuple(rests), np.stack(edges), np.stack(shares))

    def _answer(self, batch: Batch) -> Prediction:
        flux, weight = weighted(batch)
        logs, shifts = self.posterior.log_posterior(flux, weight, self.setting, self.calibration)
        every = torch.cat(logs, 1).log_softmax(1)
        parts = every.split([part.shape[1] for part in logs], 1)
        kinds = torch.stack([part.exp().sum(1) for part in parts], 1)
        drawn = even_samples(every, torch.cat(shifts), PHASES, SAMPLES) * self.step
        best = peak(parts[self.emitters], shifts[self.emitters]) * self.step
        fluxes = self._fluxes(flux, weight, best, kinds.argmax(1) == self.emitters)
        both = torch.cat([torch.expm1(drawn)[..., None], *fluxes], 2)
        names = [quantity.name for quantity in self.quantities]
        more = [
            both[..., names.index(top), None] - both[..., names.index(bottom), None]
            for top, bottom in self.ratios.values()
        ]
        posterior = Posterior(self.quantities, torch.cat([both, *more], 2))
        return Prediction({self.target: Classes(self.kind, kinds), "posterior": posterior})

    def _fluxes(self, flux: Tensor, weight: Tensor, shift: Tensor, of: Tensor) -> list[Tensor]:
        """[object, sample, line] log fluxes of every window; NaN of all but the emitters."""
        start = torch.quasirandom.SobolEngine(8, scramble=True, seed=1)
        points = start.draw(SAMPLES).clamp(1e-6, 1 - 1e-6)
        out = []
        for fit in self.lines.values():
            found, covariance = fit(flux, weight, self.wavelength, shift)
            found = torch.where(of[:, None], found, torch.nan)
            out.append(log_fluxes(found, covariance, points[:, : fit.asked]))
        return out
