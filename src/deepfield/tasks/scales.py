"""Scales: between a quantity in astronomers' units and a standard normal number.

Where the training prior is flat on the natural scale of a quantity (log radius, axis ratio,
magnitude over noise) the standard normal has no information: posteriors of all quantities then
live in one space, without borders, where a network's Gaussians fit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from deepfield.nets.frame import Frame
from deepfield.nouns.posterior import HALF_TURN, wrapped

MARGIN = 1e-6
"""share of a range that its borders keep away from 0 and 1"""
AB = 31.4
"""AB magnitude of 1 nJy"""


class Scale(Protocol):
    """One quantity's way to a standard normal number and back."""

    def to_normal(self, value: Tensor, frame: Frame) -> Tensor:
        """Numbers of values in the quantity's unit, [object] or [object, sample]."""
        ...

    def to_value(self, z: Tensor, frame: Frame) -> Tensor:
        """The inverse."""
        ...

    @property
    def prior(self) -> str:
        """The training prior, in words."""
        ...

    def log_prior(self, value: Tensor) -> Tensor:
        """Log density of the training prior within its range, up to a constant.

        Raises:
            ValueError: it is that of the training data, and nobody wrote it down.
        """
        ...


def to_values(scales: Sequence[Scale], z: Tensor, frame: Frame) -> Tensor:
    """Values of numbers of several quantities; those with flat priors all at once.

    Args:
        scales: one for each quantity.
        z: [object, sample, quantity].
        frame: of the objects.

    Returns:
        of the same shape; in memory every quantity's values stand side by side.

    Example:
        >>> frame = Frame(torch.ones(1), torch.ones(1), torch.zeros(1), torch.ones(1))
        >>> to_values((Flat(0.0, 2.0), Standard(5.0, 1.0)), torch.zeros(1, 1, 2), frame)
        tensor([[[1., 5.]]])
    """
    each, ends = z.movedim(-1, 0), _ends(tuple(scales))
    if ends is None or z.requires_grad:  # which in-place operations on parts do not go with
        values = [scale.to_value(one, frame) for scale, one in zip(scales, each, strict=True)]
        return torch.stack(values).movedim(0, -1)
    low, span = ends.to(z)[..., None, None].unbind(1)
    levels = _share(each.contiguous()).mul_(span).add_(low)
    for scale, one in zip(scales, levels, strict=True):
        assert isinstance(scale, EVEN)
        scale.of_level(one, frame)
    return levels.movedim(0, -1)


