"""Structure: morphometry, as a kind of feature."""

from dataclasses import dataclass

import numpy as np

from deepfield.nouns.batch import Batch
from deepfield.rivals import morphometry
from deepfield.rivals.features.picture import unmeasured_as_nan, varied
from deepfield.rivals.stamps import prepare


@dataclass(frozen=True)
class Structure:
    """Concentration, asymmetry, smoothness, Gini, M20, Fourier modes, residuals and colours.

    The numbers of ``rivals.morphometry``, in which each comes from its paper.

    Example:
        >>> import torch
        >>> batch = Batch(np.array(["a"]), torch.rand(1, 1, 32, 32), ("r",))
        >>> Structure()(batch).shape == (1, len(morphometry.NAMES))
        True
    """

    def __call__(self, batch: Batch) -> np.ndarray:
        """[object, feature] in the order of ``morphometry.names``."""
        varied_ = varied(prepare(batch).image).numpy()
        return unmeasured_as_nan(morphometry.features(batch).numpy(), varied_)
