"""One brightness scale for all bands of a survey."""

import numpy as np

from deepfield.nouns.batch import Batch

TYPICAL = 2.0
"""d ln flux / d ln wavelength of a galaxy that looks white"""
NOISIEST = 6.0
"""noise of a band on the common scale, in units of the deepest band's"""


def survey_scale(batch: Batch) -> np.ndarray | None:
    """Sigmas for ``asinh_rgb`` that show the galaxies' colours, not the survey's depths.

    f_nu of a typical galaxy rises with wavelength: what rises so looks white.

    Args:
        batch: images of a survey, with variance.

    Returns:
        [object, channel]; None where the batch has no survey or no variance.

    Example:
        >>> import torch
        >>> survey_scale(Batch(np.array(["a"]), torch.zeros(1, 1, 4, 4), ("r",))) is None
        True
    """
    if batch.survey is None or batch.variance is None:
        return None
    variance = batch.variance.flatten(2).median(2).values.numpy()
    seen = np.where(np.isfinite(variance), variance, np.nan)
    usual = np.nanmedian(seen) if np.isfinite(seen).any() else 1.0
    deepest = np.where(np.isfinite(seen).any(1), np.nan_to_num(seen, nan=np.inf).min(1), usual)
    wavelengths = np.array([band.wavelength for band in batch.survey.bands])
    common = np.sqrt(deepest)[:, None] * (wavelengths / np.median(wavelengths)) ** TYPICAL
    # A shallow band shall not fill the sky with its noise.
    return np.fmax(common, np.sqrt(seen) / NOISIEST)
