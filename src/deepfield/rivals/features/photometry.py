"""Photometry: magnitudes and colours of the whole object."""

from dataclasses import dataclass, replace
from itertools import pairwise
from math import log

import numpy as np
import torch

from deepfield.nouns.batch import Batch, missing
from deepfield.rivals import band_fluxes
from deepfield.rivals.features.picture import unmeasured_as_nan, varied
from deepfield.rivals.stamps import prepare


@dataclass(frozen=True)
class Photometry:
    """Asinh magnitudes of every band, colours of neighbouring bands, and signal-to-noise ratios.

    The light is that of ``band_fluxes``; a magnitude is softened at the object's own error
    (Lupton, Gunn & Szalay 1999, AJ 118, 1406), so that a flux which is not detected, or negative,
    has one too. NaN where a band is missing.

    Example:
        >>> batch = Batch(np.array(["a"]), torch.rand(1, 3, 32, 32), ("g", "r", "i"))
        >>> Photometry()(batch).shape  # 3 magnitudes, 2 colours, 3 ratios
        (1, 8)
    """

    def __call__(self, batch: Batch) -> np.ndarray:
        """[object, feature]."""
        stamps = prepare(batch)
        variance = batch.variance
        if variance is None:
            variance = stamps.sigma.square()[..., None, None]
        variance = variance.expand_as(batch.values).masked_fill(missing(batch), torch.inf)
        # Apertures do not subtract the sky themselves.
        above = replace(batch, values=stamps.channels, variance=variance)
        found = band_fluxes.fluxes(above)
        seen = np.isfinite(found.sigma) & (found.sigma > 0)
        sigma = np.where(seen, found.sigma, 1.0)
        ratio = np.where(seen, found.flux / sigma, np.nan)
        softened = np.arcsinh(ratio / 2) + np.log(sigma)
        magnitudes = band_fluxes.ZERO - 2.5 / log(10) * softened
        colours = [magnitudes[:, a] - magnitudes[:, b] for a, b in pairwise(range(ratio.shape[1]))]
        measured = (stamps.measured & varied(stamps.image)).numpy()
        parts = [magnitudes, *(colour[:, None] for colour in colours), np.arcsinh(ratio)]
        return unmeasured_as_nan(np.concatenate(parts, 1), measured)
