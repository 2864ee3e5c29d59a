"""Emulated: a likelihood that is learnt from a few renders of each object, and costs nothing.

The image of a component depends smoothly on its few parameters, and where a posterior lives it
hardly bends. So some tens of renders of every component tell all other images in between: a
Gaussian process (radial basis functions) interpolates them, in the few directions of the space of
pixels where they differ at all. Fluxes need no interpolation: images are linear in them.

How far it errs is known from every render that the others foretell. This doubt adds to the noise:
what is poorly known is not excluded, and is looked at before it is.
"""

import torch
from torch import Tensor

from deepfield.likelihood.importance import tempered
from deepfield.likelihood.model import BRIGHTEST, Model
from deepfield.likelihood.pixels import Pixels
from deepfield.likelihood.rendered import Rendered, fluxes

DIRECTIONS = 16
"""of the space of pixels"""
RANGE = 5.0
"""of the Gaussian process, standard deviations of the samples that it learns from"""
TREND = 0.1
"""of a quadratic beside it: far from all renders images go on changing, they do not go back to the
mean"""
TINY = 1e-8
"""variance that samples have at least in every direction"""
NUGGET = 1e-6
"""share of a process's variance that is noise: keeps its matrix well conditioned"""
RELEVANT = 0.3
"""of the renders, those of the highest likelihood: their errors count"""


class Emulated:
    """The likelihood of some objects, interpolated between renders.

    Args:
        model: that was rendered.
        pixels: of the objects.
        rendered: samples of each object.
        last: so many of the last ones say where, and how widely, the emulator is asked.
        doubt: times the mean square error at the renders, which adds to the noise.

    Example:
        >>> from deepfield.likelihood.pixels import pixels
        >>> from deepfield.likelihood.rendered import render
        >>> from deepfield.nouns.psf import Psf
        >>> from deepfield.render.psf import moffat
        >>> model, psf = Model(64, (None,)), Psf(moffat(3.0, 3.0, side=31)[None, None])
        >>> at = 1 + 0.1 * torch.randn(1, 65, 7, generator=torch.Generator().manual_seed(1))
        >>> seen = pixels(model.images(at[:, 0], psf), psf, variance=1e-4)
        >>> emulated = Emulated(model, seen, render(model, seen, at[:, :64]), 64)
        >>> exact = render(model, seen, at).log_likelihood
        >>> bool((emulated.log_likelihood(at) - exact)[0, -1].abs() < 0.05)
        True
    """

    def __init__(
        self, model: Model, pixels: Pixels, rendered: Rendered, last: int, doubt: float = 1.0
    ) -> None:
        self.model = model
        parameters, units = rendered.parameters, rendered.units
        light = fluxes(model, parameters)
        typical = light[:, -last:].mean(1)
        data = (pixels.values * pixels.weight).flatten(1)
        # Random sums of images span the directions in which they differ (Halko+11).
        mixing = torch.randn(
            DIRECTIONS, units.shape[2], generator=torch.Generator().manual_seed(1)
        )
        mixing = torch.cat([mixing - mixing.mean(1, keepdim=True), torch.ones(1, units.shape[2])])
        found, told = [], []
        for bright, one, seen in zip(typical, units, data, strict=True):
            sums = (mixing @ one).mul_(bright[:, None, None]).flatten(0, 1)
            span = torch.linalg.qr(sums.T)[0]
            found.append(one @ span)
            told.append(seen @ span)
        self.data, numbers = torch.stack(told), torch.stack(found)
        self.rest = data.square().sum(1) - self.data.square().sum(1)
        self.processes = [
            _Process(_shape(model, parameters, c)[..., :-1], numbers[:, c], last)
            for c in range(units.shape[1])
        ]
        errors = [light[..., c, None] * each.errors for c, each in enumerate(self.processes)]
        squares = torch.stack(errors).square_().sum(0)
        share = tempered(rendered.log_likelihood, RELEVANT * units.shape[2]).softmax(1)
        error = (share[..., None] * squares).sum(1, keepdim=True).nan_to_num()
        self.trust = (1 + doubt * error).rsqrt()

    def log_likelihood(self, parameters: Tensor) -> Tensor:
        """[object, sample] of parameters [object, sample, parameter]."""
        places = self.model.layout
        left = self.data[:, None]
        for c, process in enumerate(self.processes):
            light = parameters[..., places.flux[c][0]].clamp(-BRIGHTEST, BRIGHTEST)
            left = process.less(left, light, _shape(self.model, parameters, c))
        left = left.mul_(self.trust)
        return -0.5 * (torch.linalg.vecdot(left, left) + self.rest[:, None])


