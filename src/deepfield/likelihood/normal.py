"""Normal equations: what a step of least squares needs to know of the pixels."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from deepfield.likelihood.model import Model
from deepfield.likelihood.pixels import Pixels
from deepfield.likelihood.prior import Prior


@dataclass(frozen=True)
class Normal:
    """Chi^2 about some parameters, to second order in Gauss's and Newton's approximation.

    Args:
        matrix: [object, parameter, parameter] half of the second derivatives.
        slope: [object, parameter] half of the first derivatives, downhill.
        chi_square: [object].
    """

    matrix: Tensor
    slope: Tensor
    chi_square: Tensor

    def put(self, rows: Tensor, others: "Normal") -> None:
        """Overwrite these rows."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(others, field.name)

    def take(self, rows: Tensor) -> "Normal":
        """Some of the objects."""
        return Normal(self.matrix[rows], self.slope[rows], self.chi_square[rows])


def normal(
    model: Model,
    parameters: Tensor,
    pixels: Pixels,
    objects: Tensor,
    prior: Prior | None = None,
) -> Normal:
    """Normal equations of least squares, summed block by block while the planes are in cache.

    Args:
        model: of the images.
        parameters: [row, parameter].
        pixels: of the objects.
        objects: [row] which object each row of parameters is of.
        prior: of the rows.

    Returns:
        of every row, in double precision.

    Example:
        >>> from deepfield.likelihood.pixels import pixels
        >>> from deepfield.nouns.psf import Psf
        >>> from deepfield.render.psf import moffat
        >>> psf, at = Psf(moffat(3.0, 3.0, side=31)[None, None]), torch.zeros(1, 7)
        >>> perfect = pixels(Model(64).images(at, psf), psf)
        >>> found = normal(Model(64), at, perfect, torch.tensor([0]))
        >>> round(float(found.chi_square), 6), found.matrix.shape
        (0.0, torch.Size([1, 7, 7]))
    """
    count = model.count
    matrix = parameters.new_zeros(len(parameters), count + 1, count + 1)
    psf = pixels.psf.take(objects)
    for rows, images, planes in model.planes(parameters, psf):
        seen = pixels.take(objects[rows])
        for band in range(model.bands):
            weight = seen.weight[:, band, None]
            places = torch.tensor([*model.layout.of_band(band), count])
            both = planes.new_empty(len(rows), len(places), model.size, model.size)
            torch.mul(planes[:, :, band], weight, out=both[:, :-1])
            rest = seen.values[:, band, None] - images[:, band, None]
            torch.mul(rest, weight, out=both[:, -1:])
            both = both.flatten(2)
            matrix[rows[:, None, None], places[:, None], places] += both @ both.mT
    scales = model.scales(parameters).double()
    matrix = matrix.double()
    found = Normal(
        matrix=matrix[:, :count, :count] * scales[:, None] * scales[..., None],
        slope=matrix[:, :count, count] * scales,
        chi_square=matrix[:, count, count],
    )
    if prior is None:
        return found
    return Normal(
        found.matrix + prior.precision,
        found.slope + prior.slope(parameters),
        found.chi_square + prior.chi_square(parameters),
    )
