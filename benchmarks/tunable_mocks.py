"""Mock skies and telescopes with more to tune: depth, shares of kinds, correlated noise."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from deepfield.data.simulated import Simulated
from deepfield.nouns.psf import Psf
from deepfield.nouns.sky import Light, Sky
from deepfield.nouns.survey import Survey
from deepfield.render.correlated import CorrelatedNoise, drizzled
from deepfield.render.draws import uniforms
from deepfield.render.exposure import Exposure, Noise, PointSpread
from deepfield.render.noise import sky_variance
from deepfield.render.telescope import Telescope
from deepfield.sky.counts import Counts
from deepfield.sky.kinds import Kinds
from deepfield.sky.population import Population

OFFERED = 16
"""galaxies of which one has the kind that is wanted, but for 3 %"""
Priors = Mapping[str, float]
Range = tuple[float, float]


@dataclass(frozen=True)
class Depths:
    """Another noise whose depth differs from stamp to stamp.

    Args:
        noise: that of the median stamp.
        scatter: of the logarithm of the sky's sigma.
    """

    noise: Noise
    scatter: float

    def __call__(
        self,
        images: Tensor,
        survey: Survey,
        indices: np.ndarray,
        *,
        seed: int,
        split: str,
        epoch: int,
    ) -> Exposure:
        """The images under this noise."""
        uniform = torch.from_numpy(uniforms(seed, f"{split} depth", indices, 1)).float()
        factor = torch.exp(self.scatter * torch.special.ndtri(uniform.clamp(1e-4, 1 - 1e-4)))
        factor = factor[:, :, None, None]
        seen = self.noise(images / factor, survey, indices, seed=seed, split=split, epoch=epoch)
        return Exposure(seen.values * factor, seen.variance * factor**2, seen.flags)


@dataclass(frozen=True)
class Shares:
    """Galaxies of the five kinds, as frequent as these weights say.

    Args:
        sky: of the five kinds.
        weights: of smooth, edge-on, spiral, barred and irregular galaxies.
    """

    sky: Kinds
    weights: tuple[float, ...]

    quantities = Kinds.quantities
    maps = Kinds.maps

    def draw(
        self,
        indices: np.ndarray,
        survey: Survey,
        *,
        seed: int,
        split: str,
        size: int,
        psf: Psf,
        maps: tuple[str, ...] = (),
    ) -> Light:
        """Of ``OFFERED`` galaxies of the sky, the first that has the kind which was drawn."""
        offered = (OFFERED * indices[:, None] + np.arange(OFFERED)).ravel()
        drawn = self.sky.population.draw(offered, survey, seed=seed, split=split, size=size)
        below = np.cumsum(self.weights) / np.sum(self.weights)
        wanted = np.searchsorted(below, uniforms(seed, f"{split} shares", indices, 1)[:, 0])
        fits = drawn.kind.numpy().reshape(-1, OFFERED) == wanted[:, None]
        chosen = OFFERED * indices + fits.argmax(1)
        return self.sky.draw(chosen, survey, seed=seed, split=split, size=size, psf=psf, maps=maps)


def telescope(priors: Priors, psf: PointSpread) -> Telescope:
    """These PSFs, and noise as correlated and of as varied a depth as the priors say."""
    noise = CorrelatedNoise(drizzled(pixel_fraction=priors["drop"], scale=1.0))
    return Telescope(psf, Depths(noise, priors["depth_scatter"]))


def stamps(
    survey: Survey, count: int, seed: int, size: int, sky: Sky, **seen: Telescope
) -> Tensor:
    """Mock stamps [object, channel, y, x], nJy."""
    source = Simulated(
        survey, {"test": count}, seed=seed, size=size, sky=sky, split="test", **seen
    )
    return source.take(torch.arange(count), epoch=0).values


def of_sigma(survey: Survey, sigma: Tensor) -> Survey:
    """The survey with skies that leave this noise, nJy per pixel in each band."""
    fainter = 2.5 * torch.log10(sky_variance(survey) / sigma**2)
    bands = zip(survey.bands, fainter.tolist(), strict=True)
    return replace(survey, bands=tuple(replace(b, sky=b.sky + change) for b, change in bands))


def kinds(priors: Priors) -> Shares:
    """The five kinds with these ranges of brightness and size, and this crowd around them."""
    population = Population(
        signal_to_noise=(priors["faintest"], priors["brightest"]),
        radius=(priors["smallest"], priors["smallest"] * priors["times"]),
    )
    sky = Kinds(population, Counts(density=priors["neighbours"]), priors["overlapping"])
    disc = priors["spiral"] / 2
    return Shares(sky, (priors["smooth"], priors["edge_on"], disc, disc, priors["irregular"]))


KINDS = {
    "smooth": (0.2, 1.0),
    "edge_on": (0.0, 0.5),
    "spiral": (0.1, 1.0),
    "irregular": (0.0, 0.4),
    "overlapping": (0.0, 0.6),
}
"""weights of the kinds, and the share with something superposed"""
