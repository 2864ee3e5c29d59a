"""Profile guess: where a fit of a galaxy's profile starts, from its light alone."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from deepfield.nouns.batch import Batch
from deepfield.rivals.apertures import Ellipse, centroids, moments, offsets, profile
from deepfield.rivals.profile_models import AB
from deepfield.rivals.segments import central
from deepfield.rivals.stamps import prepare

THINNEST, SMALLEST = 0.15, 1.0
"""axis ratio, and half-light radius in px, of a guess: a start has room to move to either side"""
FAINTEST = 5.0
"""sigma of a pixel; a start is never dark"""


@dataclass(frozen=True)
class Guess:
    """What a detection catalogue says of a galaxy: light, size and shape, through its PSF.

    Args:
        magnitude: [object] AB, where the batch is in nJy.
        radius: [object] major-axis half-light radius, px.
        axis_ratio: [object] minor over major axis.
        position_angle: [object] degrees from +y towards -x, 0 to 180.
        x, y: [object] centre, first pixel 0.
        sigma: [object] sky noise of a pixel.
        measured: [object] bool, has pixels.
    """

    magnitude: Tensor
    radius: Tensor
    axis_ratio: Tensor
    position_angle: Tensor
    x: Tensor
    y: Tensor
    sigma: Tensor
    measured: Tensor

    def sersic(self, index: float, scale: float) -> Tensor:
        """[object, quantity] numbers of ``profile_models.SERSIC`` with this index.

        Args:
            index: Sersic index.
            scale: arcsec per pixel.
        """
        shape = [self.axis_ratio, self.position_angle, self.x, self.y]
        every = torch.full_like(self.radius, index)
        return torch.stack([self.magnitude, self.radius * scale, every, *shape], 1)

    def bulge_disc(
        self, bulge: float, radius_bulge: float, radius_disc: float, index: float, scale: float
    ) -> Tensor:
        """[object, quantity] numbers of ``profile_models.BULGE_DISC``, both of the same shape.

        Args:
            bulge: its share of the light.
            radius_bulge, radius_disc: over the galaxy's half-light radius.
            index: of the bulge.
            scale: arcsec per pixel.
        """
        one, radius = torch.ones_like(self.radius), self.radius * scale
        ratio, angle = self.axis_ratio, self.position_angle
        sizes = [radius_bulge * radius, radius_disc * radius, index * one]
        shapes = [ratio, ratio, angle, angle, self.x, self.y]
        return torch.stack([self.magnitude, bulge * one, *sizes, *shapes], 1)


def guess(batch: Batch) -> Guess:
    """Light inside 1.5 Petrosian radii, half-light radius, and moments of the segment.

    Args:
        batch: images [object, channel, y, x]; the middle channel is measured.

    Example:
        >>> import numpy as np
        >>> y, x = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
        >>> disc = 50 * torch.exp(-torch.hypot((y - 23.5) / 0.5, x - 23.5) / 4)
        >>> found = guess(Batch(np.array(["a"]), disc[None, None], ("r",), variance=torch.ones(1)))
        >>> round(float(found.radius)), round(float(found.position_angle))
        (7, 90)
    """
    stamps = prepare(middle(batch))
    segment, neighbours = central(stamps.image)
    image = stamps.image.masked_fill(neighbours, 0)
    valid = stamps.valid & ~neighbours
    light = image.clamp_min(0) * segment
    height, width = int(image.shape[-2]), int(image.shape[-1])
    centre = _centre(light)
    ellipse, _ = moments(light, centre)
    ellipse = Ellipse(ellipse.axis_ratio.clamp_min(THINNEST), ellipse.angle)
    distance = torch.hypot(*ellipse.deproject(*offsets(centre, (height, width))))
    growth = profile(image, valid, distance, ellipse.axis_ratio)
    edge = 1.5 * growth.petrosian()
    sigma = stamps.sigma[:, 0].nan_to_num(posinf=1.0)
    flux = growth.inside(edge).clamp_min(FAINTEST) * sigma
    return Guess(
        magnitude=AB - 2.5 * flux.log10(),
        radius=growth.holding(0.5, edge).clamp(SMALLEST, min(height, width) / 2),
        axis_ratio=ellipse.axis_ratio,
        position_angle=torch.remainder(torch.rad2deg(ellipse.angle - math.pi / 2), 180),
        x=centre[:, 1],
        y=centre[:, 0],
        sigma=sigma,
        measured=stamps.measured,
    )


def middle(batch: Batch) -> Batch:
    """The batch with its middle channel alone, which a mock sky's magnitudes belong to.

    Example:
        >>> import numpy as np
        >>> middle(Batch(np.array(["a"]), torch.zeros(1, 3, 8, 8), ("g", "r", "i"))).channels
        ('r',)
    """
    if len(batch.channels) == 1:
        return batch
    band = slice(len(batch.channels) // 2, len(batch.channels) // 2 + 1)
    variance, psf = batch.variance, batch.psf
    return replace(
        batch,
        values=batch.values[:, band],
        channels=batch.channels[band],
        variance=None if variance is None else variance.expand(batch.values.shape)[:, band],
        psf=None if psf is None else replace(psf, kernel=psf.kernel[:, band]),
    )


def _centre(light: Tensor) -> Tensor:
    """[object, 2] as (y, x); the middle of the stamp where there is no light."""
    height, width = light.shape[-2:]
    middle = light.new_tensor([(height - 1) / 2, (width - 1) / 2])
    return torch.where(light.sum((-1, -2))[:, None] > 0, centroids(light), middle)
