"""Colours: flux ratios of neighbouring channels in the same apertures."""

from itertools import pairwise

import torch
from torch import Tensor

APERTURES = ("core", "disc")


def names(channels: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the features for these channels; none for a single channel.

    Example:
        >>> names(("g", "r"))
        ('colour_g_r_core', 'colour_g_r_disc', 'colour_g_r_gradient')
    """
    pairs = [f"{a}_{b}" for a, b in pairwise(channels)]
    return tuple(f"colour_{pair}_{what}" for pair in pairs for what in (*APERTURES, "gradient"))


def measure(channels: Tensor, sigma: Tensor, core: Tensor, disc: Tensor) -> Tensor:
    """Colours in magnitudes of a core and a disc aperture, and their difference.

    Magnitudes are inverse hyperbolic sines softened at the flux's own noise (Lupton, Gunn &
    Szalay 1999), so a flux that is not detected, or negative, still has a colour. NaN where a
    band is missing.

    Args:
        channels: [object, channel, y, x] sky-subtracted.
        sigma: [object, channel] sky noise a pixel in the same unit.
        core, disc: [object, y, x] aperture weights, 0 to 1.

    Returns:
        [object, feature] in the order of ``names``.

    Example:
        >>> light = torch.ones(1, 2, 4, 4)
        >>> light[:, 1] = 10
        >>> one = torch.ones(1, 4, 4)
        >>> measure(light, torch.full((1, 2), 1e-6), one, one).round(decimals=3).tolist()
        [[2.5, 2.5, 0.0]]
    """
    magnitudes = []
    for weight in (core, disc):
        flux = torch.einsum("ocyx,oyx->oc", channels, weight)
        noise = sigma * weight.square().sum((-1, -2)).sqrt()[:, None]
        softened = torch.asinh(flux / (2 * noise)) + noise.log()
        magnitudes.append((-1.0857362 * softened).masked_fill(~noise.isfinite(), torch.nan))
    inner, outer = (m[:, :-1] - m[:, 1:] for m in magnitudes)
    return torch.stack([inner, outer, inner - outer], -1).flatten(1)
