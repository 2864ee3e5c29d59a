"""Fitted: profiles of some objects by least squares, with what a user wants to see of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from astropy.wcs import WCS
from torch import Tensor

from deepfield.catalogue.neighbours import neighbours
from deepfield.data.orientation import orientation
from deepfield.likelihood.fit import PATIENT, Fit, fit
from deepfield.likelihood.measured import measured
from deepfield.likelihood.model import LARGEST, Model
from deepfield.likelihood.pixels import pixels
from deepfield.likelihood.starts import starts
from deepfield.nouns.batch import Batch, missing
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.psf import Psf

INSIDE, FAR = 0.8, 6.0
"""a galaxy is too large if less of its light is inside its stamp, or if half of it is farther
from the middle than the stamp's side over this: the sky at the border is then the galaxy's own"""


@dataclass(frozen=True)
class Fitted:
    """Fits of some objects.

    Args:
        posterior: of all numbers.
        models: [object, band, y, x] with its sky, in nJy; NaN = not fitted.
        chi_square, freedom: [object], freedom being pixels less parameters.
        iterations, converged: [object].
        large: [object] bool, the model reaches beyond the stamp.
        sky: [object, band] nJy a pixel; empty where none was fitted.
    """

    posterior: Posterior
    models: Tensor
    chi_square: Tensor
    freedom: Tensor
    iterations: Tensor
    converged: Tensor
    large: Tensor
    sky: Tensor

    @property
    def reduced(self) -> Tensor:
        """[object] reduced chi-square."""
        return self.chi_square / self.freedom


def fitted(
    batch: Batch,
    mask: Tensor,
    *,
    indices: tuple[float | None, ...],
    together: Sequence[Sequence[int]],
    sky: bool,
) -> Fitted:
    """Fit every object.

    Args:
        batch: with PSF, survey and variance.
        mask: [object, y, x] bool, True = leave out.
        indices: Sersic index of each component, None = free.
        together: bands that share their shape, group by group.
        sky: whether to fit a constant level in each band.
    """
    parts = [_group(batch, mask, list(bands), indices, sky) for bands in together]
    if len(parts) == 1:
        return parts[0]
    free = Posterior(
        tuple(q for part in parts for q in part.posterior.quantities),
        torch.cat([part.posterior.samples for part in parts], 2),
    )
    return Fitted(
        posterior=free,
        models=torch.cat([part.models for part in parts], 1),
        chi_square=_sum([part.chi_square for part in parts]),
        freedom=torch.stack([part.freedom for part in parts]).sum(0),
        iterations=torch.stack([part.iterations for part in parts]).sum(0),
        converged=torch.stack([part.converged for part in parts]).all(0),
        large=torch.stack([part.large for part in parts]).any(0),
        sky=torch.cat([part.sky for part in parts], 1),
    )


def others(batch: Batch) -> tuple[Tensor, Tensor]:
    """Pixels of neighbours [object, y, x] bool, and how many of these there are [object].

    They are sought in all bands together, weighted as a source of flat spectrum asks for.
    """
    bad = missing(batch)
    assert batch.variance is not None
    power = torch.where(bad, 0.0, 1 / batch.variance.expand_as(bad))
    signal = (batch.values.masked_fill(bad, 0) * power).sum(1) / power.sum(1).sqrt()
    found = [neighbours(one.numpy()) for one in signal]
    return torch.stack([torch.from_numpy(mask) for mask, _ in found]), torch.tensor(
        [count for _, count in found]
    )


def on_sky(posterior: Posterior, wcs: Sequence[WCS | None], size: int) -> Posterior:
    """Position angles east of north, where a WCS says where that is."""
    samples = posterior.samples.clone()
    angles = [i for i, q in enumerate(posterior.quantities) if q.kind == "angle"]
    for row, one in enumerate(wcs):
        if one is not None:
            north, handed = orientation(one, size)
            turned = handed * (samples[row, :, angles] - north)
            samples[row, :, angles] = turned.remainder(180.0)
    return replace(posterior, samples=samples)


def _group(
    batch: Batch,
    mask: Tensor,
    bands: list[int],
    indices: tuple[float | None, ...],
    sky: bool,
) -> Fitted:
    """Bands that share their shape."""
    assert batch.psf is not None and batch.survey is not None and batch.variance is not None
    values = batch.values[:, bands]
    variance = batch.variance.expand(-1, len(batch.channels), -1, -1)[:, bands]
    psf = Psf(batch.psf.kernel[:, bands], batch.psf.oversampling)
    seen = pixels(values, psf, variance=variance, mask=mask[:, None])
    size = values.shape[-1]
    model = Model(size, indices, bands=len(bands), sky=sky, largest=min(size / 2, LARGEST))
    found = fit(model, seen, starts(model, seen), settings=PATIENT)
    names = tuple(batch.channels[band] for band in bands)
    told = measured(model, found, channels=names, pixel_scale=batch.survey.pixel_scale)
    if len(bands) < len(batch.channels):
        named = tuple(replace(q, name=f"{q.name}_{names[0]}") for q in told.quantities)
        told = replace(told, quantities=named)
    models, large = _light(model, found, seen.psf)
    return Fitted(
        posterior=told,
        models=models,
        chi_square=found.chi_square,
        freedom=found.degrees_of_freedom,
        iterations=found.iterations,
        converged=found.converged,
        large=large,
        sky=found.parameters[:, list(model.layout.sky)],
    )


def _sum(parts: Sequence[Tensor]) -> Tensor:
    """[object] of what there is; NaN where there is nothing."""
    each = torch.stack(list(parts))
    return each.nansum(0).masked_fill(each.isnan().all(0), torch.nan)


def _light(model: Model, found: Fit, psf: Psf) -> tuple[Tensor, Tensor]:
    """Images, and whether too much of their light is outside or far from the middle."""
    fluxes = found.parameters[:, torch.tensor(model.layout.flux)]
    lost = fluxes.isnan().any(1)  # [object, band]
    known = found.parameters.nan_to_num(0.0)
    images = model.images(known, psf)
    level = known[:, list(model.layout.sky)] if model.sky else torch.zeros_like(lost.float())
    light = (images - level[..., None, None]).masked_fill(lost[..., None, None], 0).sum(1)
    total = fluxes.exp().sum(1).masked_fill(lost, 0).sum(1)
    axis = torch.arange(model.size) - (model.size - 1) / 2
    near = torch.hypot(axis[:, None], axis) < model.size / FAR
    inside, core = light.sum((1, 2)) / total, (light * near).sum((1, 2)) / total
    images = images.masked_fill(lost[..., None, None], torch.nan)
    return images, (inside < INSIDE) | (core < 0.5)
