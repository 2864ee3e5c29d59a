"""White noise: of the sky alone, the same in every pixel."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.survey import Survey
from deepfield.render import draws
from deepfield.render.exposure import Exposure
from deepfield.render.noise import sky_variance


@dataclass(frozen=True)
class WhiteNoise:
    """Independent Gaussian noise of the sky's variance; objects add none: they are faint.

    Example:
        >>> from deepfield.nouns.survey import Band
        >>> r = Band("r", 616.0, 26.0, 53.9, 20.86, 1.2, 1.0, "made up")
        >>> survey, light = Survey("one band", (r,), 0.4), torch.zeros(2, 1, 8, 8)
        >>> seen = WhiteNoise()(light, survey, np.arange(2), seed=0, split="train", epoch=0)
        >>> seen.variance.shape
        torch.Size([2, 1, 8, 8])
    """

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
        """The images under this epoch's noise."""
        noise = draws.normals(seed, split, indices, epoch, tuple(images.shape[1:]))
        variance = sky_variance(survey)[:, None, None].to(images)
        values = images + noise.mul_(variance.sqrt())
        flags = torch.zeros(len(images), dtype=torch.int64, device=images.device)
        return Exposure(values, variance.expand_as(images), flags)
