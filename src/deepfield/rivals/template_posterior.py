"""Template posterior: class and redshift together, from chi-square and a prior."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from deepfield.rivals.redshift_scan import Scan
from deepfield.rivals.rest_frame import RestFrame
from deepfield.rivals.spectra import KnownSpectra

HISTOGRAM = 24
"""bins of a class' redshifts: its prior"""


class Setting(NamedTuple):
    """How templates are fitted.

    Args:
        templates: principal components of a class.
        polynomials: of the continuum, 0 = none.
        floor: error of the templates over the mean flux, added to the noise.
    """

    templates: int
    polynomials: int
    floor: float


@dataclass(frozen=True)
class TemplatePosterior:
    """Templates and priors of every class.

    Args:
        rests: the templates.
        edges: of each class' redshift prior, [class, edge], as shifts in points.
        shares: of all objects, [class, bin].
    """

    rests: tuple[RestFrame, ...]
    edges: np.ndarray
    shares: np.ndarray

    def log_posterior(
        self, flux: Tensor, weight: Tensor, setting: Setting, calibration: np.ndarray
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Of each class [object, shift] unnormalised log probabilities, and its shifts."""
        gains, priors = self._scanned(flux, weight, setting)
        logs = [
            gain * (0.5 * calibration[0]) + prior + calibration[1 + number]
            for number, (gain, (_, prior)) in enumerate(zip(gains, priors, strict=True))
        ]
        return logs, [shifts for shifts, _ in priors]

    def _scanned(
        self, flux: Tensor, weight: Tensor, setting: Setting
    ) -> tuple[list[Tensor], list[tuple[Tensor, Tensor]]]:
        """Of each class what chi-square gains [object, shift], its shifts, and its log prior."""
        level = (flux * weight).sum(1) / weight.sum(1).clamp(min=1e-30)
        softened = 1 / (1 / weight + (setting.floor * level)[:, None].square())
        gains, priors = [], []
        for rest, edges, share in zip(self.rests, self.edges, self.shares, strict=True):
            scan = Scan(rest, setting.templates, setting.polynomials, flux.shape[1])
            place = np.clip(np.searchsorted(edges, scan.shifts.numpy()) - 1, 0, HISTOGRAM - 1)
            density = np.log(share / np.diff(edges))
            gains.append(scan.gain(flux, softened))
            priors.append((scan.shifts, torch.from_numpy(density[place]).float()))
        return gains, priors

    def tuned(
        self, setting: Setting, shown: KnownSpectra, step: float
    ) -> tuple[float, Setting, np.ndarray]:
        """How badly a setting does on spectra whose answer is known, at its best calibration.

        Args:
            setting: of the fit.
            shown: the spectra.
            step: of their grid, in ln wavelength.

        Returns:
            mean surprise, the setting, and its temperature and offsets.
        """
        classes = len(self.rests)
        start = np.array([0.7, *[0.0] * classes])
        gains, priors = self._scanned(shown.flux, shown.weight, setting)
        true = (torch.log1p(shown.redshift.double()) / step)[:, None]
        near = [((shifts - true).abs() < 1.01).float().log() for shifts, _ in priors]

        def surprise(calibration: np.ndarray) -> float:
            every = [
                gain * (0.5 * calibration[0]) + prior + calibration[1 + i]
                for i, (gain, (_, prior)) in enumerate(zip(gains, priors, strict=True))
            ]
            total = torch.logsumexp(torch.cat(every, 1), 1)
            right = torch.stack(
                [torch.logsumexp(a + b, 1) for a, b in zip(every, near, strict=True)], 1
            )
            own = right.gather(1, shown.kind[:, None])[:, 0]
            # An answer that is out of reach costs as much as a very small probability.
            return float((total - own).clamp(max=30).mean())

        simplex = start + np.vstack([0 * start, np.diag([-0.4, *[8.0] * classes])])
        options = {"maxfev": 150, "initial_simplex": simplex}
        found = minimize(surprise, start, method="Nelder-Mead", options=options)
        return float(found.fun), setting, found.x
