"""Fit: Levenberg-Marquardt for many galaxies at once."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from deepfield.likelihood.evidence import chi_square
from deepfield.likelihood.model import Model
from deepfield.likelihood.normal import Normal, normal
from deepfield.likelihood.pixels import Pixels
from deepfield.likelihood.prior import Prior

FIRST = 0.01
"""Damping at the start, as a share of the diagonal."""
FREE = 1e-5
"""Damping that no longer matters."""
STUCK = 1e6
"""Damping at which no step downhill is left."""
LONGEST = 1.5
"""Longest step of a parameter: of all logarithms a factor of 4.5, of the centre in pixels."""


@dataclass(frozen=True)
class Fit:
    """The best parameters of every object.

    Args:
        parameters: [object, parameter] of the model; NaN = not fitted, or of a missing band.
        covariance: [object, parameter, parameter], from the curvature of chi^2; NaN likewise.
        chi_square: [object] of pixels and prior.
        degrees_of_freedom: [object] pixels less parameters, 0 where there are fewer pixels.
        iterations: [object] sets of derivatives from all starts.
        converged: [object] bool.
    """

    parameters: Tensor
    covariance: Tensor
    chi_square: Tensor
    degrees_of_freedom: Tensor
    iterations: Tensor
    converged: Tensor

    def __len__(self) -> int:
        return len(self.parameters)


@dataclass(frozen=True)
class Settings:
    """How long to try.

    Args:
        iterations: steps from the best start, at most, those uphill counted in.
        trials: steps from several starts, before the best alone goes on.
        first: the same, before the worse half of them is dropped.
        tolerance: a fit has converged where a step lowers chi^2 by less.

    Raises:
        ValueError: numbers that are not positive.
    """

    iterations: int = 40
    trials: int = 5
    first: int = 1
    tolerance: float = 0.1

    def __post_init__(self) -> None:
        if min(self.iterations, self.trials, self.first, self.tolerance) <= 0:
            raise ValueError(
                f"iterations {self.iterations}, trials {self.trials}, first {self.first}, "
                f"tolerance {self.tolerance}; expected positive numbers"
            )


QUICK = Settings()
PATIENT = Settings(iterations=100)
"""For a catalogue: few fits that would still converge are given up."""


@torch.no_grad()
def fit(
    model: Model,
    pixels: Pixels,
    start: Tensor,
    *,
    prior: Prior | None = None,
    settings: Settings = QUICK,
) -> Fit:
    """Least squares by Levenberg-Marquardt (Marquardt 1963), damped for each object alone.

    Args:
        model: of the images.
        pixels: of the objects.
        start: [object, start, parameter]; of several the one that leads deepest is kept.
        prior: Gaussian, of every object or one of all.
        settings: how long to try.

    Returns:
        of every object; where there are no pixels or no finite start it is NaN and not converged.

    Raises:
        ValueError: starts of another shape.

    Example:
        >>> from deepfield.likelihood.pixels import pixels
        >>> from deepfield.nouns.psf import Psf
        >>> from deepfield.render.psf import moffat
        >>> psf, model = Psf(moffat(3.0, 3.0, side=31)[None, None]), Model(64)
        >>> true = torch.tensor([[5.0, 1.5, 0.3, 0.2, 0.7, 0.1, 0.2]])
        >>> found = fit(model, pixels(model.images(true, psf), psf), 0.8 * true[:, None])
        >>> bool(found.converged), bool(torch.allclose(found.parameters, true, atol=0.01))
        (True, True)
    """
    shape = (len(pixels), start.shape[1] if start.ndim == 3 else 1, model.count)
    if tuple(start.shape) != shape:
        raise ValueError(
            f"starts have shape {tuple(start.shape)}; expected [object, start, parameter] of "
            f"{len(pixels)} objects and {model.count} parameters"
        )
    objects = torch.arange(len(pixels), device=start.device)
    good = (pixels.used().sum(1) > 0) & start.isfinite().all(2).any(1)
    rows = good.nonzero()[:, 0].repeat_interleave(shape[1])
    at = start[good].flatten(0, 1)
    at = torch.where(at.isfinite().all(1, keepdim=True), at, 0.0)
    trying = _Descent(model, pixels, rows, at, prior, settings)
    if shape[1] > 1:
        first = min(settings.first, settings.trials)
        trying.go(first, starts=shape[1], keep=-(-shape[1] // 2))
        trying.go(settings.trials - first, starts=shape[1], keep=1)
        trying.keep_best(shape[1])
    trying.go(settings.iterations)
    return _result(trying, objects, model, pixels)


class _Descent:
    """Rows of parameters on their way down."""

    def __init__(
        self,
        model: Model,
        pixels: Pixels,
        objects: Tensor,
        at: Tensor,
        prior: Prior | None,
        settings: Settings,
    ) -> None:
        self.model, self.pixels, self.objects, self.at = model, pixels, objects, at.clone()
        self.prior, self.tolerance = prior, settings.tolerance
        self.here = self._look(torch.arange(len(at), device=at.device), self.at)
        self.damping = torch.full_like(self.here.chi_square, FIRST)
        self.going = self.here.chi_square.isfinite()
        self.converged = torch.zeros_like(self.going)
        self.looks = torch.ones_like(objects)

    def keep_best(self, starts: int) -> None:
        """Only the deepest of so many starts of every object."""
        places = _ranked(self.here.chi_square.view(-1, starts))[:, 0]
        rows = torch.arange(len(places), device=places.device) * starts + places
        self.objects, self.at, self.here = self.objects[rows], self.at[rows], self.here.take(rows)
        self.damping, self.going = self.damping[rows], self.going[rows]
        self.converged = self.converged[rows]
        self.looks = self.looks.view(-1, starts).sum(1)

    def go(self, most: int, *, starts: int = 1, keep: int = 1) -> None:
        """So many steps at most; the last one leaves so many of the starts of every object."""
        for step in range(most):
            rows = self.going.nonzero()[:, 0]
            if len(rows) == 0:
                return
            rows = self._step(rows)
            if step == most - 1 and starts > 1:
                worse = _ranked(self.here.chi_square.view(-1, starts))[:, keep:]
                self.going.view(-1, starts).scatter_(1, worse, False)
            # An image costs a fifth of its derivatives: those are for steps that lead downhill,
            # and not the last ones.
            rows = rows[self.going[rows]]
            if len(rows) > 0:
                self.here.put(rows, self._look(rows, self.at[rows]))
                self.looks[rows] += 1

    def _look(self, rows: Tensor, at: Tensor) -> Normal:
        objects = self.objects[rows]
        prior = None if self.prior is None else self.prior.take(objects)
        return normal(self.model, at, self.pixels, objects, prior)

    def _height(self, rows: Tensor, at: Tensor) -> Tensor:
        objects = self.objects[rows]
        found = chi_square(self.model, self.pixels, at, objects).to(self.damping)
        if self.prior is None:
            return found
        return found + self.prior.take(objects).chi_square(at)

    def _step(self, rows: Tensor) -> Tensor:
        """One step of these rows; returns those that it led downhill by a checked height."""
        here, damping = self.here.take(rows), self.damping[rows]
        step = _solve(here, damping)
        gain = (step * (2 * here.slope - (here.matrix @ step[..., None])[..., 0])).sum(1)
        there = self.at[rows] + step.to(self.at)
        # A last step this small needs no check.
        last = (gain < self.tolerance) & (damping <= FIRST)
        self.at[rows[last]] = there[last]
        self.here.chi_square[rows[last]] -= gain[last]
        self._stop(rows[last])
        rows, there, damping, gain = rows[~last], there[~last], damping[~last], gain[~last]
        if len(rows) == 0:
            return rows
        height = self._height(rows, there)
        fall = self.here.chi_square[rows] - height
        ratio, better = fall / gain, fall > 0
        factor = torch.where(ratio > 0.75, 0.1, torch.where(ratio > 0.25, 0.5, 2.0))
        damping = damping * torch.where(better, factor, 8.0)
        self.damping[rows] = damping.clamp(min=FREE)
        self.going[rows] = damping < STUCK
        rows, there, fall, height = rows[better], there[better], fall[better], height[better]
        self.at[rows], self.here.chi_square[rows] = there, height
        self._stop(rows[fall < self.tolerance])
        return rows

    def _stop(self, rows: Tensor) -> None:
        self.converged[rows], self.going[rows] = True, False


def _solve(here: Normal, damping: Tensor) -> Tensor:
    """Damped steps [row, parameter], none longer than allowed."""
    diagonal = here.matrix.diagonal(dim1=1, dim2=2)
    scale = torch.where(diagonal > 0, diagonal, 1.0).rsqrt()
    alike = here.matrix * scale[:, None] * scale[..., None]
    alike = alike + torch.diag_embed(damping[:, None] + (diagonal <= 0).to(alike) + 1e-9)
    factor, _ = torch.linalg.cholesky_ex(alike)
    step = torch.cholesky_solve((here.slope * scale)[..., None], factor)[..., 0] * scale
    step = step.nan_to_num(0.0)
    return step * (LONGEST / step.abs().amax(1, keepdim=True)).clamp(max=1)


def _ranked(chi_square: Tensor) -> Tensor:
    """Places of the starts of every object, the deepest first, of [object, start]."""
    return chi_square.nan_to_num(torch.inf).argsort(dim=1, stable=True)


def _result(found: _Descent, objects: Tensor, model: Model, pixels: Pixels) -> Fit:
    """Every object's row, those without a fit NaN."""
    rows, matrix = found.objects, found.here.matrix
    diagonal = matrix.diagonal(dim1=1, dim2=2)
    known = (diagonal > 0) & found.here.chi_square.isfinite()[:, None]
    scale = torch.where(known, diagonal, 1.0).rsqrt()
    whole = torch.where(known[:, None] & known[..., None], matrix, 0.0)
    whole = whole * scale[:, None] * scale[..., None] + torch.diag_embed((~known).to(scale))
    inverse, failed = torch.linalg.inv_ex(whole)
    covariance = inverse * scale[:, None] * scale[..., None]
    bad = ~(known[:, None] & known[..., None]) | (failed != 0)[:, None, None]
    covariance = covariance.masked_fill(bad, torch.nan)
    at, number = found.at, len(objects)
    empty = Fit(
        parameters=at.new_full((number, model.count), torch.nan),
        covariance=at.new_full((number, model.count, model.count), torch.nan),
        chi_square=at.new_full((number,), torch.nan),
        degrees_of_freedom=pixels.used().sum(1),
        iterations=torch.zeros_like(objects),
        converged=torch.zeros_like(objects, dtype=torch.bool),
    )
    empty.parameters[rows] = at.masked_fill(~known, torch.nan)
    empty.covariance[rows] = covariance.to(at)
    empty.chi_square[rows] = found.here.chi_square.to(at)
    empty.iterations[rows] = found.looks
    empty.converged[rows] = found.converged & found.here.chi_square.isfinite()
    freedom = empty.degrees_of_freedom - empty.parameters.isfinite().sum(1)
    return replace(empty, degrees_of_freedom=freedom.clamp(min=0))
