"""One stamp and imfit: a fit of a profile to it, and the errors of that fit."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepfield.nouns.psf import Psf
from deepfield.rivals.profile_models import PARAMETERS, Limits, ProfileModel

KERNEL = 31
"""px, largest side of a PSF: imfit's time grows with it"""
DRIFT = 8.0
"""px that a centre may move from where it starts"""
TOLERANCE = 1e-6
"""change of chi-square, over it, at which a fit has converged: imfit's own 1e-8 takes a third more
time for the same answers, 1e-4 changes them"""
STEPS = {"flux": 0.01, "angle": 0.5, "point": 0.02}
"""mag, deg and px between the two models of a derivative"""
STEP = 0.01
"""of all others, over their value"""
UNKNOWN = {"flux": 3.0, "angle": 90.0, "point": DRIFT}
"""mag, deg and px: no error is larger"""


@dataclass(frozen=True)
class Stamp:
    """Pixels of one galaxy as imfit wants them.

    Args:
        image: [y, x].
        sigma: [y, x] noise.
        bad: [y, x] bool, pixels that do not count.
        psf: [y, x] as of ``kernels``.
        scale: arcsec per pixel.
    """

    image: np.ndarray
    sigma: np.ndarray
    bad: np.ndarray
    psf: np.ndarray
    scale: float


@dataclass(frozen=True)
class Fitted:
    """Where a fit ended.

    Args:
        numbers: [quantity] of the model; NaN where it did not converge.
        chi_square: infinite where it did not converge.
        seconds: of the processor.
        imfit: what fitted it, with its data.
    """

    numbers: np.ndarray
    chi_square: float
    seconds: float
    imfit: Any


def kernels(psf: Psf) -> np.ndarray:
    """PSFs at image pixels, at most 31 px a side, with the integration over pixels taken out.

    Imfit integrates profiles over pixels itself: a PSF that holds the pixel would count it twice,
    and is farther from GalSim's images by half.

    Returns:
        [object or 1, y, x] float64 of the first channel, sums of 1.

    Example:
        >>> from deepfield.render.psf import moffat
        >>> wide, sharp = moffat(3.0, 3.0, side=41)[None, None], None
        >>> sharp = kernels(Psf(wide))
        >>> sharp.shape, bool(sharp.max() > wide.max())
        ((1, 31, 31), True)
    """
    fine, finer = psf.kernel[:, 0].double().cpu().numpy(), psf.oversampling
    middle = fine.shape[-2] // 2, fine.shape[-1] // 2
    rows, columns = (slice(m % finer, None, finer) for m in middle)
    seen = np.fft.ifftshift(fine[:, rows, columns], (-2, -1))
    pixel = np.outer(*(np.sinc(np.fft.fftfreq(side)) for side in seen.shape[-2:]))
    sharp = np.fft.fftshift(np.fft.ifft2(np.fft.fft2(seen) / pixel).real, (-2, -1))
    cut = [slice(max(0, (n - KERNEL) // 2), (n + min(n, KERNEL)) // 2) for n in sharp.shape[-2:]]
    sharp = sharp[:, cut[0], cut[1]]
    return sharp / sharp.sum((-2, -1), keepdims=True)


def fit_stamp(
    pyimfit: Any, stamp: Stamp, model: ProfileModel, start: np.ndarray, limits: Limits
) -> Fitted:
    """Levenberg-Marquardt from one start.

    ``maxThreads`` of pyimfit 1.1 does not reach its Fourier transforms, which take a thread a
    core; seconds of the processor count all threads, and are the same with one.

    Args:
        pyimfit: the module.
        stamp, model: what is fitted.
        start: [quantity].
        limits: of the parameters; the start is moved inside.
    """
    begun = time.process_time()
    imfit = pyimfit.Imfit(
        _description(model, model.to_imfit(start, stamp.scale), limits),
        psf=stamp.psf,
        maxThreads=1,
    )
    mask = stamp.bad if stamp.bad.any() else None
    found = imfit.fit(stamp.image, error=stamp.sigma, mask=mask, ftol=TOLERANCE)
    spent = time.process_time() - begun
    numbers = np.full(len(start), np.nan)
    if found.get("fitConverged", False):
        numbers = model.from_imfit(found.params, stamp.scale)
    if not np.isfinite(numbers).all():
        return Fitted(np.full(len(start), np.nan), float("inf"), spent, imfit)
    return Fitted(numbers, float(found.fitStat), spent, imfit)


def covariance(fitted: Fitted, stamp: Stamp, model: ProfileModel, limits: Limits) -> np.ndarray:
    """[quantity, quantity] of a fit's errors: imfit tells their sizes alone.

    The inverse of the Fisher matrix, from differences of imfit's own models. What the pixels say
    nothing of (the index of a bulge without light) is as uncertain as its limits are wide.
    """
    width = np.ones(len(fitted.numbers))
    step = np.abs(STEP * fitted.numbers) + 1e-6
    for i, quantity in enumerate(model.quantities):
        low, high = limits.of(quantity.name, stamp.scale)
        width[i] = UNKNOWN.get(quantity.kind, high - low)
        step[i] = STEPS.get(quantity.kind, step[i])
    inside = step < width
    step = np.where(inside, step, width)

    def seen(numbers: np.ndarray) -> np.ndarray:
        parameters = model.to_imfit(numbers, stamp.scale)
        image = fitted.imfit.getModelImage(newParameters=parameters)
        return np.where(stamp.bad, 0, image / stamp.sigma).ravel()

    best = seen(fitted.numbers)
    changes = np.stack(
        [
            (seen(fitted.numbers + row) - best) / d
            for row, d in zip(np.diag(step), step, strict=True)
        ]
    )
    # In units of the widths, so that angles and magnitudes meet as equals.
    fisher = (changes @ changes.T) * np.outer(width, width)
    inverse: np.ndarray = np.linalg.inv(fisher + np.eye(len(width)))
    return inverse * np.outer(width, width)


def _description(model: ProfileModel, parameters: np.ndarray, limits: Limits) -> dict[str, Any]:
    """What imfit reads: every parameter's start and limits."""
    (x, y), rest = parameters[:2].tolist(), iter(parameters[2:].tolist())

    def limited(name: str) -> list[float]:
        low, high = limits.of_imfit(name)
        return [min(max(next(rest), low), high), low, high]

    functions = [
        {"name": f, "label": f, "parameters": {name: limited(name) for name in PARAMETERS[f]}}
        for f in model.functions
    ]
    centre = {"X0": [x, x - DRIFT, x + DRIFT], "Y0": [y, y - DRIFT, y + DRIFT]}
    return {"function_sets": [{**centre, "function_list": functions}]}
