"""Seeings: PSFs of all widths and wings that images have at their own pixel scales."""

from functools import cache

import torch

from deepfield.nouns.psf import Psf
from deepfield.render.psf import moffat

WIDTH = (2.2, 5.0)
"""px; FWHM"""
SLOPE = (2.5, 5.0)
"""Moffat's beta: from the wings of good seeing to nearly a Gaussian"""
SIDE = 41


@cache
def seeings(count: int = 512) -> Psf:
    """Moffat PSFs evenly spread in the logs of their FWHM (2.2 to 5 px) and beta (2.5 to 5).

    Args:
        count: how many.

    Returns:
        [count, 1, 41, 41].

    Example:
        >>> seeings(8).kernel.shape
        torch.Size([8, 1, 41, 41])
    """
    spread = torch.quasirandom.SobolEngine(2, scramble=True, seed=0).draw(count).tolist()
    kernels = [
        moffat(_between(*WIDTH, width), _between(*SLOPE, slope), side=SIDE)
        for width, slope in spread
    ]
    return Psf(torch.stack(kernels)[:, None])


def _between(low: float, high: float, share: float) -> float:
    return low * (high / low) ** share
