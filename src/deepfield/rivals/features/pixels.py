"""Raw pixels: the image itself as a list of numbers."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from deepfield.nouns.batch import Batch
from deepfield.rivals.features.picture import unmeasured_as_nan, varied
from deepfield.rivals.stamps import prepare

SOFTENING = 3.0
"""light in units of the sky noise up to which the stretch is linear"""


@dataclass(frozen=True)
class Pixels:
    """Every channel's pixels in a central square, block-averaged and stretched.

    The value is the asinh of light over three times the sky noise of a pixel, 0 where a pixel
    is missing.

    Args:
        crop: side of the central square, as a fraction of the stamp's.
        block: pixels a side that are averaged.

    Raises:
        ValueError: a crop outside (0, 1], a block below 1; when called, a crop smaller than a
            block.

    Example:
        >>> batch = Batch(np.array(["a"]), torch.rand(1, 3, 32, 32), ("g", "r", "i"))
        >>> Pixels(crop=0.5, block=4)(batch).shape  # 3 channels, 16 / 4 pixels a side
        (1, 48)
    """

    crop: float = 0.5
    block: int = 2

    def __post_init__(self) -> None:
        if not (0 < self.crop <= 1 and self.block >= 1):
            raise ValueError(
                f"crop {self.crop} and block {self.block}; expected a crop above 0 and at most "
                "1, and blocks of at least one pixel"
            )

    def __call__(self, batch: Batch) -> np.ndarray:
        """[object, channel * y * x]."""
        return self.images(batch).reshape(len(batch), -1)

    def images(self, batch: Batch) -> np.ndarray:
        """[object, channel, y, x]: the same numbers in their places."""
        stamps = prepare(batch)
        signal = stamps.channels / stamps.sigma[..., None, None]
        height, width = signal.shape[-2:]
        tall, wide = (
            round(self.crop * side) // self.block * self.block for side in (height, width)
        )
        if not (tall and wide):
            raise ValueError(
                f"{self.crop:g} of stamps of {height} x {width} pixels is less than a block of "
                f"{self.block}; use a larger crop or smaller blocks"
            )
        top, left = (height - tall) // 2, (width - wide) // 2
        signal = signal[..., top : top + tall, left : left + wide]
        # The mean of a block has less noise than a pixel: the stretch comes after it.
        image = torch.asinh(F.avg_pool2d(signal, self.block) * (self.block / SOFTENING))
        measured = (stamps.measured & varied(stamps.image)).numpy()
        return unmeasured_as_nan(image.flatten(1).numpy(), measured).reshape(image.shape)
