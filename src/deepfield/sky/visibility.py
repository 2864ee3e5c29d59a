"""Visibility: the signal-to-noise ratio of a pattern, by a matched filter against the sky."""

import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.nouns.survey import Survey
from deepfield.render.grid import fast_length
from deepfield.render.noise import sky_variance
from deepfield.render.psf import transfer


def matched_filter(
    pattern: Tensor, flux: Tensor, survey: Survey, *, psf: Psf, supersampling: int
) -> Tensor:
    """The best signal-to-noise ratio that the pattern can be told with, over all bands.

    The square is the sum over pixels of (flux x pattern through the PSF)^2 / variance. Parseval
    gives it from the transform: nothing needs to be transformed back. Only where the PSF has
    power beyond the pixels' Nyquist frequency would the two differ.

    Args:
        pattern: [object, Y, X] light per point of a ``subpixel_grid``, of any sign.
        flux: [object, channel] nJy that the pattern is multiplied by.
        survey: its sky is the noise.
        psf: shared, or one for each object.
        supersampling: points per image pixel along an axis.

    Returns:
        [object]

    Example:
        >>> from deepfield.render.psf import survey_psf
        >>> from deepfield.sky.surveys import sdss
        >>> matched_filter(
        ...     torch.ones(2, 64, 64), torch.ones(2, 3), sdss(), psf=survey_psf(sdss()),
        ...     supersampling=2,
        ... ).shape
        torch.Size([2])
    """
    kernel = -(-psf.kernel.shape[-1] // psf.oversampling)
    pixels = fast_length(max(pattern.shape[-1] // supersampling, kernel))
    points = pixels * supersampling
    spectrum = torch.fft.rfft2(pattern, s=(points, points))
    power = torch.view_as_real(spectrum).square().sum(-1)
    seen = torch.view_as_real(transfer(psf, grid=pixels, supersampling=supersampling))
    passed = seen.square().sum(-1)
    # The transform of real values leaves out the mirror image of all columns but two.
    passed[..., 1:-1] *= 2
    if len(passed) == 1:
        by_channel = power.flatten(1) @ passed[0].flatten(1).T
    else:
        by_channel = torch.einsum("oyx,ocyx->oc", power, passed)
    # Light per pixel is supersampling^2 times that per point, on one of so many points.
    by_channel = by_channel * supersampling**2 / points**2
    return (flux.square() * by_channel / sky_variance(survey)).sum(1).sqrt()
