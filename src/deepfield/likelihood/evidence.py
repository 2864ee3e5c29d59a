"""Evidence: how well any parameters explain the pixels."""

import torch
from torch import Tensor

from deepfield.likelihood.model import Model
from deepfield.likelihood.pixels import Pixels

ROWS = 512
"""Images at a time: what is kept of them stays small, and the renderer finds alike ones."""


@torch.no_grad()
def log_likelihood(model: Model, pixels: Pixels, parameters: Tensor) -> Tensor:
    """Gaussian log-likelihood of many parameters of every object.

    Args:
        model: of the images.
        pixels: of the objects; masked pixels and missing bands do not count.
        parameters: [object, sample, parameter].

    Returns:
        [object, sample], up to a constant of each object: -chi^2 / 2. Minus infinity where a
        parameter is not finite, NaN where an object has no pixels.

    Raises:
        ValueError: parameters of another number.

    Example:
        >>> from deepfield.likelihood.pixels import pixels
        >>> from deepfield.nouns.psf import Psf
        >>> from deepfield.render.psf import moffat
        >>> psf, at = Psf(moffat(3.0, 3.0, side=31)[None, None]), torch.zeros(2, 1, 7)
        >>> seen = pixels(Model(64).images(at[:, 0], psf), psf)
        >>> found = log_likelihood(Model(64), seen, at.expand(-1, 5, -1))
        >>> found.shape, bool((found.abs() < 1e-9).all())
        (torch.Size([2, 5]), True)
    """
    shape = tuple(parameters.shape)
    if len(shape) != 3 or (shape[0], shape[2]) != (len(pixels), model.count):
        raise ValueError(
            f"parameters have shape {shape}; expected [object, sample, parameter] of "
            f"{len(pixels)} objects and {model.count} parameters"
        )
    rows = parameters.flatten(0, 1)
    finite = rows.isfinite().all(1)
    objects = torch.arange(shape[0], device=rows.device).repeat_interleave(shape[1])
    found = rows.new_full((len(rows),), -torch.inf)
    found[finite] = -0.5 * chi_square(model, pixels, rows[finite], objects[finite])
    empty = (pixels.used().sum(1) == 0)[objects]
    return found.masked_fill(empty, torch.nan).view(shape[:2])


def chi_square(model: Model, pixels: Pixels, parameters: Tensor, objects: Tensor) -> Tensor:
    """Chi^2 of rows of parameters.

    Args:
        model: of the images.
        pixels: of the objects.
        parameters: [row, parameter], finite.
        objects: [row] which object each row is of.

    Returns:
        [row].
    """
    found = parameters.new_empty(len(parameters))
    if len(parameters) == 0:
        return found
    for block in torch.arange(len(parameters), device=parameters.device).split(ROWS):
        here = objects[block]
        alone = bool((here == here[0]).all())  # many samples of one object share its pixels
        seen = pixels.take(here[:1] if alone else here)
        rest = model.images(parameters[block], seen.psf).sub_(seen.values).mul_(seen.weight)
        found[block] = torch.linalg.vecdot(rest.flatten(1), rest.flatten(1))
    return found
