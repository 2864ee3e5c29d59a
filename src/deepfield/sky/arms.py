"""Arms: logarithmic spirals, from two regular arms to flocculent ones."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.sky.discs import column, exponential
from deepfield.sky.numbers import Numbers

MODES = 3
SOFT = 0.08
"""width of the arms' inner end, half-light radii"""


@dataclass(frozen=True)
class Arms:
    """Spiral modes whose product is the pattern: one mode alone is a grand design.

    Modes of like sharpness and different numbers beat: arms then break, fork and fade along
    their length, as flocculent ones do.

    Args:
        number: [object, mode] of arms.
        pitch: [object, mode] degrees; the sign is the handedness.
        phase: [object, mode] radians.
        sharpness: [object, mode] concentration of the von Mises profile across an arm.
        start: [object] radius of the inner end, disc half-light radii.
        share: [object] of the disc's light that the pattern gathers.
    """

    number: Tensor
    pitch: Tensor
    phase: Tensor
    sharpness: Tensor
    start: Tensor
    share: Tensor

    def phases(self, radius: Tensor, azimuth: Tensor, mode: int) -> Tensor:
        """Angle across the arms of one mode: 0 on a ridge.

        Args:
            radius, azimuth: [object, ...] in the plane of the disc, half-light radii and radians.
            mode: which one.
        """
        spread = (-1,) + (1,) * (radius.ndim - 1)
        tangent = torch.tan(torch.deg2rad(self.pitch[:, mode])).view(spread)
        turned = azimuth - torch.log(radius.clamp(min=0.05)) / tangent
        return self.number[:, mode].view(spread) * turned - self.phase[:, mode].view(spread)

    def apart(self) -> Tensor:
        """[object] distance between neighbouring arms at the half-light radius, in it."""
        angle = torch.deg2rad(self.pitch[:, 0].abs())
        return (2 * math.pi * angle.sin() / self.number[:, 0]).clamp(max=1.0)


def draw_arms(numbers: Numbers, *, flocculent: float) -> Arms:
    """Arms of many galaxies; the share of light is that of a spiral.

    Args:
        numbers: at least ``8 + 3 * MODES`` are left.
        flocculent: share of galaxies whose second and third mode are as sharp as the first.
    """
    broken = numbers.chance(flocculent)
    grand, many = numbers.pick(2, 2, 2, 2, 3), numbers.pick(2, 3, 4, 5)
    first = torch.where(broken, many, grand)
    pitch, hand = numbers.flat((14.0, 33.0)), numbers.pick(-1, 1)
    regular = numbers.flat((1.2, 3.0))
    number, pitches, phase, sharpness = [], [], [], []
    for mode in range(MODES):
        scatter, start, vigour = numbers.normal(1.0, 0.2), numbers.next().float(), numbers.next()
        number.append(first + mode * torch.where(first > 3, -1, 1))
        pitches.append(hand * pitch * (scatter.clamp(0.6, 1.5) if mode else 1.0))
        phase.append(2 * math.pi * start)
        # A grand design keeps a little of the others: no two arms of a galaxy are alike.
        alone = regular if mode == 0 else (0.1 + 0.35 * vigour).float()
        sharpness.append(torch.where(broken, (0.7 + 0.8 * vigour).float(), alone))
    return Arms(
        number=torch.stack(number, 1).float(),
        pitch=torch.stack(pitches, 1),
        phase=torch.stack(phase, 1),
        sharpness=torch.stack(sharpness, 1),
        start=numbers.flat((0.3, 0.5)),
        share=numbers.flat((0.5, 0.9)),
    )


def paint_arms(arms: Arms, radius: Tensor, azimuth: Tensor) -> Tensor:
    """An exponential disc whose light is gathered in the arms outside their start.

    Every mode has a von Mises profile across its arms, whose mean over azimuth is the disc's.

    Args:
        arms: of the galaxies.
        radius, azimuth: [object, Y, X] in the plane of the disc, half-light radii and radians.

    Returns:
        [object, Y, X] surface brightness; 1 at the centre.

    Example:
        >>> arms = draw_arms(Numbers(torch.rand(2, 20).numpy()), flocculent=0.5)
        >>> paint_arms(arms, torch.ones(2, 4, 4), torch.zeros(2, 4, 4)).shape
        torch.Size([2, 4, 4])
    """
    exponent = torch.zeros_like(radius)
    level = torch.ones_like(arms.start)
    for mode in range(MODES):
        sharpness = arms.sharpness[:, mode]
        wave = arms.phases(radius, azimuth, mode).cos_().sub_(1)
        exponent.addcmul_(column(sharpness), wave)
        level = level * torch.special.i0e(sharpness)
    pattern = exponent.exp_().div_(column(level)).sub_(1)
    pattern.mul_(torch.sigmoid((radius - column(arms.start)) / SOFT)).add_(1)
    return pattern.mul_(exponential(radius))
