"""Dust: how much light a galaxy's own dust takes away, by wavelength and inclination."""

import torch
from torch import Tensor

RATIO = 4.05
"""A_V over E(B-V) of starbursts (Calzetti+00)"""


def attenuation_curve(wavelength: Tensor) -> Tensor:
    """Attenuation relative to that in V, for starbursts (Calzetti+00, ApJ 533, 682, eq. 4).

    Args:
        wavelength: [wavelength] rest frame, nm; the law holds from 120 to 2200. Bluewards it goes
            on, redwards it has run out.

    Returns:
        [wavelength] A / A_V.

    Example:
        >>> attenuation_curve(torch.tensor([150.0, 550.0, 1000.0])).tolist()
        [2.55..., 0.99..., 0.46...]
    """
    inverse = 1000 / wavelength  # per micron
    blue = 2.659 * (-2.156 + 1.509 * inverse - 0.198 * inverse**2 + 0.011 * inverse**3)
    red = 2.659 * (-1.857 + 1.040 * inverse)
    return ((torch.where(wavelength < 630, blue, red) + RATIO) / RATIO).clamp(min=0)


def inclined(face_on: Tensor, axis_ratio: Tensor) -> Tensor:
    """Attenuation of a disc that is seen inclined: the path through a slab grows as 1 / cos i.

    Args:
        face_on: [object] A_V seen from above, mag.
        axis_ratio: [object] apparent minor over major axis, which stands for cos i and which a
            disc's thickness keeps from 0.

    Returns:
        [object] A_V, mag.

    Example:
        >>> inclined(torch.tensor([0.3, 0.3]), torch.tensor([1.0, 0.25])).tolist()
        [0.3..., 1.2...]
    """
    return face_on / axis_ratio
