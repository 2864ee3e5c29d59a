"""Rendered: what the components of a model look like, one by one, at chosen parameters."""

from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.likelihood.model import BRIGHTEST, Model
from deepfield.likelihood.pixels import Pixels
from deepfield.render.components import components


@dataclass(frozen=True)
class Rendered:
    """Images of single components, and how well they together explain the pixels.

    Args:
        parameters: [object, sample, parameter] of the model.
        units: [object, component, sample, pixel] images of flux 1, over the noise.
        log_likelihood: [object, sample] of all components with their fluxes, exact.
    """

    parameters: Tensor
    units: Tensor
    log_likelihood: Tensor

    def and_also(self, others: "Rendered") -> "Rendered":
        """These, then more samples of the same objects."""
        return Rendered(
            torch.cat([self.parameters, others.parameters], 1),
            torch.cat([self.units, others.units], 2),
            torch.cat([self.log_likelihood, others.log_likelihood], 1),
        )


def render(model: Model, pixels: Pixels, parameters: Tensor) -> Rendered:
    """Render every component alone, for one band.

    Args:
        model: of one band, without a sky.
        pixels: of the objects; masked pixels do not count.
        parameters: [object, sample, parameter], finite.

    Raises:
        ValueError: a model of several bands or with a sky.

    Example:
        >>> from deepfield.likelihood.pixels import pixels
        >>> from deepfield.nouns.psf import Psf
        >>> from deepfield.render.psf import moffat
        >>> model, psf = Model(64, (None, 1.0)), Psf(moffat(3.0, 3.0, side=31)[None, None])
        >>> at = torch.zeros(2, 5, model.count)
        >>> seen = pixels(model.images(at[:, 0], psf), psf)
        >>> found = render(model, seen, at)
        >>> found.units.shape, bool((found.log_likelihood.abs() < 1e-9).all())
        (torch.Size([2, 2, 5, 4096]), True)
    """
    if model.bands != 1 or model.sky:
        raise ValueError(
            f"a model of {model.bands} bands, sky {model.sky}; components are rendered alone for "
            "one band without a sky level"
        )
    count, samples = len(model.indices), parameters.shape[1]
    units = parameters.new_empty(len(parameters), count, samples, model.size**2)
    likely = parameters.new_empty(parameters.shape[:2])
    for i, (rows, unit) in enumerate(zip(parameters, units, strict=True)):
        here = pixels.take(torch.tensor([i]))
        weight = here.weight.flatten()
        profile = model.profile(rows)
        alone = {
            name: getattr(profile, name).T.reshape(-1, 1)
            for name in ("sersic_index", "radius", "axis_ratio", "position_angle")
        }
        images = components(
            **alone,
            x=profile.x.repeat(count),
            y=profile.y.repeat(count),
            flux=rows.new_ones(count * samples, 1, 1),
            psf=here.psf,
            size=model.size,
        )
        torch.mul(images.view(unit.shape), weight, out=unit)
        rest = (-here.values.flatten() * weight).expand(samples, -1).contiguous()
        for light, one in zip(fluxes(model, rows).T, unit, strict=True):
            rest.addcmul_(light[:, None], one)
        likely[i] = -0.5 * torch.linalg.vecdot(rest, rest)
    return Rendered(parameters, units, likely)


def fluxes(model: Model, parameters: Tensor) -> Tensor:
    """[..., component] of parameters [..., parameter] of a model of one band."""
    places = [bands[0] for bands in model.layout.flux]
    return parameters[..., places].clamp(-BRIGHTEST, BRIGHTEST).exp()
