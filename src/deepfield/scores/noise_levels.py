"""Scores at the signal-to-noise ratios that the field quotes."""

import numpy as np
from torch import Tensor

from deepfield.scores.known import as_array

LEVELS = (10, 20, 50, 100, 200)


def noise_levels(signal_to_noise: Tensor | np.ndarray) -> np.ndarray:
    """The nearest of 10, 20, 50, 100 and 200, in the logarithm.

    Args:
        signal_to_noise: [object].

    Returns:
        [object] int; 0 where it is not known, below 7.1 or above 283: as far out as the levels'
        own halves reach.

    Example:
        >>> noise_levels(np.array([9.0, 33.0, 200.0, 1000.0, np.nan])).tolist()
        [10, 50, 200, 0, 0]
    """
    found = as_array(signal_to_noise).astype(float)
    there = np.log(np.where(found > 0, found, 1e-9))
    levels = np.log(LEVELS)
    nearest = np.abs(np.nan_to_num(there)[:, None] - levels).argmin(1)
    reach = np.log(2) / 2
    inside = (there >= levels[0] - reach) & (there <= levels[-1] + reach)
    return np.where(inside & np.isfinite(found), np.array(LEVELS)[nearest], 0)
