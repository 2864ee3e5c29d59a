"""A wall of spectra."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from deepfield.report.figures import COLOURS, new_figure, tidy


def spectra_wall(spectra: np.ndarray, captions: Sequence[str]) -> Figure:
    """Spectra below each other, each under its caption.

    Args:
        spectra: [object, wavelength].
        captions: one an object.

    Raises:
        ValueError: no spectra, or another number of captions.

    Example:
        >>> len(spectra_wall(np.ones((2, 50)), ["a", "b"]).axes)
        2
    """
    if len(spectra) == 0 or len(spectra) != len(captions):
        raise ValueError(f"{len(captions)} captions for {len(spectra)} spectra; expected one each")
    figure = new_figure(9, 1.5 * len(spectra))
    for axes, one, caption in zip(
        figure.subplots(len(spectra), 1, squeeze=False)[:, 0], spectra, captions, strict=True
    ):
        axes.plot(one, linewidth=0.6, color=COLOURS[0])
        low, high = np.nanquantile(one, [0.005, 0.995])
        axes.set_ylim(min(0, low), high * 1.3 + 1e-30)
        axes.set_title(caption, fontsize=8, pad=3)
        tidy(axes, x="", y="")
        axes.tick_params(labelsize=7)
    axes.set_xlabel("pixel along the spectrum")
    return figure