class _Process:
    """Interpolates numbers [object, sample, direction] known at places [object, sample, D]."""

    def __init__(self, places: Tensor, numbers: Tensor, last: int) -> None:
        near, size = places[:, -last:], places.shape[2]
        middle = near.mean(1, keepdim=True)
        away = near - middle
        spread = away.mT @ away / last + TINY * torch.eye(size)
        root = torch.linalg.cholesky_ex(torch.linalg.inv_ex(spread)[0])[0] / RANGE
        known = ((places - middle) @ root).double()
        half = -0.5 * known.square().sum(2, keepdim=True)
        one = torch.ones_like(half)
        inner = known @ known.mT
        matrix = (inner + half + half.mT).exp() + TREND * (inner + 1).square()
        matrix = matrix + NUGGET * torch.eye(matrix.shape[1])
        mean = numbers.mean(1, keepdim=True)
        inverse = torch.linalg.inv_ex(matrix)[0]
        weights = inverse @ (numbers - mean).double()
        self.weights = weights.float()
        # Of each number, foretold by all the others (Sundararajan & Keerthi 2001).
        self.errors = (weights / inverse.diagonal(dim1=1, dim2=2)[..., None]).float()
        # Places with a 1 at their end become standardised ones, 1, and room for a number.
        self.root = torch.nn.functional.pad(root, (0, 2, 0, 1))
        self.root[:, -1:, :size] = -middle @ root
        self.root[:, -1, size] = 1
        self.known = torch.cat([known, half, one], 2).mT.float().contiguous()
        # The trend is a quadratic form, which needs no sum over all that is known.
        bent = torch.cat([known, one], 2)
        bent = (bent[..., None] * bent[:, :, None]).flatten(2)
        trend = TREND * (bent.mT @ weights)
        trend[:, -1:] += mean
        self.trend = trend.float()

    def less(self, numbers: Tensor, light: Tensor, places: Tensor) -> Tensor:
        """Numbers [object, 1 or sample, direction] less what is interpolated, brightened.

        Args:
            numbers: to subtract from.
            light: [object, sample] logarithm of what multiplies the interpolated numbers.
            places: [object, sample, D + 1], the last one 1.
        """
        size = places.shape[2]
        here = places @ self.root
        at = here[..., :size]
        bright = light.exp()[..., None] * at
        bent = (bright[..., None] * at[:, :, None]).flatten(2)
        left = torch.baddbmm(numbers, bent, self.trend, alpha=-1)
        # Of a sum of squares one is the 1 at the end.
        here[..., size] = light + 0.5 - 0.5 * torch.linalg.vecdot(at, at)
        return left.baddbmm_((here @ self.known).exp_(), self.weights, alpha=-1)


def _shape(model: Model, parameters: Tensor, c: int) -> Tensor:
    """What the image of a component depends on but its flux, then 1: [object, sample, D + 1]."""
    places = model.layout
    index = places.index[c]
    # A component's numbers stand side by side: slices cost no copy.
    last = places.shear[c][1] if index is None else index
    own = parameters[..., places.radius[c] : last + 1]
    centre = parameters[..., places.x : places.y + 1]
    return torch.cat([own, centre, torch.ones_like(centre[..., :1])], -1)
