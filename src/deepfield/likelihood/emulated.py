"""Emulated: a likelihood that is learnt from a few renders of each object, and costs nothing.

The image of a component depends smoothly on its few parameters, and where a posterior lives it
hardly bends. So some tens of renders of every component tell all other images in between: a
Gaussian process (radial basis functions) interpolates them, in the few directions of the space of
pixels where they differ at all. Fluxes need no interpolation: images are linear in them.
"""

import torch
from torch import Tensor

from deepfield.likelihood.model import Model
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


class Emulated:
    """The likelihood of some objects, interpolated between renders.

    Args:
        model: that was rendered.
        pixels: of the objects.
        rendered: samples of each object.
        last: so many of the last ones say where, and how widely, the emulator is asked.

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

    def __init__(self, model: Model, pixels: Pixels, rendered: Rendered, last: int) -> None:
        self.model = model
        parameters, units = rendered.parameters, rendered.units
        typical = fluxes(model, parameters)[:, -last:].mean(1)
        data = (pixels.values * pixels.weight).flatten(1)
        # Random sums of images span the directions in which they differ (Halko+11).
        mixing = torch.randn(
            DIRECTIONS, units.shape[2], generator=torch.Generator().manual_seed(1)
        )
        mixing = torch.cat([mixing - mixing.mean(1, keepdim=True), torch.ones(1, units.shape[2])])
        found, told = [], []
        for light, one, seen in zip(typical, units, data, strict=True):
            sums = (mixing @ one).mul_(light[:, None, None]).flatten(0, 1)
            span = torch.linalg.qr(sums.T)[0]
            found.append(one @ span)
            told.append(seen @ span)
        self.data, numbers = torch.stack(told), torch.stack(found)
        self.rest = data.square().sum(1) - self.data.square().sum(1)
        self.processes = [
            _Process(_shape(model, parameters, c), numbers[:, c], last)
            for c in range(units.shape[1])
        ]

    def log_likelihood(self, parameters: Tensor) -> Tensor:
        """[object, sample] of parameters [object, sample, parameter]."""
        light = fluxes(self.model, parameters)
        left = self.data[:, None]
        for c, process in enumerate(self.processes):
            left = left - light[..., c, None] * process(_shape(self.model, parameters, c))
        return -0.5 * (left.square().sum(2) + self.rest[:, None])


class _Process:
    """Interpolates numbers [object, sample, direction] known at places [object, sample, D]."""

    def __init__(self, places: Tensor, numbers: Tensor, last: int) -> None:
        near = places[:, -last:]
        self.middle = near.mean(1, keepdim=True)
        away = near - self.middle
        spread = away.mT @ away / last + TINY * torch.eye(places.shape[2])
        self.root = torch.linalg.cholesky_ex(torch.linalg.inv_ex(spread)[0])[0] / RANGE
        self.known = (places - self.middle) @ self.root
        matrix = self._alike(self.known.double(), self.known.double())
        matrix = matrix + NUGGET * torch.eye(matrix.shape[1])
        self.mean = numbers.mean(1, keepdim=True)
        weights, _ = torch.linalg.solve_ex(matrix, (numbers - self.mean).double())
        self.weights = weights.float()

    def __call__(self, places: Tensor) -> Tensor:
        """[object, sample, direction] at places [object, sample, D]."""
        return (
            self.mean + self._alike((places - self.middle) @ self.root, self.known) @ self.weights
        )

    def _alike(self, some: Tensor, others: Tensor) -> Tensor:
        inner = some @ others.mT
        lengths = some.square().sum(2)[..., None] + others.square().sum(2)[:, None]
        near = (inner - lengths / 2).exp_()
        return near.add_((1 + inner).square_(), alpha=TREND)


def _shape(model: Model, parameters: Tensor, c: int) -> Tensor:
    """What the image of a component depends on but for its flux: [object, sample, D]."""
    places = model.layout
    own = [places.radius[c], *places.shear[c]]
    index = places.index[c]
    own += [] if index is None else [index]
    return parameters[..., [*own, places.x, places.y]]
