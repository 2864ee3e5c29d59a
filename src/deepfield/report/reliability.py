"""The reliability diagram."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from matplotlib.figure import Figure

from deepfield.report.figures import COLOURS, MARKERS, label, new_figure, tidy


class ReliabilityPoints(Protocol):
    """Confidence and accuracy, bin by bin; every field is [bin]."""

    @property
    def confidence(self) -> np.ndarray:
        """Mean probability of the most probable class."""

    @property
    def accuracy(self) -> np.ndarray:
        """Share of right answers."""

    @property
    def low(self) -> np.ndarray:
        """Lower limit of the accuracy."""

    @property
    def high(self) -> np.ndarray:
        """Upper limit of the accuracy."""


def reliability_diagram(
    methods: Mapping[str, ReliabilityPoints],
    *,
    x: str = "confidence (probability of the most probable class)",
    y: str = "accuracy (share of right answers)",
) -> Figure:
    """Accuracy against confidence of every method; the diagonal is honest.

    Args:
        methods: points by method.
        x, y: labels.

    Example:
        >>> from types import SimpleNamespace
        >>> half = np.array([0.5])
        >>> points = SimpleNamespace(confidence=half, accuracy=half, low=half - 0.1, high=half)
        >>> reliability_diagram({"net": points}).axes[0].get_xlabel()
        'confidence (probability of the most probable class)'
    """
    figure = new_figure(6.4, 5)
    axes = tidy(figure.add_subplot(), x=x, y=y)
    axes.plot([0, 1], [0, 1], color="#888888", linestyle="--", linewidth=1, label="calibrated")
    for i, (method, points) in enumerate(methods.items()):
        below, above = points.accuracy - points.low, points.high - points.accuracy
        axes.errorbar(
            points.confidence,
            points.accuracy,
            yerr=np.maximum([below, above], 0),
            color=COLOURS[i % len(COLOURS)],
            marker=MARKERS[i % len(MARKERS)],
            markersize=4.5,
            linewidth=1.4,
            elinewidth=0.8,
            label=label(method),
        )
    starts = [float(points.confidence.min()) for points in methods.values() if len(points.low)]
    lowest = [float(points.low.min()) for points in methods.values() if len(points.low)]
    axes.set_xlim(max(min([*starts, 0.95]) - 0.05, 0), 1.01)
    axes.set_ylim(max(min([*lowest, *starts, 0.95]) - 0.05, 0), 1.01)
    axes.legend(frameon=False)
    return figure
