"""Line settings: how lines are fitted best, by spectra whose fluxes are known."""

from dataclasses import replace
from itertools import product

import torch
from torch import Tensor

from deepfield.rivals.line_fluxes import LineFluxes
from deepfield.rivals.spectra import KnownSpectra

WIDTHS = (4.25e-4, 4.4e-4, 4.55e-4, 4.75e-4)
FLOORS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.08)
DETECTED = 5.0
"""errors, above which a line's flux is compared with the truth"""


def tuned(fit: LineFluxes, names: tuple[str, ...], spectra: KnownSpectra) -> LineFluxes:
    """The fit with the width, continuum, absorption and floor that do best at true redshifts.

    Args:
        fit: of some lines.
        names: of the log fluxes in the truth.
        spectra: with known fluxes; where fewer than ten are known, the fit stays.
    """
    true = torch.stack([spectra.truth[name] for name in names], 1)
    shift = torch.log1p(spectra.redshift)
    known = true.isfinite().all(1)
    if int(known.sum()) < 10:
        return fit
    shown = (spectra.flux[known], spectra.weight[known], spectra.wavelength, shift[known])
    tried = []
    for width, degree, absorption in product(WIDTHS, (1, 2), (False, True)):
        one = replace(fit, width=width, degree=degree, absorption=absorption)
        _, error, detected = _errors(one, shown, true[known])
        tried.append((float(error[detected].abs().median()), one))
    best = min(tried, key=lambda each: each[0])[1]
    pulls = []
    for floor in FLOORS:
        one = replace(best, floor=floor)
        sigma, error, detected = _errors(one, shown, true[known])
        pull = (error[detected].abs() / sigma[detected]).quantile(0.68)
        pulls.append((abs(float(pull.log())), one))
    return min(pulls, key=lambda each: each[0])[1]


def _errors(
    fit: LineFluxes, shown: tuple[Tensor, Tensor, Tensor, Tensor], true: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Sigma and error over the true flux, and which lines are detected; [object, line]."""
    flux, covariance = fit(*shown)
    sigma = covariance.diagonal(dim1=1, dim2=2).sqrt() / 10**true
    return sigma, flux / 10**true - 1, sigma * DETECTED < 1
