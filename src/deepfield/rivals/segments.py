"""Segments: which pixels belong to the galaxy in the middle of the stamp."""

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from deepfield.rivals.stamps import smooth, smoothed_noise

# Pixels touch along edges and corners, within a stamp and never across stamps.
_TOUCH = np.zeros((3, 3, 3), dtype=bool)
_TOUCH[1] = True


def connected(above: Tensor, peak: Tensor) -> tuple[Tensor, Tensor]:
    """The connected piece of each mask that holds a pixel, and the other pieces.

    Args:
        above: [object, y, x] bool.
        peak: [object] flat index of a pixel.

    Returns:
        [object, y, x] bool, twice; the first is empty where the pixel is not in the mask.

    Example:
        >>> above = torch.tensor([[[1, 1, 0, 1]]]).bool()
        >>> piece, others = connected(above, torch.tensor([0]))
        >>> piece.int().tolist(), others.int().tolist()
        ([[[1, 1, 0, 0]]], [[[0, 0, 0, 1]]])
    """
    labels = torch.from_numpy(ndimage.label(above.numpy(), structure=_TOUCH)[0])
    at_peak = labels.flatten(1).gather(1, peak[:, None])[:, :, None]
    piece = (labels == at_peak) & above
    return piece, above & ~piece


def central(image: Tensor) -> tuple[Tensor, Tensor]:
    """Pixels of the central galaxy, and those of its neighbours.

    Two sigma above the sky after smoothing by one pixel. The galaxy is the piece with the
    brightest smoothed pixel, weighed by a Gaussian of a quarter of the stamp so that a brighter
    neighbour at the edge does not win.

    Args:
        image: [object, y, x] in units of the sky noise.

    Example:
        >>> image = torch.zeros(1, 32, 32)
        >>> image[0, 15:18, 15:18], image[0, 2, 2] = 50.0, 60.0
        >>> galaxy, neighbours = central(image)
        >>> bool(galaxy[0, 16, 16]), bool(galaxy[0, 2, 2]), bool(neighbours[0, 2, 2])
        (True, False, True)
    """
    height, width = image.shape[-2:]
    soft = smooth(image, torch.ones(len(image)))
    y = (torch.arange(height) - (height - 1) / 2) / (height / 4)
    x = (torch.arange(width) - (width - 1) / 2) / (width / 4)
    weight = torch.exp(-0.5 * (y[:, None].square() + x.square()))
    peak = (soft * weight).flatten(1).argmax(1)
    above = soft > 2 * smoothed_noise(1.0)
    above.flatten(1).scatter_(1, peak[:, None], True)
    return connected(above, peak)


def petrosian_segment(image: Tensor, mask: Tensor, petrosian: Tensor, radius: Tensor) -> Tensor:
    """Pixels brighter than the light at the Petrosian radius, as Gini and M20 need them.

    The image smoothed by a fifth of the Petrosian radius, above its own mean on that ellipse
    (Lotz, Primack & Madau 2004); the piece that holds its brightest pixel.

    Args:
        image: [object, y, x], 0 on neighbours.
        mask: [object, y, x], pixels that may belong.
        petrosian: [object] pixels.
        radius: [object, y, x] elliptical radius of every pixel.

    Example:
        >>> y, x = torch.meshgrid(torch.arange(33.0), torch.arange(33.0), indexing="ij")
        >>> r = torch.hypot(y - 16, x - 16)[None]
        >>> galaxy = petrosian_segment(torch.exp(-r / 2), r >= 0, torch.tensor([7.3]), r)
        >>> bool(galaxy[0, 16, 16]), bool(galaxy[0, 0, 0]), 100 < int(galaxy.sum()) < 250
        (True, False, True)
    """
    soft = smooth(image, 0.2 * petrosian)
    ring = ((radius - petrosian[:, None, None]).abs() < 0.5).float()
    edge = (soft * ring).sum((-1, -2)) / ring.sum((-1, -2)).clamp_min(1)
    above = (soft >= edge[:, None, None]) & mask
    peak = soft.masked_fill(~mask, -torch.inf).flatten(1).argmax(1)
    return connected(above, peak)[0]
