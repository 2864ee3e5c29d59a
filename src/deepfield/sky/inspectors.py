"""Inspectors: how likely people choose each class for an object, from what its image shows.

The mock sky's own rules, fitted to nothing: a class is chosen as far as the noise lets one tell.
"""

import torch
from torch import Tensor

from deepfield.sky.apparent import Apparent

TELLING = 8.0
"""signal-to-noise of a pattern at which half of the people notice it, and of all light below which
half of them give up on the object"""
DISAGREE = 0.2
"""by how much people's limits differ, in the logarithm"""
POINT, STEEP, APART = 0.25, 0.5, 0.1
"""ln of the area over a point source's, and how far from exponential to de Vaucouleurs, at which
half of the people say galaxy and spheroid, and by how much their limits differ"""
SLIPS = 0.06
"""share of votes that are given at random"""


def classes(seen: Apparent, structure: Tensor, clumps: Tensor) -> Tensor:
    """[object, class] probability that an inspector chooses each class of ``CANDELS``.

    Inspectors are as good as the noise allows, and differ a little: every step is as wide as the
    error of what is looked at and their own disagreement together. Nothing counts but what is
    given here: two objects that look alike get the same votes, whatever they are.

    Args:
        seen: light of each object as a whole.
        structure, clumps: [object] share of people who see arms, a bar or an edge-on disc, and
            who see clumps: see ``noticed``.
    """
    extended = _step(seen.extent - POINT, seen.extent_error)
    steep = _step(seen.steepness - STEEP, seen.steepness_error)
    lost = 1 - noticed(seen.signal_to_noise)
    disc = 1 - steep * (1 - structure)
    galaxy = torch.stack([(1 - clumps) * (1 - disc), (1 - clumps) * disc, clumps], 1)
    told = torch.cat([extended[:, None] * galaxy, 1 - extended[:, None]], 1)
    told = (1 - SLIPS) * told + SLIPS / told.shape[1]
    lost = (SLIPS / 4 + (1 - SLIPS / 4) * lost)[:, None]
    return torch.cat([(1 - lost) * told, lost], 1).float()


def noticed(signal_to_noise: Tensor) -> Tensor:
    """[object] share of people who notice a pattern of this signal-to-noise, after the PSF.

    Example:
        >>> noticed(torch.tensor([0.0, 8.0, 80.0])).round(decimals=2).tolist()
        [0.0, 0.5, 1.0]
    """
    return torch.sigmoid((signal_to_noise.clamp(min=1e-3) / TELLING).log() / DISAGREE)


def _step(excess: Tensor, error: Tensor) -> Tensor:
    """Share who say more: a cumulative normal of the error and ``APART`` together."""
    return torch.special.ndtr(excess / torch.hypot(error, error.new_tensor(APART)))
