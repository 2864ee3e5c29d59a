"""Apertures: radial profiles, curves of growth and the radii read off them, many at a time."""

from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor


def offsets(centre: Tensor, shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Distance of every pixel from a centre along both axes.

    Args:
        centre: [object, 2] as (y, x), pixels.
        shape: (height, width).

    Returns:
        y [object, height, 1] and x [object, 1, width], pixels.

    Example:
        >>> y, x = offsets(torch.tensor([[1.0, 2.0]]), (3, 4))
        >>> y.flatten().tolist(), x.flatten().tolist()
        ([-1.0, 0.0, 1.0], [-2.0, -1.0, 0.0, 1.0])
    """
    y = torch.arange(shape[0]) - centre[:, :1]
    x = torch.arange(shape[1]) - centre[:, 1:]
    return y[:, :, None], x[:, None, :]


def centroids(light: Tensor) -> Tensor:
    """Mean position of the light.

    Args:
        light: [object, y, x], not negative.

    Returns:
        [object, 2] as (y, x), pixels; 0 where there is no light.

    Example:
        >>> light = torch.zeros(1, 5, 5)
        >>> light[0, 1, 2:4] = 7
        >>> centroids(light).tolist()
        [[1.0, 2.5]]
    """
    total = light.sum((-1, -2)).clamp_min(1e-9)
    y = (light.sum(-1) * torch.arange(light.shape[-2])).sum(1) / total
    x = (light.sum(-2) * torch.arange(light.shape[-1])).sum(1) / total
    return torch.stack([y, x], 1)


@dataclass(frozen=True)
class Ellipse:
    """Shapes of ellipses.

    Args:
        axis_ratio: [object] minor over major axis.
        angle: [object] of the major axis from +x towards +y, radians.
    """

    axis_ratio: Tensor
    angle: Tensor

    def deproject(self, y: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Coordinates along the minor (stretched to a circle) and the major axis."""
        cosine, sine = self.angle.cos()[:, None, None], self.angle.sin()[:, None, None]
        return (y * cosine - x * sine) / self.axis_ratio[:, None, None], x * cosine + y * sine


def moments(image: Tensor, centre: Tensor) -> tuple[Ellipse, Tensor]:
    """Ellipse with the second moments of the light, and its major-axis root mean square.

    Args:
        image: [object, y, x]; 0 outside the object.
        centre: [object, 2].

    Returns:
        the ellipse, and [object] pixels.

    Example:
        >>> image = torch.zeros(1, 9, 9)
        >>> image[0, 4, 1:8] = 1
        >>> shape, size = moments(image, torch.tensor([[4.0, 4.0]]))
        >>> round(float(shape.axis_ratio[0]), 2), float(shape.angle[0]), round(float(size[0]), 2)
        (0.14, 0.0, 2.02)
    """
    y, x = offsets(centre, (image.shape[-2], image.shape[-1]))
    total = image.sum((-1, -2)).clamp_min(1e-9)
    pixel = 1 / 12  # a line of light still fills its pixels
    yy = ((image.sum(-1) * y[:, :, 0].square()).sum(-1) / total).clamp_min(0) + pixel
    xx = ((image.sum(-2) * x[:, 0].square()).sum(-1) / total).clamp_min(0) + pixel
    xy = ((image * x).sum(-1) * y[:, :, 0]).sum(-1) / total
    mean, half = (xx + yy) / 2, torch.hypot((xx - yy) / 2, xy)
    minor = (mean - half).clamp_min(pixel)
    major = torch.maximum(mean + half, minor)
    return Ellipse((minor / major).sqrt(), 0.5 * torch.atan2(2 * xy, xx - yy)), major.sqrt()


@dataclass(frozen=True)
class Profile:
    """Mean light on circles or ellipses of integer radius.

    Args:
        mean: [object, radius] at radii 0, 1, 2 ... pixels.
        growth: [object, radius] light inside the radius.
        area: axis ratio times pi, [object].
    """

    mean: Tensor
    growth: Tensor
    area: Tensor

    def at(self, radius: Tensor) -> Tensor:
        """Mean light at any radii ([object, ...] pixels), linear between the circles."""
        return _read(self.mean, radius)

    def inside(self, radius: Tensor) -> Tensor:
        """Light inside any radii ([object, ...] pixels)."""
        return _read(self.growth, radius)

    def petrosian(self, eta: float = 0.2) -> Tensor:
        """[object] first radius where the light falls to ``eta`` of the mean inside.

        Petrosian 1976; eta = 0.2 as in Lotz, Primack & Madau 2004. The largest radius where it
        never falls so far.
        """
        radius = torch.arange(1, self.mean.shape[1])
        inside = self.growth[:, 1:].abs() / (self.area[:, None] * radius.square())
        ratio = self.mean[:, 1:].abs() / inside.clamp_min(1e-9) - eta
        below = ratio <= 0
        first = below.int().argmax(1)
        last = torch.full_like(first, ratio.shape[1] - 1)
        first = torch.where(below.any(1), first, last).clamp_min(1)
        after = ratio.gather(1, first[:, None])[:, 0]
        before = ratio.gather(1, first[:, None] - 1)[:, 0]
        step = (before / (before - after).clamp_min(1e-9)).clamp(0, 1)
        return first + torch.where(below.any(1), step, torch.ones_like(step))

    def holding(self, fraction: float, total: Tensor) -> Tensor:
        """[object] radius that holds a fraction of the light inside the radius ``total``."""
        wanted = fraction * self.inside(total).clamp_min(1e-9)
        reached = self.growth >= wanted[:, None]
        last = self.growth.shape[1] - 1
        first = torch.where(reached.any(1), reached.int().argmax(1), last).clamp_min(1)
        after = self.growth.gather(1, first[:, None])[:, 0]
        before = self.growth.gather(1, first[:, None] - 1)[:, 0]
        step = ((wanted - before) / (after - before).clamp_min(1e-9)).clamp(0, 1)
        # Light inside grows with the area: between two circles the square of r is linear in it.
        inner = first.float() - 1
        return (inner.square() + step * (2 * inner + 1)).sqrt()


def profile(image: Tensor, valid: Tensor, radius: Tensor, axis_ratio: Tensor) -> Profile:
    """Mean light as a function of (elliptical) radius, and its curve of growth.

    Every pixel counts for the two circles next to it, by its distance. The curve of growth
    integrates the profile, so masked pixels and the stamp's edge take the mean of their circle.

    Args:
        image: [object, y, x].
        valid: [object, y, x], pixels that count.
        radius: [object, y, x] of every pixel, pixels.
        axis_ratio: [object]; 1 for circles.

    Example:
        >>> y, x = offsets(torch.tensor([[16.0, 16.0]]), (33, 33))
        >>> r, one = torch.hypot(y, x), torch.ones(1)
        >>> light = profile(torch.exp(-r / 3), r >= 0, r, one)
        >>> round(float(light.petrosian()[0]), 1), round(float(light.holding(0.5, one * 16)[0]), 1)
        (10.9, 4.9)
    """
    count = int(max(image.shape[-2:]) * 0.75) + 2
    radius = radius.flatten(1)
    low = radius.floor().long().clamp_max(count - 2)
    counts = (valid.flatten(1) & (radius < count - 1)).float()
    upper = (radius - low) * counts
    lower = counts - upper
    light = torch.zeros(len(image), count)
    weight = torch.zeros(len(image), count)
    for index, share in ((low, lower), (low + 1, upper)):
        light.scatter_add_(1, index, share * image.flatten(1))
        weight.scatter_add_(1, index, share)
    mean = torch.where(weight > 1e-3, light / weight.clamp_min(1e-3), torch.zeros(()))
    a = torch.arange(count - 1)
    shells = (mean[:, :-1] * (3 * a + 1) + mean[:, 1:] * (3 * a + 2)) / 6
    growth = torch.cat([torch.zeros(len(image), 1), shells.cumsum(1)], 1)
    area = pi * axis_ratio
    return Profile(mean, 2 * area[:, None] * growth, area)


def _read(table: Tensor, radius: Tensor) -> Tensor:
    """Linear interpolation of [object, radius] at [object, ...]."""
    flat = radius.reshape(len(table), -1).clamp(0, table.shape[1] - 1.001)
    low = flat.floor().long()
    below, above = table.gather(1, low), table.gather(1, low + 1)
    return (below + (flat - low) * (above - below)).reshape(radius.shape)
