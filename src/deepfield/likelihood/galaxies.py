"""Galaxies: from quantities of a catalogue to the profiles of a model."""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from deepfield.likelihood.model import Profile
from deepfield.render.noise import NANOJANSKY

Galaxies = Callable[[Mapping[str, Tensor], float, int], Profile]
"""quantities by name [object], pixel scale in arcsec, side of the stamp in px -> profiles"""


def bulge_and_disc(values: Mapping[str, Tensor], pixel_scale: float, size: int) -> Profile:
    """A bulge in an exponential disc, in one band.

    Args:
        values: magnitude, bulge_to_total, radius_bulge, radius_disc (arcsec),
            sersic_index_bulge, axis_ratio_bulge, axis_ratio_disc, position_angle_bulge,
            position_angle_disc (degrees), x, y (px); [object] each.
        pixel_scale: arcsec.
        size: side of the stamp, px.

    Example:
        >>> names = "radius_bulge radius_disc sersic_index_bulge axis_ratio_bulge axis_ratio_disc"
        >>> values = {name: torch.ones(3) for name in names.split()}
        >>> more = "magnitude bulge_to_total position_angle_bulge position_angle_disc x y"
        >>> values |= {name: torch.zeros(3) for name in more.split()}
        >>> bulge_and_disc(values, 0.5, 64).radius[0].tolist()
        [2.0, 2.0]
    """
    flux = _flux(values["magnitude"])
    share = values["bulge_to_total"]

    def both(bulge: Tensor, disc: Tensor) -> Tensor:
        # Each component's numbers stand side by side in memory.
        return torch.stack([bulge, disc]).mT

    index = values["sersic_index_bulge"]
    return Profile(
        sersic_index=both(index, torch.ones_like(index)),
        radius=both(values["radius_bulge"], values["radius_disc"]) / pixel_scale,
        axis_ratio=both(values["axis_ratio_bulge"], values["axis_ratio_disc"]),
        position_angle=both(values["position_angle_bulge"], values["position_angle_disc"]),
        x=values["x"] - (size - 1) / 2,
        y=values["y"] - (size - 1) / 2,
        flux=both(share * flux, (1 - share) * flux)[..., None],
    )


def one_sersic(values: Mapping[str, Tensor], pixel_scale: float, size: int) -> Profile:
    """One Sersic profile, in one band.

    Args:
        values: magnitude, radius (arcsec), sersic_index, axis_ratio, position_angle (degrees),
            x, y (px); [object] each.
        pixel_scale, size: as in :func:`bulge_and_disc`.

    Example:
        >>> values = dict.fromkeys(("magnitude", "position_angle", "x", "y"), torch.zeros(3))
        >>> values |= dict.fromkeys(("radius", "sersic_index", "axis_ratio"), torch.ones(3))
        >>> one_sersic(values, 0.5, 64).radius.shape
        torch.Size([3, 1])
    """
    return Profile(
        sersic_index=values["sersic_index"][:, None],
        radius=values["radius"][:, None] / pixel_scale,
        axis_ratio=values["axis_ratio"][:, None],
        position_angle=values["position_angle"][:, None],
        x=values["x"] - (size - 1) / 2,
        y=values["y"] - (size - 1) / 2,
        flux=_flux(values["magnitude"])[:, None, None],
    )


def _flux(magnitude: Tensor) -> Tensor:
    """nJy."""
    return ((NANOJANSKY - magnitude) * (0.4 * math.log(10))).exp()
