"""Real sky: pieces of real images in the place of simulated noise."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.flags import Flag
from deepfield.nouns.survey import Survey
from deepfield.render.draws import BACKGROUND, generator, normals
from deepfield.render.exposure import Exposure
from deepfield.render.noise import electrons_per_njy, sky_variance

ORDER = ("train", "validation", "test", "calibrate", "train", "train", "train", "train")
"""The split that each stamp belongs to, again and again: no split sees another's sky."""
GAUSSIAN = 1.4826
"""standard deviations in a median absolute deviation"""


@dataclass(frozen=True, eq=False)
class RealSky:
    """A piece of real sky behind every object: its noise, its neighbours, its faults.

    Each object gets a random crop of a random stamp of its split, flipped and turned at random,
    and the Poisson noise of its own light. The variance is estimated: the square of a stamp's
    scatter (median absolute deviation) in each channel, and the object's own.

    Args:
        stamps: [stamp, channel, y, x] nJy per pixel, sky-subtracted, at least 4; NaN = no
            measurement. See :func:`to_depth_of` for stamps of another unit or survey.

    Raises:
        ValueError: another shape, too few stamps, or stamps without noise.

    Example:
        >>> sky = RealSky(torch.randn(4, 1, 20, 20))
        >>> sky.sigma.shape
        torch.Size([4, 1])
    """

    stamps: Tensor

    def __post_init__(self) -> None:
        shape = tuple(self.stamps.shape)
        if len(shape) != 4 or shape[0] < 4 or 0 in shape:
            raise ValueError(
                f"sky stamps have shape {shape}; expected [stamp, channel, y, x] with at least 4 "
                "stamps, one for each split"
            )
        if bool((self.sigma == 0).any()) or bool(self.stamps.isinf().any()):
            raise ValueError(
                "a sky stamp has infinite pixels or no scatter at all; expected real noise: leave "
                "it out, or give the missing channel NaN"
            )

    @cached_property
    def sigma(self) -> Tensor:
        """Noise [stamp, channel], nJy; NaN where a channel is missing."""
        return scatter(self.stamps)

    def __call__(
        self,
        images: Tensor,
        survey: Survey,
        indices: np.ndarray,
        *,
        seed: int,
        split: str,
        epoch: int,
    ) -> Exposure:
        """The images on a real sky.

        Raises:
            ValueError: stamps smaller than the images, or with another number of channels.
        """
        channels, height, width = images.shape[1:]
        stamps, side = len(self.stamps), min(self.stamps.shape[-2:])
        if self.stamps.shape[1] != channels or side < max(height, width):
            raise ValueError(
                f"sky stamps have shape {tuple(self.stamps.shape)}; expected {channels} channels "
                f"({', '.join(survey.channels)}) and at least {max(height, width)} px a side"
            )
        home = split if split in ORDER else "train"
        mine = [i for i in range(stamps) if ORDER[i % len(ORDER)] == home]
        sky, sigma = torch.empty_like(images), images.new_empty(len(images), channels, 1, 1)
        for row, index in enumerate(indices):
            own = generator(seed, split, int(index), BACKGROUND + epoch)
            stamp = mine[int(own.integers(len(mine)))]
            sky[row] = _crop(self.stamps[stamp], height, width, own)
            sigma[row, :, 0, 0] = self.sigma[stamp]
        electrons = images.new_tensor([electrons_per_njy(band) for band in survey.bands])
        poisson = images.clamp(min=0) / electrons[:, None, None]
        noise = normals(seed, split, indices, epoch, tuple(images.shape[1:]))
        values = images + sky + noise * poisson.sqrt()
        gone = values.isnan()
        return Exposure(
            values.masked_fill(gone, 0),
            (sigma**2 + poisson).masked_fill(gone, torch.inf),
            torch.full((len(images),), int(Flag.VARIANCE_ESTIMATED)),
        )


def to_depth_of(survey: Survey, stamps: Tensor) -> Tensor:
    """Sky stamps of any unit or survey, each channel scaled to the noise of this survey's sky.

    Args:
        survey: a band for each channel.
        stamps: [stamp, channel, y, x], NaN = no measurement.

    Returns:
        the same in nJy: their scatter is the survey's.

    Raises:
        ValueError: another number of channels.

    Example:
        >>> from deepfield.nouns.survey import Band
        >>> r = Band("r", 616.0, 31.4, 60.0, 31.4, 1.0, 1.0, "made up")
        >>> stamps = to_depth_of(Survey("r", (r,), 2.0), torch.randn(1, 1, 30, 30))
        >>> round(float(scatter(stamps)), 3)  # 4 nJy a pixel over 60
        0.258
    """
    if stamps.ndim != 4 or stamps.shape[1] != len(survey.bands):
        raise ValueError(
            f"sky stamps have shape {tuple(stamps.shape)}; expected [stamp, channel, y, x] with "
            f"the channels {', '.join(survey.channels)} of {survey.name}"
        )
    return stamps * (sky_variance(survey).sqrt() / scatter(stamps))[:, :, None, None]


def scatter(stamps: Tensor) -> Tensor:
    """Standard deviation of the sky between the objects: the median absolute deviation's.

    Args:
        stamps: [stamp, channel, y, x], NaN = no measurement.

    Returns:
        [stamp, channel].
    """
    pixels = stamps.flatten(2)
    middle = pixels.nanmedian(-1, keepdim=True).values
    return GAUSSIAN * (pixels - middle).abs().nanmedian(-1).values


def _crop(stamp: Tensor, height: int, width: int, own: np.random.Generator) -> Tensor:
    """A random piece of a stamp in one of its eight orientations."""
    turn, mirror = int(own.integers(4)), bool(own.integers(2))
    turned = torch.rot90(stamp, turn, (-2, -1))
    top = int(own.integers(turned.shape[-2] - height + 1))
    left = int(own.integers(turned.shape[-1] - width + 1))
    piece = turned[:, top : top + height, left : left + width]
    return piece.flip(-1) if mirror else piece
