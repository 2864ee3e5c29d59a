"""Pictures: stamps as texture features want them, stretched, cropped and free of surprises."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from deepfield.nouns.batch import Batch
from deepfield.rivals import hog
from deepfield.rivals.stamps import prepare


@dataclass(frozen=True)
class Picture:
    """How a stamp becomes one picture of all its channels.

    Args:
        crop: side of the central square that is used, as a fraction of the stamp's.
        blur: sigma of a Gaussian, pixels; 0 = none.

    Raises:
        ValueError: a crop outside (0, 1], or a negative blur.

    Example:
        >>> import torch
        >>> batch = Batch(np.array(["a"]), torch.rand(1, 3, 32, 32), ("g", "r", "i"))
        >>> Picture(crop=0.5)(batch)[0].shape
        (1, 16, 16)
    """

    crop: float = 1.0
    blur: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.crop <= 1 and self.blur >= 0):
            raise ValueError(
                f"crop {self.crop} and blur {self.blur}; expected a crop above 0 and at most 1, "
                "and a blur of 0 or more pixels"
            )

    def __call__(self, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        """[object, y, x] asinh of light over three times the noise, and [object] bool measured."""
        stamps = prepare(batch)
        image = stamps.image.nan_to_num()
        pictures = hog.picture(image, hog.Setting(self.crop, 1, self.blur))
        return pictures, (stamps.measured & varied(image)).numpy()


def varied(image: Tensor) -> Tensor:
    """[object] bool: the pixels are not all alike.

    Args:
        image: [object, ..., y, x].

    Example:
        >>> import torch
        >>> varied(torch.stack([torch.zeros(4, 4), torch.eye(4)])).tolist()
        [False, True]
    """
    flat = image.flatten(1)
    return flat.amax(1) > flat.amin(1)


def unmeasured_as_nan(table: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """[object, feature] float32 with NaN rows where ``measured`` ([object] bool) is not set.

    Example:
        >>> unmeasured_as_nan(np.ones((2, 1)), np.array([True, False])).tolist()
        [[1.0], [nan]]
    """
    return np.where(measured[:, None], table, np.nan).astype(np.float32)
