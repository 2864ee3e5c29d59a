"""Gaussian blur of stamps: what keeps dreams from being noise."""

import torch
import torch.nn.functional as F
from torch import Tensor


def gaussian_blur(images: Tensor, width: float) -> Tensor:
    """Stamps smoothed by a Gaussian, as if mirrored beyond their edges.

    Args:
        images: [object, channel, y, x].
        width: standard deviation, px; 0 leaves them as they are.

    Example:
        >>> point = F.pad(torch.ones(1, 1, 1, 1), (8,) * 4)
        >>> spread = gaussian_blur(point, 2.0)
        >>> round(float(spread.sum()), 4), round(float(spread.max()), 2)
        (1.0, 0.04)
    """
    if width == 0:
        return images
    reach = min(int(3 * width) + 1, min(images.shape[2:]) - 1)
    offset = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    kernel = (-0.5 * (offset / width).square()).exp()
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, -1)
    padded = F.pad(images, (reach,) * 4, mode="reflect")
    smooth = F.conv2d(padded, kernel[:, :, None], groups=images.shape[1])
    return F.conv2d(smooth, kernel[..., None], groups=images.shape[1])
