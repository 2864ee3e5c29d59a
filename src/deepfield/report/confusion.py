"""Confusion matrices side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from deepfield.report.figures import label, new_figure


def confusion_matrices(counts: Mapping[str, np.ndarray], classes: Sequence[str]) -> Figure:
    """The confusion matrix of every method: per cent of each true class, and counts.

    Args:
        counts: by method, [true class, predicted class].
        classes: names in the order of the axes.

    Raises:
        ValueError: no method, or a matrix of another size.

    Example:
        >>> figure = confusion_matrices({"net": np.array([[9, 1], [2, 8]])}, ["smooth", "spiral"])
        >>> figure.axes[0].get_title()
        'net'
    """
    if not counts:
        raise ValueError("no confusion matrices; expected one a method")
    for method, matrix in counts.items():
        if matrix.shape != (len(classes), len(classes)):
            raise ValueError(
                f"{method}'s confusion matrix has shape {matrix.shape}; expected "
                f"{len(classes)} by {len(classes)} for {', '.join(classes)}"
            )
    across = min(len(counts), 2 if len(counts) == 4 or len(classes) > 5 else 3)
    down = -(-len(counts) // across)
    side = max(2.9, 1.1 + 0.55 * len(classes))
    figure = new_figure(side * across + 0.4, (side + 0.2) * down)
    grid = figure.subplots(down, across, squeeze=False)
    for axes in grid.flat[len(counts) :]:
        axes.set_axis_off()
    ticks, names = range(len(classes)), [label(name) for name in classes]
    for i, (axes, (method, matrix)) in enumerate(zip(grid.flat, counts.items(), strict=False)):
        share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for row in ticks:
            for column in ticks:
                axes.text(
                    column,
                    row,
                    f"{100 * share[row, column]:.0f} %\n{matrix[row, column]:,}",
                    ha="center",
                    va="center",
                    fontsize=7.5,
                    color="white" if share[row, column] > 0.55 else "black",
                )
        axes.set_title(label(method), fontsize=11)
        axes.set_xticks(ticks, names, rotation=35, ha="right", rotation_mode="anchor")
        first = i % across == 0
        axes.set_yticks(ticks, names if first else [""] * len(classes))
        axes.tick_params(length=0, labelsize=9)
    figure.supxlabel("predicted", fontsize=11)
    figure.supylabel("true", fontsize=11)
    return figure
