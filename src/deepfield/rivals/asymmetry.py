"""Asymmetry: what is left of a galaxy when its image turned by half a circle is taken away."""

from math import pi, sqrt

import torch
from torch import Tensor
from torch.nn import functional as F


def turned(image: Tensor, centre: Tensor) -> Tensor:
    """Images turned by 180 degrees about any point, linear between pixels, 0 from outside.

    Args:
        image: [object, y, x].
        centre: [object, 2] as (y, x), pixels.

    Example:
        >>> turned(torch.tensor([[[1.0, 2, 3]]]), torch.tensor([[0.0, 1.0]])).tolist()
        [[[3.0, 2.0, 1.0]]]
    """
    height, width = image.shape[-2:]
    rows = (2 * centre[:, :1] - torch.arange(height))[:, :, None]
    columns = (2 * centre[:, 1:] - torch.arange(width))[:, None, :]
    # grid_sample wants -1 ... 1 from the outer edge of the first to that of the last pixel.
    x = ((2 * columns + 1) / width - 1).expand(-1, height, -1)
    y = ((2 * rows + 1) / height - 1).expand(-1, -1, width)
    grid = torch.stack([x, y], -1)
    return F.grid_sample(image[:, None], grid, align_corners=False)[:, 0]


def symmetric_centre(image: Tensor, guess: Tensor, reach: Tensor) -> Tensor:
    """The point about which the image is most like itself turned by 180 degrees.

    The least squared difference is the highest peak of the image convolved with itself
    (one Fourier transform finds it at every half pixel), refined by a paraboloid. Squares stand in
    for the absolute differences of Conselice 2003, as in Sazonova et al. 2024.

    Args:
        image: [object, y, x], 0 far from the galaxy.
        guess: [object, 2] as (y, x), pixels.
        reach: [object] how far from the guess to look, pixels; less than a quarter of the side.

    Example:
        >>> image = torch.zeros(1, 16, 16)
        >>> image[0, 6:8, 5:8] = 1
        >>> symmetric_centre(image, torch.tensor([[7.0, 7.0]]), torch.tensor([3.0])).tolist()
        [[6.5, 6.0]]
    """
    height, width = image.shape[-2:]
    own = torch.fft.irfft2(torch.fft.rfft2(image).square(), s=(height, width))
    base = (2 * guess).round().long()
    # Twice the centre, counted from twice the guess.
    y = (torch.arange(height) - base[:, :1] + height // 2) % height - height // 2
    x = (torch.arange(width) - base[:, 1:] + width // 2) % width - width // 2
    near = torch.hypot(y[:, :, None].float(), x[:, None, :].float()) <= 2 * reach[:, None, None]
    peak = own.masked_fill(~near, -torch.inf).flatten(1).argmax(1)
    row, column = peak // width, peak % width
    objects = torch.arange(len(image))

    def at(dy: int, dx: int) -> Tensor:
        return own[objects, (row + dy) % height, (column + dx) % width]

    # The top of the paraboloid through the peak and its eight neighbours.
    top = at(0, 0)
    bend_y = 2 * top - at(-1, 0) - at(1, 0)
    bend_x = 2 * top - at(0, -1) - at(0, 1)
    cross = (at(-1, 1) + at(1, -1) - at(1, 1) - at(-1, -1)) / 4
    slope_y, slope_x = (at(1, 0) - at(-1, 0)) / 2, (at(0, 1) - at(0, -1)) / 2
    determinant = (bend_y * bend_x - cross.square()).clamp_min(1e-9 * top.square() + 1e-12)
    fine_y = (slope_y * bend_x - slope_x * cross) / determinant
    fine_x = (slope_x * bend_y - slope_y * cross) / determinant
    fine = torch.stack([fine_y, fine_x], 1).clamp(-0.5, 0.5)
    steps = torch.stack([y[objects, row], x[objects, column]], 1) + fine
    return (base + steps) / 2


def asymmetry(image: Tensor, valid: Tensor, centre: Tensor, weight: Tensor) -> Tensor:
    """[object] sum of absolute differences over the sum of absolute light, less the sky's part.

    Lotz, Primack & Madau 2004, equation 10. The sky's part is not measured in an empty corner,
    that a small stamp need not have, but calculated for white noise, including how much the
    turned image has lost of it between pixels.

    Args:
        image: [object, y, x] in units of the sky noise.
        valid: [object, y, x] bool.
        centre: [object, 2] as (y, x), pixels.
        weight: [object, y, x] aperture, 0 to 1.

    Example:
        >>> image = torch.full((1, 5, 5), 1000.0)
        >>> image[0, 2, 4] = 2000.0
        >>> all_of_it = torch.ones(1, 5, 5)
        >>> centre = torch.tensor([[2.0, 2.0]])
        >>> round(float(asymmetry(image, all_of_it > 0, centre, all_of_it)[0]), 2)
        0.08
    """
    both = weight * valid * (turned(valid.float(), centre) > 0.5)
    difference = (image - turned(image, centre)).abs()
    fraction = (2 * centre) % 1
    kept = (fraction.square() + (1 - fraction).square()).prod(1)
    noise = sqrt(2 / pi) * (1 + kept).sqrt()
    light = (both * image.abs()).sum((-1, -2)).clamp_min(1e-9)
    return ((both * difference).sum((-1, -2)) - both.sum((-1, -2)) * noise) / light


def shape_asymmetry(segment: Tensor, centre: Tensor) -> Tensor:
    """[object] asymmetry of the segment itself: faint tails count as much as the bright centre.

    Pawlik et al. 2016.

    Args:
        segment: [object, y, x] bool.
        centre: [object, 2] as (y, x), pixels.

    Example:
        >>> shape_asymmetry(torch.ones(1, 3, 3) > 0, torch.tensor([[1.0, 1.0]])).tolist()
        [0.0]
    """
    shape = segment.float()
    difference = (shape - turned(shape, centre)).abs().sum((-1, -2))
    return difference / shape.sum((-1, -2)).clamp_min(1)
