"""Evidence: the pixels of a mock galaxy that show its kind, and those of its neighbours."""

from torch import Tensor

SUPPORT = 0.1
"""of its strongest pixel, above which a part is there"""
DISTINCT = 0.25
"""of all light of the pixel, above which a part shows"""
COMPANION_NOISE = 3.0
"""sigma above which a neighbour is seen"""


def support(part: Tensor) -> Tensor:
    """Pixels where a part is brighter than a tenth of its strongest pixel.

    Arms and bars reach into the middle, so that a map of nothing but the brightest pixel, or of
    the middle of the stamp, is nearly always right: see ``distinct``.

    Args:
        part: [object, y, x] light of the part, nJy.

    Returns:
        [object, y, x] bool; nothing where an object has no such part.

    Example:
        >>> import torch
        >>> support(torch.tensor([[[0.0, 0.05, 0.5, 1.0]]])).tolist()
        [[[False, False, True, True]]]
    """
    strongest = part.amax((1, 2), keepdim=True)
    return (part > SUPPORT * strongest) & (strongest > 0)


def distinct(part: Tensor, light: Tensor) -> Tensor:
    """Pixels of the support where the part also makes up a quarter of what was measured.

    On the nucleus, arms and bars are outshone: evidence that lies there is the galaxy's
    brightness, not its arms.

    Args:
        part: [object, y, x] light of the part.
        light: [object, y, x] measured in the same band, noise and all.

    Returns:
        [object, y, x] bool

    Example:
        >>> import torch
        >>> part = torch.tensor([[[0.5, 1.0, 0.9]]])
        >>> distinct(part, torch.tensor([[[9.0, 2.0, 1.0]]])).tolist()
        [[[False, True, True]]]
    """
    return support(part) & (part > DISTINCT * light.nan_to_num().clamp(min=0))


def companions(part: Tensor, light: Tensor, sigma: Tensor) -> Tensor:
    """Pixels where a neighbour is seen and outshines the galaxy.

    Args:
        part: [object, y, x] light of stars and galaxies around it.
        light: [object, y, x] measured in the same band.
        sigma: [object, 1, 1] noise of a pixel.

    Returns:
        [object, y, x] bool

    Example:
        >>> import torch
        >>> part = torch.tensor([[[4.0, 4.0, 1.0]]])
        >>> companions(part, torch.tensor([[[5.0, 20.0, 1.0]]]), torch.ones(1, 1, 1)).tolist()
        [[[True, False, False]]]
    """
    return (part > COMPANION_NOISE * sigma) & (part > 0.5 * light.nan_to_num().clamp(min=0))
