"""How unlike the training data the objects are."""

import numpy as np
from matplotlib.figure import Figure

from deepfield.report.figures import COLOURS, new_figure, tidy


def domain_histogram(
    out_of_domain: np.ndarray, *, threshold: float, reference: np.ndarray | None = None
) -> Figure:
    """Distribution of the out-of-domain score, with the line above which objects are flagged.

    Args:
        out_of_domain: [object] score, higher = less like the training data; NaN is left out.
        threshold: above it an object is flagged.
        reference: [object] scores of held-out objects like those of the training, drawn behind.

    Raises:
        ValueError: no finite score.

    Example:
        >>> figure = domain_histogram(np.array([0.1, 0.5, 2.0]), threshold=1.0)
        >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        ['these objects', 'flagged above 1 (1 of 3)']
    """
    values = np.asarray(out_of_domain, float)
    values = values[np.isfinite(values)]
    if not len(values):
        raise ValueError("no finite out-of-domain score; expected at least one")
    like = np.zeros(0) if reference is None else np.asarray(reference, float)
    like = like[np.isfinite(like)]
    # The furthest per cent would squeeze the rest; it is shown in the last bin.
    top = max(float(np.quantile(values, 0.99)), 1.1 * threshold)
    edges = np.linspace(min(values.min(), *like, threshold), top, 41).tolist()
    figure = new_figure(6.4, 3.8)
    axes = tidy(figure.add_subplot(), x="out-of-domain score", y="share of the objects")
    if len(like):
        axes.hist(
            np.minimum(like, top),
            edges,
            weights=np.full(len(like), 1 / len(like)),
            color="#bbbbbb",
            label="held-out objects like the training's",
        )
    axes.hist(
        np.minimum(values, top),
        edges,
        weights=np.full(len(values), 1 / len(values)),
        histtype="step",
        linewidth=1.8,
        color=COLOURS[0],
        label="these objects",
    )
    flagged = int((values > threshold).sum())
    axes.axvline(
        threshold,
        color=COLOURS[1],
        linestyle="--",
        label=f"flagged above {threshold:.3g} ({flagged:,} of {len(values):,})",
    )
    axes.legend(frameon=False, fontsize=9)
    return figure
