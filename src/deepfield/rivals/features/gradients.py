"""Histograms of oriented gradients, as a kind of feature."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from deepfield.nouns.batch import Batch
from deepfield.rivals import hog
from deepfield.rivals.features.picture import unmeasured_as_nan, varied
from deepfield.rivals.stamps import prepare


@dataclass(frozen=True)
class Gradients:
    """Histograms of oriented gradients of the summed channels (Dalal & Triggs 2005).

    Args:
        setting: crop, cell and blur.

    Example:
        >>> import torch
        >>> batch = Batch(np.array(["a"]), torch.rand(1, 1, 32, 32), ("r",))
        >>> Gradients(hog.Setting(crop=1.0, cell=8, blur=1.0))(batch).shape
        (1, 324)
    """

    setting: hog.Setting = field(default_factory=partial(hog.Setting, 0.5, 6, 1.0))

    def __call__(self, batch: Batch) -> np.ndarray:
        """[object, block * cell * orientation].

        Raises:
            ValueError: stamps smaller than two cells.
        """
        stamps = prepare(batch)
        measured = stamps.measured & varied(stamps.image)
        return unmeasured_as_nan(hog.features(stamps.image, self.setting), measured.numpy())
