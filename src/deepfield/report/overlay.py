"""Overlay: a map of evidence over the image that it was found on."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from deepfield.report.colour import asinh_rgb

EVIDENCE = "PuOr_r"
"""orange above zero, purple below: told apart by colour-blind readers"""
OPAQUE = 0.85


def overlay(
    axes: Axes,
    image: np.ndarray,
    evidence: np.ndarray,
    *,
    sigma: np.ndarray | None = None,
) -> AxesImage:
    """Draw the image in grey, and on it the evidence, the more opaque the stronger.

    Args:
        axes: to draw on.
        image: [channel, y, x].
        evidence: [y, x]; the colours' range is symmetric about zero, up to its strongest pixel.
        sigma: [channel] noise per pixel; None = estimated.

    Returns:
        the coloured layer, for a colour bar.

    Example:
        >>> from deepfield.report.figures import new_figure
        >>> axes = new_figure(2, 2).add_subplot()
        >>> overlay(axes, np.zeros((1, 4, 4)), np.eye(4)).get_clim()
        (-1.0, 1.0)
    """
    noise = None if sigma is None else sigma[None]
    grey = asinh_rgb(image[None], sigma=noise)[0].mean(-1)
    most = float(np.nanmax(np.abs(evidence))) or 1.0
    axes.imshow(grey, cmap="gray", vmin=0, vmax=1, origin="lower")
    strength = np.nan_to_num(np.abs(evidence) / most)
    layer = axes.imshow(
        evidence,
        cmap=EVIDENCE,
        vmin=-most,
        vmax=most,
        # The root lets weaker evidence be seen beside the strongest pixel.
        alpha=OPAQUE * np.sqrt(strength),
        origin="lower",
        interpolation="bilinear",
    )
    axes.set_axis_off()
    return layer
