"""Superposed: chance pairs, a star or galaxy on the outskirts of another galaxy."""

import math

import numpy as np
import torch

from deepfield.nouns.survey import Survey
from deepfield.render.draws import uniforms
from deepfield.render.noise import NANOJANSKY
from deepfield.sky.counts import of_magnitudes
from deepfield.sky.numbers import Numbers
from deepfield.sky.others import Others
from deepfield.sky.population import Galaxies

STARS = 0.4
RATIO = (0.02, 0.3)
"""of its flux to the galaxy's, log-uniform"""
DISTANCE = (1.3, 3.0)
"""from the galaxy's centre in its half-light radii"""


def superposed(
    galaxies: Galaxies,
    indices: np.ndarray,
    survey: Survey,
    *,
    seed: int,
    split: str,
    share: float,
) -> Others:
    """One star or galaxy on the outskirts of some of the galaxies, whatever their kind.

    Args:
        galaxies: those whose stamps they are.
        indices: [object] int, of the galaxies.
        survey: bands and pixel scale.
        seed, split: as of the galaxies; the numbers come from ``"<split> superposed"``.
        share: of galaxies that have one.

    Example:
        >>> from deepfield.sky.population import Population
        >>> from deepfield.sky.surveys import sdss
        >>> at = np.arange(5)
        >>> galaxies = Population().draw(at, sdss(), seed=1, split="train", size=64)
        >>> len(superposed(galaxies, at, sdss(), seed=1, split="train", share=1.0))
        5
    """
    uniform = uniforms(seed, f"{split} superposed", indices, 9)
    numbers = Numbers(uniform)
    there = numbers.chance(share).nonzero()[:, 0]
    # At least a PSF width off: nearer than that, there is one blob and no telling.
    fwhm = survey.bands[len(survey.bands) // 2].psf_fwhm / survey.pixel_scale
    distance = numbers.flat(DISTANCE) * galaxies.radius + fwhm
    angle = 2 * math.pi * numbers.next()
    flux = numbers.log_flat(RATIO) * galaxies.flux
    rows = torch.from_numpy(uniform[:, 4:])[there]
    return of_magnitudes(
        rows,
        there,
        (galaxies.x + distance * angle.cos())[there].float(),
        (galaxies.y + distance * angle.sin())[there].float(),
        (NANOJANSKY - 2.5 * torch.log10(flux))[there],
        stars=STARS,
        survey=survey,
    )
