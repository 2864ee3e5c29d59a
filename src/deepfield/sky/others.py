"""Others: stars and galaxies beside the one that a stamp is about."""

from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.nouns.survey import Survey
from deepfield.render.noise import sky_variance
from deepfield.render.sersic import sersic

CUT = 32
"""px, the smallest side of what is rendered of a faint object"""
FAINT = 0.05
"""surface brightness in sigmas of the sky that may be cut off"""
STAR = 0.01
"""px, the half-light radius of what is a point"""


@dataclass(frozen=True)
class Others:
    """Sersic profiles and points, any number for each object; lengths in pixels.

    Args:
        owner: [row] the object in whose stamp it is.
        x, y: [row] offsets from that stamp's centre.
        sersic_index, radius, axis_ratio, position_angle: [row] as of galaxies.
        flux: [row, channel] nJy.
    """

    owner: Tensor
    x: Tensor
    y: Tensor
    sersic_index: Tensor
    radius: Tensor
    axis_ratio: Tensor
    position_angle: Tensor
    flux: Tensor

    def __len__(self) -> int:
        return len(self.owner)

    def number(self, objects: int, size: int) -> Tensor:
        """[object] float: how many have their centre in the stamp."""
        inside = torch.maximum(self.x.abs(), self.y.abs()) <= size / 2
        return torch.bincount(self.owner[inside], minlength=objects).float()

    def light(self, objects: int, survey: Survey, *, psf: Psf, size: int) -> Tensor:
        """Their images alone, through the PSF.

        Faint and small ones are rendered on cut-outs, whose cost is a fifth.

        Args:
            objects: number of stamps.
            survey: depth, to tell faint from bright.
            psf: shared, or one for each object.
            size: side of the stamps, px.

        Returns:
            [object, channel, y, x] nJy per pixel.
        """
        canvas = torch.zeros(objects, len(survey.bands), size, size)
        side = max(CUT, 2 * -(-psf.kernel.shape[-1] // (2 * psf.oversampling)))
        edge = self._brightness(side / 2 - 1) / sky_variance(survey).sqrt()
        small = (edge.amax(1) < FAINT) & (side < size)
        whole = (~small).nonzero()[:, 0]
        if len(whole):
            light = self._render(whole, self.x[whole], self.y[whole], psf, size)
            canvas.index_add_(0, self.owner[whole], light)
        cut = small.nonzero()[:, 0]
        if len(cut):
            low_x, low_y = (
                torch.round(at[cut] + (size - side) / 2).long() for at in (self.x, self.y)
            )
            light = self._render(
                cut,
                self.x[cut] + (size - side) / 2 - low_x,
                self.y[cut] + (size - side) / 2 - low_y,
                psf,
                side,
            )
            owners = self.owner[cut].tolist()
            for stamp, owner, x, y in zip(
                light, owners, low_x.tolist(), low_y.tolist(), strict=True
            ):
                rows, columns = slice(max(y, 0), y + side), slice(max(x, 0), x + side)
                there = canvas[owner, :, rows, columns]
                first_y, first_x = max(-y, 0), max(-x, 0)
                height, width = there.shape[-2:]
                there += stamp[:, first_y : first_y + height, first_x : first_x + width]
        return canvas

    def _render(self, rows: Tensor, x: Tensor, y: Tensor, psf: Psf, size: int) -> Tensor:
        return sersic(
            sersic_index=self.sersic_index[rows],
            radius=self.radius[rows],
            axis_ratio=self.axis_ratio[rows],
            position_angle=self.position_angle[rows],
            x=x,
            y=y,
            flux=self.flux[rows],
            psf=psf.take(self.owner[rows]),
            size=size,
        )

    def _brightness(self, distance: float) -> Tensor:
        """[row, channel] surface brightness at a distance along the major axis."""
        n = self.sersic_index
        b = 2 * n - 1 / 3
        area = 2 * torch.pi * n * torch.exp(torch.lgamma(2 * n) - 2 * n * b.log())
        profile = torch.exp(-b * (distance / self.radius) ** (1 / n))
        return self.flux * (profile / (area * self.radius**2 * self.axis_ratio))[:, None]


def join(*tables: Others) -> Others:
    """The rows of several tables in one."""
    return Others(
        **{
            name: torch.cat([getattr(table, name) for table in tables])
            for name in Others.__dataclass_fields__
        }
    )