@dataclass(frozen=True)
class Flat:
    """Flat between two values.

    Raises:
        ValueError: the range is empty.

    Example:
        >>> frame = Frame(torch.ones(1), torch.ones(1), torch.zeros(1), torch.ones(1))
        >>> Flat(0.0, 2.0).to_value(torch.zeros(1), frame)
        tensor([1.])
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf:
            raise ValueError(f"range {self.low} to {self.high}; expected two numbers that ascend")

    @property
    def prior(self) -> str:
        """The range."""
        return f"flat from {self.low:g} to {self.high:g}"

    def log_prior(self, value: Tensor) -> Tensor:
        """0: flat."""
        return torch.zeros_like(value)

    def to_normal(self, value: Tensor, frame: Frame) -> Tensor:
        """Numbers of values; those outside are put at the border."""
        share = ((value - self.low) / (self.high - self.low)).clamp(MARGIN, 1 - MARGIN)
        return math.sqrt(2) * torch.erfinv(2 * share - 1)

    def to_value(self, z: Tensor, frame: Frame) -> Tensor:
        """Values, within the range."""
        return _share(z).mul_(self.high - self.low).add_(self.low)

    def of_level(self, level: Tensor, frame: Frame) -> Tensor:
        """The same numbers."""
        return level


@dataclass(frozen=True)
class LogPixels:
    """A length in arcsec whose log10 in pixels is flat between two values."""

    low: float
    high: float

    @property
    def prior(self) -> str:
        """The range."""
        return f"log10 in pixels flat from {self.low:g} to {self.high:g}"

    def log_prior(self, value: Tensor) -> Tensor:
        """As 1 / length: flat in the logarithm."""
        return -value.log()

    def to_normal(self, value: Tensor, frame: Frame) -> Tensor:
        """Numbers of lengths, arcsec."""
        pixels = value / _like(frame.pixel_scale, value)
        return Flat(self.low, self.high).to_normal(pixels.clamp(min=1e-9).log10(), frame)

    def to_value(self, z: Tensor, frame: Frame) -> Tensor:
        """Lengths, arcsec; NaN where the pixel scale is not known."""
        return self.of_level(Flat(self.low, self.high).to_value(z, frame), frame)

    def of_level(self, level: Tensor, frame: Frame) -> Tensor:
        """Lengths of their log10 in pixels, in place."""
        return level.mul_(math.log(10)).add_(_like(frame.pixel_scale.log(), level)).exp_()


@dataclass(frozen=True)
class MagnitudeOverSignal:
    """A magnitude, told from the frame's own rough signal: flat in log flux, at any depth.

    The numbers are log10 of flux over the noise of a pixel and the signal: half of log10 of the
    pixels that an object fills.
    """

    low: float
    high: float

    @property
    def prior(self) -> str:
        """Of log flux."""
        return "flat wherever the object can be seen"

    def log_prior(self, value: Tensor) -> Tensor:
        """0: flat."""
        return torch.zeros_like(value)

    def to_normal(self, value: Tensor, frame: Frame) -> Tensor:
        """Numbers of AB magnitudes."""
        over = (AB - value) / 2.5 - self._unit(value, frame)
        return Flat(self.low, self.high).to_normal(over, frame)

    def to_value(self, z: Tensor, frame: Frame) -> Tensor:
        """AB magnitudes, where the images are in nJy."""
        return self.of_level(Flat(self.low, self.high).to_value(z, frame), frame)

    def of_level(self, level: Tensor, frame: Frame) -> Tensor:
        """Magnitudes of log10 of flux over the unit, in place."""
        return level.add_(self._unit(level, frame)).mul_(-2.5).add_(AB)

    def _unit(self, values: Tensor, frame: Frame) -> Tensor:
        return _like((frame.noise * frame.signal).log10(), values)


@dataclass(frozen=True)
class Direction:
    """A position angle, told from the frame's own."""

    low: ClassVar[float] = -HALF_TURN / 2
    high: ClassVar[float] = HALF_TURN / 2

    @property
    def prior(self) -> str:
        """All directions."""
        return "all directions alike"

    def log_prior(self, value: Tensor) -> Tensor:
        """0: flat."""
        return torch.zeros_like(value)

    def to_normal(self, value: Tensor, frame: Frame) -> Tensor:
        """Numbers of position angles, degrees."""
        away = wrapped(value - _like(frame.position_angle, value))
        return Flat(self.low, self.high).to_normal(away, frame)

    def to_value(self, z: Tensor, frame: Frame) -> Tensor:
        """Position angles, 0 to 180 degrees."""
        return self.of_level(Flat(self.low, self.high).to_value(z, frame), frame)

    def of_level(self, level: Tensor, frame: Frame) -> Tensor:
        """Position angles of angles from the frame's, in place."""
        return level.add_(_like(frame.position_angle, level)).remainder_(HALF_TURN)


@dataclass(frozen=True)
class Standard:
    """A quantity without borders: minus its mean, over its standard deviation."""

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        if not self.deviation > 0:
            raise ValueError(f"deviation is {self.deviation}; expected above 0")

    @property
    def prior(self) -> str:
        """A Gaussian's numbers."""
        return f"as in the training data: mean {self.mean:g}, deviation {self.deviation:g}"

    def log_prior(self, value: Tensor) -> Tensor:
        """Not known."""
        raise ValueError(f"the training prior is {self.prior}: it cannot be taken out again")

    def to_normal(self, value: Tensor, frame: Frame) -> Tensor:
        """Numbers of values."""
        return (value - self.mean) / self.deviation

    def to_value(self, z: Tensor, frame: Frame) -> Tensor:
        """Values."""
        return self.mean + self.deviation * z


EVEN = (Flat, LogPixels, MagnitudeOverSignal, Direction)
"""scales with a level, ``low`` to ``high``, on which the prior is flat"""


@cache
def _ends(scales: tuple[Scale, ...]) -> Tensor | None:
    """[scale, (lowest level, range)]; None if some have no level."""
    levels = [scale for scale in scales if isinstance(scale, EVEN)]
    if len(levels) < len(scales):
        return None
    with torch.inference_mode(False):  # for every later caller
        return torch.tensor([[scale.low, scale.high - scale.low] for scale in levels])


def _share(z: Tensor) -> Tensor:
    """The normal distribution function; ``torch.special.ndtr`` takes several times as long."""
    return torch.erfc(z * -math.sqrt(0.5)).mul_(0.5)


def _like(each: Tensor, values: Tensor) -> Tensor:
    """[object] numbers, to combine with [object] or [object, sample]."""
    return each.reshape(-1, *[1] * (values.ndim - 1)).to(values)
