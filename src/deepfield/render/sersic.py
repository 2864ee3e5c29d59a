"""Galaxies of one Sersic profile each."""

from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.render.components import components


def sersic(
    *,
    sersic_index: Tensor,
    radius: Tensor,
    axis_ratio: Tensor,
    position_angle: Tensor,
    x: Tensor,
    y: Tensor,
    flux: Tensor,
    psf: Psf,
    size: int,
) -> Tensor:
    """Images of Sersic (1963) galaxies through the PSF.

    One component of :func:`~deepfield.render.components.components`, which see.

    Args:
        sersic_index: [object], 0.5 to 6.2; beyond, that of the border.
        radius: [object] half-light radius along the major axis, pixels.
        axis_ratio: [object] minor over major axis, above 0, at most 1.
        position_angle: [object] of the major axis, degrees from +y (north) towards -x (east).
        x, y: [object] centre, as offsets from the stamp's centre, pixels; in the stamp, or beyond
            its edge by at most an eighth of its size.
        flux: [object, channel] total light out to infinity, any unit.
        psf: shared or one per object, with the channels of ``flux``.
        size: pixels a side of the stamp.

    Returns:
        [object, channel, y, x], light per pixel in the unit of ``flux``.

    Raises:
        ValueError: shapes that do not fit together.

    Example:
        >>> import torch
        >>> from deepfield.render.psf import moffat
        >>> psf = Psf(moffat(3.0, 3.0, side=31)[None, None])
        >>> one = torch.ones(1)
        >>> image = sersic(
        ...     sersic_index=one, radius=4 * one, axis_ratio=0.5 * one, position_angle=0 * one,
        ...     x=0 * one, y=0 * one, flux=one[:, None], psf=psf, size=64,
        ... )
        >>> image.shape, round(float(image.sum()), 2)
        (torch.Size([1, 1, 64, 64]), 1.0)
    """
    return components(
        sersic_index=sersic_index[:, None],
        radius=radius[:, None],
        axis_ratio=axis_ratio[:, None],
        position_angle=position_angle[:, None],
        x=x,
        y=y,
        flux=flux[:, None],
        psf=psf,
        size=size,
    )
