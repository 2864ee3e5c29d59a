"""Pixel path: light painted on a finer grid, for structure without a closed form."""

import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.render.grid import fast_length, fold, frequencies
from deepfield.render.psf import transfer


def subpixel_grid(size: int, supersampling: int) -> tuple[Tensor, Tensor]:
    """Centres of the sub-pixels, as offsets from the stamp's centre.

    Args:
        size: image pixels a side; more than the stamp's paints a margin around it.
        supersampling: sub-pixels per image pixel along an axis.

    Returns:
        y [size * supersampling, 1] and x [1, size * supersampling], image pixels.

    Example:
        >>> y, x = subpixel_grid(2, 2)
        >>> x.tolist()
        [[-0.75, -0.25, 0.25, 0.75]]
    """
    axis = (torch.arange(size * supersampling) + 0.5) / supersampling - size / 2
    return axis[:, None], axis[None, :]


def convolve(painted: Tensor, psf: Psf, flux: Tensor, *, size: int, supersampling: int) -> Tensor:
    """Images of painted components through the PSF.

    Each component is scaled so that its light on the whole painted canvas is its flux; light
    beyond the canvas does not exist, so paint a margin where it matters. The PSF already holds
    the response of a pixel, so painted light is a point source at every sub-pixel's centre. A
    PSF whose oversampling differs from the canvas is matched in frequency: cut where it is
    finer, without power beyond its own Nyquist frequency where it is coarser.

    Args:
        painted: surface brightness [object, component, y, x] at the points of
            :func:`subpixel_grid`, in any unit, each with a positive sum.
        psf: shared or one per object.
        flux: [object, component, channel], any unit.
        size: image pixels a side; the canvas has as many, or an even number more.
        supersampling: painted points per image pixel along an axis.

    Returns:
        [object, channel, size, size], light per image pixel in the unit of ``flux``.

    Raises:
        ValueError: a canvas that is not square, smaller than the stamp or not centred on it.

    Example:
        >>> y, x = subpixel_grid(16, 2)
        >>> blob = torch.exp(-0.1 * (y**2 + x**2))[None, None]
        >>> pixel = Psf(torch.ones(1, 1, 1, 1))
        >>> image = convolve(blob, pixel, torch.full((1, 1, 1), 5.0), size=16, supersampling=2)
        >>> image.shape, round(float(image.sum()), 3)
        (torch.Size([1, 1, 16, 16]), 5.0)
    """
    height, width = painted.shape[-2:]
    canvas = height // supersampling
    margin = (canvas - size) // 2
    if height != width or canvas * supersampling != height or canvas != size + 2 * margin:
        raise ValueError(
            f"painted canvas is {height} x {width} at supersampling {supersampling}; expected "
            f"{size * supersampling} a side for {size} pixels, or an even number of pixels more"
        )
    reach = -(-psf.kernel.shape[-1] // (2 * psf.oversampling))
    # Light that leaves on one side must not come back on the other within the stamp.
    grid = fast_length(max(canvas + max(reach - margin, 0), 2 * reach))
    points = grid * supersampling
    spectrum = torch.fft.rfft2(painted, s=(points, points))
    scale = flux / painted.sum((-1, -2))[..., None]
    mixed = torch.einsum("ocyxr,ocf->ofyxr", torch.view_as_real(spectrum), scale)
    seen = torch.view_as_complex(mixed.contiguous()) * _aligned(psf, grid, supersampling)
    return fold(seen, pixels=grid, supersampling=supersampling, first=margin, size=size)


def _aligned(psf: Psf, grid: int, supersampling: int) -> Tensor:
    """PSF transform that also moves the first sample to the first pixel's centre."""
    shift = (supersampling - 1) / (2 * supersampling)
    y, x = frequencies(grid, supersampling, psf.kernel)
    kernel = transfer(psf, grid=grid, supersampling=supersampling)
    angle = shift * (y[:, None] + x)
    return kernel * torch.polar(torch.ones_like(angle), angle)
