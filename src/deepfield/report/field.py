"""A field and what was found in it."""

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from deepfield.report.colour import asinh_rgb
from deepfield.report.figures import BRIGHT, new_figure


def field_with_detections(
    image: np.ndarray,
    *,
    x: np.ndarray,
    y: np.ndarray,
    semi_major: np.ndarray,
    semi_minor: np.ndarray,
    position_angle: np.ndarray,
    kinds: Sequence[str],
    classes: Sequence[str],
) -> Figure:
    """A colour picture with an ellipse around every detection, coloured by class.

    Args:
        image: [channel, y, x], channels from blue to red; drawn with +y up.
        x, y: [object] pixels, centres at integers.
        semi_major, semi_minor: [object] pixels.
        position_angle: [object] degrees from +y towards -x.
        kinds: [object] class names; any other name is drawn thin and counted as "no class".
        classes: names in the order of the colours.

    Example:
        >>> one = np.array([4.0])
        >>> figure = field_with_detections(
        ...     np.zeros((1, 9, 9)), x=one, y=one, semi_major=one, semi_minor=one / 2,
        ...     position_angle=one, kinds=["smooth"], classes=["smooth", "spiral"]
        ... )
        >>> [text.get_text() for text in figure.legends[0].get_texts()]
        ['smooth (1)', 'spiral (0)']
    """
    tall, wide = image.shape[-2:]
    figure = new_figure(8, 8 * tall / wide + 0.5)
    axes = figure.add_subplot()
    axes.imshow(asinh_rgb(image[None])[0], origin="lower", interpolation="nearest")
    axes.set_xlabel("x (pixel)")
    axes.set_ylabel("y (pixel)")
    names = np.array([kind if kind in classes else "no class" for kind in kinds], dtype=object)
    order = [*classes, "no class"] if "no class" in names else list(classes)
    handles = []
    for i, name in enumerate(order):
        rows = names == name
        unknown = name not in classes
        colour = "#bbbbbb" if unknown else BRIGHT[i % len(BRIGHT)]
        ellipses = EllipseCollection(
            2 * np.asarray(semi_major)[rows],
            2 * np.asarray(semi_minor)[rows],
            np.asarray(position_angle)[rows] + 90,  # from +y towards -x is from +x, plus 90
            units="xy",
            offsets=np.stack([np.asarray(x)[rows], np.asarray(y)[rows]], -1),
            offset_transform=axes.transData,
            facecolor="none",
            edgecolor=colour,
            linewidth=0.6 if unknown else 1.1,
        )
        axes.add_collection(ellipses)
        line = Line2D([], [], color=colour, linewidth=2.5)
        line.set_label(f"{name} ({int(rows.sum()):,})")
        handles.append(line)
    axes.set_xlim(-0.5, wide - 0.5)
    axes.set_ylim(-0.5, tall - 0.5)
    # Bright colours need the picture's dark ground in the legend too.
    legend = figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=4,
        facecolor="#222222",
        framealpha=1,
    )
    for text in legend.get_texts():
        text.set_color("white")
    return figure
