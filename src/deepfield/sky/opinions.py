"""Opinions: how likely each answer to Galaxy Zoo's questions is for a galaxy of known parts.

The mock sky's own rules: every answer is a smooth function of what is there, blended with what
people say who see nothing, by how well it can be seen. The numbers are chosen so that the mean
votes of a population look like those of Galaxy Zoo 2, and are fitted to nothing.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.nouns.galaxy_zoo import GALAXY_ZOO_2
from deepfield.sky.population import IRREGULAR, Galaxies

TELLING, RESOLVED = 25.0, 0.8
"""signal-to-noise of a part, and its size in PSF FWHM, at which half of the people who could see
it do; a matched filter needs 8. People differ: see ``_told``"""


@dataclass(frozen=True)
class Seen:
    """How much of a galaxy's parts reaches an eye.

    Args:
        arm, bar, ring, clump, dust: [object] signal-to-noise of the part alone, middle band.
        thin: [object] of the difference between an edge-on disc and a rounder one.
        fwhm: of the PSF, px.
    """

    arm: Tensor
    bar: Tensor
    ring: Tensor
    clump: Tensor
    dust: Tensor
    thin: Tensor
    fwhm: float


def opinions(galaxies: Galaxies, seen: Seen) -> Tensor:
    """[object, answer] probability of every answer of ``GALAXY_ZOO_2`` for whoever is asked.

    Args:
        galaxies: their parameters.
        seen: how much of their parts can be seen.

    Example:
        >>> import numpy as np
        >>> from deepfield.sky.population import Population
        >>> from deepfield.sky.surveys import sdss
        >>> some = Population().draw(np.arange(4), sdss(), seed=0, split="test", size=48)
        >>> dark = Seen(*torch.zeros(6, 4), fwhm=3.3)
        >>> opinions(some, dark).shape
        torch.Size([4, 37])
    """
    radius, snr = galaxies.radius / seen.fwhm, galaxies.signal_to_noise
    bar_size = galaxies.bar.seen(galaxies.axis_ratio)
    arm = _told(seen.arm, galaxies.arms.apart() * radius)
    bar = _told(seen.bar, bar_size * radius)
    ring = _told(seen.ring, galaxies.ring.radius * radius)
    # Star-forming knots along arms are no oddity; clumps without arms are.
    knots = seen.clump * (galaxies.kind == IRREGULAR)
    clump, dust, thin = (_told(x, radius) for x in (knots, seen.dust, seen.thin))
    bulge = _step(snr.log(), 4.0, 0.6) * _step(radius.log(), 0.4, 0.4)
    shape = _step(snr.log(), 2.7, 0.6)
    # The PSF rounds what it blurs.
    blur = 0.25
    ratio = ((galaxies.axis_ratio * radius) ** 2 + blur).div(radius**2 + blur).sqrt()
    share = galaxies.bulge_to_total
    thinner = shape * (1 - _step(ratio, 0.42, 0.1))
    any_seen = 1 - (1 - arm) * (1 - bar) * (1 - ring) * (1 - clump) * (1 - dust) * (1 - thin)
    features = 0.05 + 0.88 * any_seen + 0.06 * thinner * (1 - any_seen)
    nothing = 0.01 + 0.05 * (1 - _step(snr.log(), 2.3, 0.6))
    odd = 0.03 + 0.85 * (1 - (1 - 0.8 * clump) * (1 - 0.2 * ring) * (1 - 0.25 * dust))
    arms, pitch = galaxies.arms.number[:, 0], galaxies.arms.pitch[:, 0].abs()
    broken = _step(galaxies.arms.sharpness[:, 1] / galaxies.arms.sharpness[:, 0], 0.6, 0.3)
    counted = torch.stack([torch.exp(-((arms - n) ** 2)) for n in range(1, 6)], 1)
    lost = (0.05 + 0.3 * broken)[:, None]
    answers = [
        _shares((1 - features) * (1 - nothing), features * (1 - nothing), nothing),
        _yes(0.02 + 0.94 * thinner),
        _yes(0.05 + 0.85 * bar),
        _yes(0.08 + 0.87 * arm),
        _blend(bulge, _near(share, (0.0, 0.14, 0.28, 0.42), 0.14), (0.25, 0.45, 0.25, 0.05)),
        _yes(odd),
        _blend(shape, _near(ratio, (1.0, 0.65, 0.25), 0.25), (0.4, 0.5, 0.1)),
        _shares(
            0.2 + 8 * ring,
            torch.full_like(ring, 0.1),
            0.3 + 2 * clump * galaxies.lopsided,
            0.2 + 6 * clump,
            torch.full_like(ring, 0.5),
            torch.full_like(ring, 0.4),
            0.1 + 8 * dust,
        ),
        _blend(bulge, _near(share, (0.28, 0.14, 0.0), 0.12), (0.45, 0.05, 0.5)),
        _blend(arm, _near(pitch, (15.0, 23.0, 32.0), 9.0), (0.35, 0.4, 0.25)),
        _blend(
            arm,
            torch.cat([(1 - lost) * counted / counted.sum(1, keepdim=True), lost], 1),
            (0.05, 0.3, 0.05, 0.02, 0.03, 0.55),
        ),
    ]
    found = torch.cat(answers, 1).float()
    assert found.shape[1] == len(GALAXY_ZOO_2.columns)
    return found


def _step(x: Tensor, middle: float, width: float) -> Tensor:
    return torch.sigmoid((x - middle) / width)


def _told(signal_to_noise: Tensor, size: Tensor) -> Tensor:
    """Share of people who see a part of this strength and this size in PSF FWHM."""
    strong = (signal_to_noise.clamp(min=1e-3) / TELLING).log()
    large = (size.clamp(min=1e-3) / RESOLVED).log()
    return torch.sigmoid(strong / 0.6) * torch.sigmoid(large / 0.5)


def _yes(probability: Tensor) -> Tensor:
    return torch.stack([probability, 1 - probability], 1)


def _shares(*weights: Tensor) -> Tensor:
    each = torch.stack(weights, 1)
    return each / each.sum(1, keepdim=True)


def _near(value: Tensor, places: tuple[float, ...], width: float) -> Tensor:
    """Shares of answers that stand for values, by how near these are."""
    away = (value[:, None] - value.new_tensor(places)) / width
    return (-0.5 * away.square()).softmax(1)


def _blend(seen: Tensor, told: Tensor, blind: tuple[float, ...]) -> Tensor:
    """Between what is told of what is seen, and what people say who see nothing."""
    return torch.lerp(told.new_tensor(blind).expand_as(told), told, seen[:, None])
