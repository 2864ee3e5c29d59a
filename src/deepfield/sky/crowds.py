"""Crowds: what is measured of sources that share an image, from the light of each alone."""

from collections.abc import Iterator

import torch
from torch import Tensor

from deepfield.nouns.quantity import Quantity
from deepfield.render.canvas import Placed

DETECTABLE = 1.0
"""sigmas of the sky in a pixel from which on light belongs to a source's box and segment"""
SOURCE = (
    Quantity("x", "pix", "point", description="centre, first pixel 0"),
    Quantity("y", "pix", "point", description="centre, first pixel 0"),
    Quantity("signal_to_noise", description="matched filter, all bands, alone against the sky"),
    Quantity("blendedness", description="1 - S.S / S.I of its light S and all light I (Bosch+18)"),
    Quantity("x_min", "pix", "point", description="box of its light above the sky's sigma"),
    Quantity("x_max", "pix", "point", description="box of its light above the sky's sigma"),
    Quantity("y_min", "pix", "point", description="box of its light above the sky's sigma"),
    Quantity("y_max", "pix", "point", description="box of its light above the sky's sigma"),
)
"""what is known of every source in a shared image, [object, source]; NaN where there is none"""
SEGMENTATION = Quantity(
    "segmentation", kind="map", description="number of the brightest source in a pixel; 0 = sky"
)
ISOLATED = Quantity(
    "isolated", "nJy", "map", description="[source, channel, y, x], the light of each source alone"
)


def boxes(light: Tensor, threshold: float) -> Tensor:
    """First and last pixel whose light is above a threshold, along x and along y.

    Args:
        light: [source, y, x].
        threshold: in the unit of ``light``.

    Returns:
        [source, 4] x_min, x_max, y_min, y_max; NaN where no pixel is above it.

    Example:
        >>> light = torch.zeros(2, 4, 6)
        >>> light[0, 1:3, 2:5] = 1.0
        >>> boxes(light, 0.5).tolist()
        [[2.0, 4.0, 1.0, 2.0], [nan, nan, nan, nan]]
    """
    above = light > threshold
    columns = []
    for axis in (1, 2):
        along = above.any(axis).to(torch.uint8)
        columns += [along.argmax(1), along.shape[1] - 1 - along.flip(1).argmax(1)]
    box = torch.stack(columns, 1).float()
    return torch.where(above.flatten(1).any(1)[:, None], box, torch.nan)


def signal_to_noise(light: Tensor, sky: Tensor) -> Tensor:
    """Of a matched filter over all bands, against the sky alone: [source].

    Args:
        light: [source, channel, y, x].
        sky: [channel] variance per pixel.

    Example:
        >>> signal_to_noise(torch.ones(1, 1, 3, 3), torch.ones(1)).tolist()
        [3.0]
    """
    return (light.square().sum((-1, -2)) / sky).sum(-1).sqrt()


def padded(values: Tensor, most: int) -> Tensor:
    """[source] as [most], NaN or for classes -1 behind.

    Example:
        >>> padded(torch.tensor([1, 0]), 3).tolist()
        [1, 0, -1]
    """
    out = values.new_full((most,), torch.nan if values.is_floating_point() else -1)
    out[: len(values)] = values
    return out


class Crowd:
    """Sources on one image: painted once, then measured.

    Args:
        placed: the sources.
        size: side of the image, px.
        sky: [channel] variance of the sky per pixel.

    Attributes:
        image: [channel, y, x] the light of all.
    """

    def __init__(self, placed: Placed, size: int, sky: Tensor) -> None:
        self.size, self.sky, self.sources = size, sky, len(placed)
        self.x, self.y = placed.x, placed.y
        self._groups = list(placed.stamps())
        self.image = torch.zeros(len(sky), size, size)
        for _, here, stamp in self._windows():
            self.image[:, *here] += stamp

    def known(self) -> dict[str, Tensor]:
        """What is known of every source, [source] each: the quantities ``SOURCE``."""
        middle, threshold = len(self.sky) // 2, self._threshold()
        strength, blend = torch.empty(self.sources), torch.zeros(self.sources)
        box = torch.empty(self.sources, 4)
        for group in self._groups:
            strength[group.object] = signal_to_noise(group.image, self.sky)
            shift = group.first.flip(1).repeat_interleave(2, 1)  # x, x, y, y
            box[group.object] = boxes(group.image[:, middle], threshold) + shift
        for number, here, stamp in self._windows():
            own = stamp[middle]
            overlap = (own * self.image[middle][here]).sum()
            blend[number] = 1 - own.square().sum() / overlap.clamp(min=1e-30)
        box = box.clamp(0, self.size - 1)
        return dict(
            zip(
                [quantity.name for quantity in SOURCE],
                (self.x, self.y, strength, blend.clamp(0, 1), *box.T),
                strict=True,
            )
        )

    def segmentation(self) -> Tensor:
        """[y, x] 1 + the number of the source that is brightest there; 0 = sky."""
        middle = len(self.sky) // 2
        brightest = torch.full((self.size, self.size), self._threshold())
        labels = torch.zeros(self.size, self.size, dtype=torch.int64)
        for number, here, stamp in self._windows():
            over = stamp[middle] > brightest[here]
            brightest[here] = torch.where(over, stamp[middle], brightest[here])
            labels[here] = labels[here].masked_fill(over, number + 1)
        return labels

    def isolated(self, most: int) -> Tensor:
        """[source, channel, y, x] the light of each source alone; NaN behind the last."""
        alone = torch.full((most, *self.image.shape), torch.nan)
        alone[: self.sources] = 0
        for number, here, stamp in self._windows():
            alone[number][:, *here] = stamp
        return alone

    def _threshold(self) -> float:
        return DETECTABLE * float(self.sky[len(self.sky) // 2].sqrt())

    def _windows(self) -> Iterator[tuple[int, tuple[slice, slice], Tensor]]:
        """Number, place in the image and light [channel, y, x] of all that reaches into it."""
        for group in self._groups:
            side = group.image.shape[-1]
            numbers, corners = group.object.tolist(), group.first.tolist()
            for number, (row, column), stamp in zip(numbers, corners, group.image, strict=True):
                top, left = max(row, 0), max(column, 0)
                bottom, right = min(row + side, self.size), min(column + side, self.size)
                if top < bottom and left < right:
                    part = stamp[:, top - row : bottom - row, left - column : right - column]
                    yield number, (slice(top, bottom), slice(left, right)), part
