"""Opinions: how likely each answer to Galaxy Zoo's questions is for a galaxy of known parts.

The mock sky's own rules: every answer is a smooth function of what is there, blended with what
people say who see nothing, by how well it can be seen. The numbers are chosen so that the mean
votes of a population look like those of Galaxy Zoo 2, and are fitted to nothing.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.nouns.galaxy_zoo import GALAXY_ZOO_2
from deepfield.sky.population import Galaxies

TELLING, FAINTEST = 8.0, 0.03
"""signal-to-noise and contrast of a part at which half of the people who could see it do. An ideal
observer needs 5, and people use a fifth to a half of what it uses (Burgess et al. 1981, Science
214, 93); in a picture of 256 levels by Lupton et al. 2004 (PASP 116, 133) 3 % are one level"""


@dataclass(frozen=True)
class Seen:
    """How much of a galaxy's parts reaches an eye.

    Args:
        arm, bar, ring, clump, dust: [object] share of people who see the part: see ``told``.
        fwhm: of the PSF, px.
    """

    arm: Tensor
    bar: Tensor
    ring: Tensor
    clump: Tensor
    dust: Tensor
    fwhm: float


def told(signal_to_noise: Tensor, contrast: Tensor) -> Tensor:
    """Share of people who see a part that stands out of the noise and of the galaxy by so much.

    Args:
        signal_to_noise, contrast: [object] as from ``sky.contrast``: of what the PSF leaves and
            no smooth galaxy has. What is blurred away or looks like a bulge is seen by nobody.

    Example:
        >>> told(torch.tensor([0.0, 8.0, 1e4]), torch.tensor([1.0, 0.03, 1.0])).round(decimals=2)
        tensor([0.0000, 0.2500, 1.0000])
    """
    strong = (signal_to_noise.clamp(min=1e-3) / TELLING).log()
    clear = (contrast.clamp(min=1e-6) / FAINTEST).log()
    return torch.sigmoid(strong / 0.6) * torch.sigmoid(clear / 0.5)


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
        >>> dark = Seen(*torch.zeros(5, 4), fwhm=3.3)
        >>> opinions(some, dark).shape
        torch.Size([4, 37])
    """
    radius, snr = galaxies.radius / seen.fwhm, galaxies.signal_to_noise
    arm, bar, ring, dust = seen.arm, seen.bar, seen.ring, seen.dust
    # Star-forming knots along arms or about a bar are no oddity; clumps without them are.
    clump = seen.clump * (1 - arm) * (1 - bar)
    bulge = _step(snr.log(), 4.0, 0.6) * _step(radius.log(), 0.4, 0.4)
    # A shape takes isophotes that an eye can follow: some sigma in every pixel of them.
    shape = _step(snr.log(), 3.4, 0.6)
    # The PSF rounds what it blurs.
    blur = 0.25
    ratio = ((galaxies.axis_ratio * radius) ** 2 + blur).div(radius**2 + blur).sqrt()
    share = galaxies.bulge_to_total
    thinner = shape * (1 - _step(ratio, 0.42, 0.1))
    # What is thin is a disc from the side, and a cigar to one in five.
    smooth = (1 - arm) * (1 - bar) * (1 - ring) * (1 - clump) * (1 - dust) * (1 - 0.8 * thinner)
    features = 0.05 + 0.88 * (1 - smooth)
    nothing = 0.01 + 0.05 * (1 - _step(snr.log(), 2.3, 0.6))
    odd = 0.03 + 0.85 * (1 - (1 - 0.8 * clump) * (1 - 0.2 * ring) * (1 - 0.25 * dust))
    # Arms closer than the PSF is wide are seen, but nobody can count or follow them.
    apart = arm * _step((galaxies.arms.apart() * radius).log(), 0.0, 0.3)
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
        _blend(apart, _near(pitch, (15.0, 23.0, 32.0), 9.0), (0.35, 0.4, 0.25)),
        _blend(
            apart,
            torch.cat([(1 - lost) * counted / counted.sum(1, keepdim=True), lost], 1),
            (0.05, 0.3, 0.05, 0.02, 0.03, 0.55),
        ),
    ]
    found = torch.cat(answers, 1).float()
    assert found.shape[1] == len(GALAXY_ZOO_2.columns)
    return found


def _step(x: Tensor, middle: float, width: float) -> Tensor:
    return torch.sigmoid((x - middle) / width)


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
