"""Band fluxes: the total light of every object in every band, with its error."""

from dataclasses import dataclass
from math import log

import numpy as np
import torch

from deepfield.nouns.batch import Batch, missing
from deepfield.nouns.source import Source
from deepfield.rivals.apertures import offsets, profile
from deepfield.rivals.examples import batches

ZERO = 31.4
"""AB magnitude of 1 nJy"""
COLOUR = 1.5
"""half-light radii of the aperture that colours are measured in"""


@dataclass(frozen=True)
class Fluxes:
    """What a table of photometry holds.

    Args:
        flux: [object, channel] nJy; anything where it is missing.
        sigma: [object, channel] nJy; infinite where missing.
    """

    flux: np.ndarray
    sigma: np.ndarray

    def magnitudes(self, softening: np.ndarray) -> np.ndarray:
        """[object, channel] asinh magnitudes (Lupton, Gunn & Szalay 1999); NaN where missing.

        Args:
            softening: [channel] flux where they turn from linear to logarithmic, nJy: the noise.

        Example:
            >>> bright = Fluxes(np.array([[1000.0]]), np.array([[1.0]]))
            >>> bright.magnitudes(np.array([1.0])).round(2).tolist()  # 31.4 - 2.5 log10(1000)
            [[23.9]]
        """
        value = np.arcsinh(self.flux / (2 * softening)) + np.log(softening)
        return np.where(np.isfinite(self.sigma), ZERO - 2.5 / log(10) * value, np.nan)

    def features(self, softening: np.ndarray) -> np.ndarray:
        """[object, number] magnitudes, colours of neighbouring bands, log errors; NaN = missing.

        Args:
            softening: as of ``magnitudes``.
        """
        magnitudes = self.magnitudes(softening)
        error = np.where(np.isfinite(self.sigma), self.sigma, np.nan)
        return np.concatenate([magnitudes, np.diff(magnitudes, axis=1), np.log(error)], 1)

    def softening(self) -> np.ndarray:
        """[channel] the median error of the objects that the band has seen."""
        seen = np.isfinite(self.sigma)
        return np.array(
            [
                np.median(s[ok]) if ok.any() else 1.0
                for s, ok in zip(self.sigma.T, seen.T, strict=True)
            ]
        )


def fluxes(batch: Batch) -> Fluxes:
    """The light of every object: of a table its values, of images what apertures hold.

    The total is that within two Petrosian radii of the stack of all bands, colours are those
    within 1.5 half-light radii, and every band's total is the stack's total in these colours: as
    good a magnitude as apertures give (after Bertin & Arnouts 1996; Petrosian 1976).

    Args:
        batch: a table, or centred stamps, with their variance.

    Raises:
        ValueError: no variance, or a grid that is neither () nor (y, x).

    Example:
        >>> batch = Batch(np.array(["a"]), torch.ones(1, 2), ("g", "r"), grid=(),
        ...               variance=torch.tensor([[4.0, torch.inf]]))
        >>> fluxes(batch).sigma.tolist()
        [[2.0, inf]]
    """
    if batch.variance is None or batch.grid not in ((), ("y", "x")):
        raise ValueError(
            f"a batch of grid {batch.grid} {'without' if batch.variance is None else 'with'} "
            "variance; expected a table () or images (y, x) with variance"
        )
    bad = missing(batch)
    values = batch.values.masked_fill(bad, 0).double()
    variance = batch.variance.expand_as(batch.values).double().masked_fill(bad, torch.inf)
    if batch.grid == ():
        return Fluxes(values.numpy(), variance.sqrt().numpy())
    return _in_apertures(values.float(), variance.float(), ~bad)


def _in_apertures(values: torch.Tensor, variance: torch.Tensor, seen: torch.Tensor) -> Fluxes:
    weight = torch.where(seen, 1 / variance, 0.0)
    stack = (values * weight).sum(1) / weight.sum(1).clamp(min=1e-30)
    objects, height, width = stack.shape
    centre = torch.tensor([[(height - 1) / 2, (width - 1) / 2]]).expand(objects, 2)
    y, x = offsets(centre, (height, width))
    radius, round_ = torch.hypot(y, x), torch.ones(objects)
    light = profile(stack, seen.any(1), radius, round_)
    edge = torch.full((objects,), min(height, width) / 2.0)
    whole = torch.minimum(2 * light.petrosian(), edge)
    half = COLOUR * light.holding(0.5, whole).clamp(min=1.0)
    total, inside = light.inside(whole), light.inside(half)
    apertures = [
        profile(v, s, radius, round_)
        for v, s in zip(values.unbind(1), seen.unbind(1), strict=True)
    ]
    core = torch.stack([aperture.inside(half) for aperture in apertures], 1)
    # A pixel's mean error over the aperture's pixels; masked ones take their circle's mean light.
    covered = (radius < half[:, None, None])[:, None] & seen
    count = covered.sum((-1, -2))
    each = torch.where(covered, variance, 0.0).sum((-1, -2)) / count.clamp(min=1)
    sigma = (each * torch.pi * half[:, None].square()).sqrt().masked_fill(count == 0, torch.inf)
    scale = torch.where(inside > 0, total / inside, 1.0).clamp(1, 10)[:, None]
    return Fluxes((core * scale).double().numpy(), (sigma * scale).double().numpy())


def collect_redshifts(source: Source, name: str, limit: int | None) -> tuple[Fluxes, np.ndarray]:
    """Fluxes and redshifts of the first objects of a source that have both.

    Args:
        source: one split.
        name: of the redshift.
        limit: most objects; None = all.

    Raises:
        ValueError: the source does not know the quantity, or no object is left.
    """
    found, truth = [], []
    for batch in batches(source, limit):
        if batch.truth is None or name not in batch.truth:
            known = ", ".join(batch.truth or ()) or "nothing"
            raise ValueError(f"the source knows {known}; expected {name}, to learn it")
        found.append(fluxes(batch))
        truth.append(batch.truth[name].double().numpy())
    flux, sigma = (np.concatenate([getattr(f, k) for f in found]) for k in ("flux", "sigma"))
    redshift = np.concatenate(truth)
    use = np.isfinite(redshift) & np.isfinite(sigma).any(1)
    if not use.any():
        raise ValueError(f"no object of {len(source)} has both light and a known {name}")
    return Fluxes(flux[use], sigma[use]), redshift[use]
