"""Computes the ladder's weights: ``python -m deepfield.render.fit_ladder`` (a few seconds).

The blurred profile of every Sersic index follows from its Hankel transform (FFTLog, Hamilton
2000). Weights are the least-squares answer to all blurs that a survey can meet: what is minimised
is the error in units of the blurred peak, and of the light inside a circle.
"""

import numpy as np
from numpy.polynomial import chebyshev
from safetensors.numpy import save_file
from scipy.fft import fht, fhtoffset
from scipy.special import gamma, gammainc, gammaincinv

from deepfield.render.ladder import HIGHEST, LOWEST, TABLE, TERMS, deviations

NODES = 24
"""Sersic indices at which weights are fitted; the table holds as many Chebyshev coefficients."""
BLURS = np.geomspace(0.02, 4.0, 30)
"""Widths of Gaussian point spread functions, in half-light radii."""
RADII = np.concatenate([[0.0], np.geomspace(5e-3, 40.0, 100)])
RIDGE = 1e-5
"""Keeps weights small, hence smooth in the Sersic index, at no visible cost in accuracy."""
POINTS, STEP = 8192, 0.006
"""Logarithmic grid of the transforms."""


def spectrum(sersic_index: float) -> tuple[np.ndarray, np.ndarray]:
    """Hankel transform of a circular Sersic profile of unit flux and half-light radius.

    Args:
        sersic_index: n.

    Returns:
        wave numbers k (per half-light radius, log-spaced) and the transform there.

    Example:
        >>> k, values = spectrum(0.5)  # a Gaussian
        >>> error = values - np.exp(-(k**2) / (4 * np.log(2)))
        >>> bool(np.abs(error[k > 1e-2]).max() < 1e-6)
        True
    """
    n, b = sersic_index, gammaincinv(2 * sersic_index, 0.5)
    radius = np.exp((np.arange(POINTS) - (POINTS - 1) / 2) * STEP)
    flux = 2 * np.pi * n * gamma(2 * n) * b ** (-2 * n)
    return _hankel(radius, np.exp(-b * radius ** (1 / n)) / flux)


def blurred(sersic_index: float) -> np.ndarray:
    """Profile of unit flux, blurred by each of BLURS, at RADII: [blur, radius].

    Example:
        >>> blurred(1.0).shape == (len(BLURS), len(RADII))
        True
    """
    k, values = spectrum(sersic_index)
    rows = []
    for blur in BLURS:
        seen = values * np.exp(-0.5 * (k * blur) ** 2)
        radius, profile = _hankel(k, seen)
        centre = np.trapezoid(seen * k**2, np.log(k)) * 2 * np.pi
        outside = np.interp(np.log(RADII[1:]), np.log(radius), profile)
        rows.append(np.concatenate([[centre], outside]) / (2 * np.pi) ** 2)
    return np.array(rows)


def fit(sersic_index: float) -> np.ndarray:
    """Weights [term] of the ladder for one Sersic index; they sum to 1.

    Example:
        >>> int(fit(0.5).argmax())  # a Gaussian is a term of the ladder
        13
    """
    variance = deviations().numpy() ** 2
    total = BLURS[:, None, None] ** 2 + variance
    terms = np.exp(-0.5 * RADII[:, None] ** 2 / total) / (2 * np.pi * total)
    target = blurred(sersic_index)
    peak = target[:, :1]
    circles = RADII[RADII > 0.1]
    b = gammaincinv(2 * sersic_index, 0.5)
    light = gammainc(2 * sersic_index, b * circles ** (1 / sersic_index))
    rows = [
        (terms / peak[..., None]).reshape(-1, TERMS),
        1 - np.exp(-0.5 * circles[:, None] ** 2 / variance),
        np.full((1, TERMS), 1e3),
        RIDGE * np.sqrt(terms.size / TERMS) * np.eye(TERMS),
    ]
    wanted = [(target / peak).ravel(), light, [1e3], np.zeros(TERMS)]
    weights = np.linalg.lstsq(np.concatenate(rows), np.concatenate(wanted), rcond=None)[0]
    return weights / weights.sum()


def table() -> np.ndarray:
    """Chebyshev coefficients [order, term] of the weights in log n."""
    middle, half = np.log(HIGHEST * LOWEST) / 2, np.log(HIGHEST / LOWEST) / 2
    nodes = chebyshev.chebpts1(NODES)
    fitted = np.array([fit(n) for n in np.exp(middle + half * nodes)])
    return chebyshev.chebfit(nodes, fitted, NODES - 1)


def _hankel(x: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two-dimensional Fourier transform of a circular function sampled on a log grid."""
    offset = fhtoffset(STEP, mu=0.0)
    transformed = fht(2 * np.pi * x * values, STEP, mu=0.0, offset=offset)
    k = np.exp(offset) / x[::-1]
    return k, transformed / k


if __name__ == "__main__":
    save_file({"series": table()}, TABLE)
    print(f"wrote {TABLE}")
