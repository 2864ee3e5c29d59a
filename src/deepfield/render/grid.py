"""The periodic grid that stamps are rendered on, and the way back from it to pixels."""

import torch
from torch import Tensor


def fast_length(at_least: int) -> int:
    """Next even number without a prime factor above 5: it transforms fast.

    Example:
        >>> fast_length(95), fast_length(97)
        (96, 100)
    """
    length = at_least + at_least % 2
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 2


def frequencies(pixels: int, supersampling: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Wave numbers of ``torch.fft.rfft2`` on a grid, radians per image pixel.

    Args:
        pixels: image pixels a side.
        supersampling: grid points per image pixel.
        like: gives precision and device.

    Returns:
        ky [pixels * supersampling] and kx [pixels * supersampling // 2 + 1].

    Example:
        >>> ky, kx = frequencies(4, 1, torch.zeros(()))
        >>> [round(k / torch.pi, 1) for k in ky.tolist()]
        [0.0, 0.5, -1.0, -0.5]
    """
    points, step = pixels * supersampling, 1 / supersampling
    ky = torch.fft.fftfreq(points, step, dtype=like.dtype, device=like.device)
    kx = torch.fft.rfftfreq(points, step, dtype=like.dtype, device=like.device)
    return ky * (2 * torch.pi), kx * (2 * torch.pi)


def fold(spectrum: Tensor, *, pixels: int, supersampling: int, first: int, size: int) -> Tensor:
    """Values at every whole pixel of a stamp inside the grid.

    Args:
        spectrum: [..., ky, kx] of light per grid point, the first point on a pixel's centre.
        pixels: image pixels a side of the grid.
        supersampling: grid points per image pixel.
        first: pixel of the grid where the stamp begins.
        size: pixels a side of the stamp.

    Returns:
        [..., size, size], light per image pixel: ``supersampling**2`` times the grid's values.

    Example:
        >>> flat = torch.zeros(8, 5, dtype=torch.complex64)
        >>> flat[0, 0] = 64.0  # 64 units of light on 8 x 8 points
        >>> fold(flat, pixels=4, supersampling=2, first=0, size=4)[0, 0].item()
        4.0
    """
    if supersampling > 1:
        # Rows between pixels vanish by folding their aliases before the inverse transform.
        spectrum = spectrum.unflatten(-2, (supersampling, pixels)).sum(-3) * supersampling
    # Transforms are fastest along the last axis of contiguous memory.
    rows = torch.fft.ifft(spectrum.mT.contiguous())[..., first : first + size].mT.contiguous()
    columns = torch.fft.irfft(rows, n=pixels * supersampling)[..., ::supersampling]
    return columns[..., first : first + size]
