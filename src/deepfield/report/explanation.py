"""The page of an explanation: what in each image spoke for the answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from deepfield.report.colour import asinh_rgb
from deepfield.report.figures import COLOURS, new_figure, tidy
from deepfield.report.overlay import EVIDENCE, overlay
from deepfield.report.parts import Figure


@dataclass(frozen=True)
class Explained:
    """One object and the evidence for one answer about it.

    Args:
        name: of the object.
        said: the answer, in words and numbers.
        image: [channel, y, x], and ``sigma`` [channel] its noise; None = estimated.
        evidence: [y, x] of all bands.
        by_band: [channel, y, x], or None.
        examples: images [channel, y, x] of the training objects nearest to it, with ``captions``.
        note: what else the reader should know of it.
    """

    name: str
    said: str
    image: np.ndarray
    sigma: np.ndarray | None
    evidence: np.ndarray
    by_band: np.ndarray | None
    examples: Sequence[np.ndarray] = ()
    captions: Sequence[str] = ()
    note: str = ""


LEGEND = (
    "Orange pixels speak for the answer, purple ones against it; the cross is the strongest. The "
    "bars share the evidence out over the bands, from blue to red: what speaks for the answer "
    "above zero, what speaks against it below; together they are 1."
)
"""what every figure's colours mean"""


def explanation_parts(
    objects: Sequence[Explained], channels: Sequence[str], *, unit: str
) -> list[Figure]:
    """A figure an object: image, map overlaid, map, bars of the bands, nearest examples.

    Args:
        objects: those that are shown.
        channels: names of the bands.
        unit: of the evidence.
    """
    return [
        Figure(
            explanation(one, channels, unit=unit),
            one.note,
            title=f"{one.name}: {one.said}",
        )
        for one in objects
    ]


def explanation(one: Explained, channels: Sequence[str], *, unit: str) -> Drawing:
    """One object's figure; arguments as in ``explanation_parts``.

    Example:
        >>> plain = np.zeros((2, 8, 8))
        >>> figure = explanation(
        ...     Explained("a", "spiral 0.9", plain, None, np.eye(8), plain + np.eye(8)),
        ...     ["g", "r"], unit="log-odds",
        ... )
        >>> [axes.get_title() for axes in figure.axes[:4]]
        ['image', 'where the evidence is', 'evidence', 'by band']
    """
    rows = 2 if len(one.examples) else 1
    figure = new_figure(9.2, 2.6 + 1.75 * (rows - 1))
    above, *below = figure.subfigures(rows, 1, height_ratios=[2.6, 1.75][:rows], squeeze=False)[
        :, 0
    ]
    image, laid, map_, bars = above.subplots(1, 4, width_ratios=[1, 1, 1.18, 0.8])
    noise = None if one.sigma is None else one.sigma[None]
    picture = asinh_rgb(one.image[None], sigma=noise)[0]
    image.imshow(picture, origin="lower", interpolation="nearest")
    overlay(laid, one.image, one.evidence, sigma=one.sigma)
    most = float(np.abs(one.evidence).max()) or 1.0
    coloured = map_.imshow(one.evidence, cmap=EVIDENCE, vmin=-most, vmax=most, origin="lower")
    bar = above.colorbar(coloured, ax=map_, fraction=0.05, pad=0.03)
    bar.ax.tick_params(labelsize=7)
    bar.set_label(unit, fontsize=8)
    y, x = np.unravel_index(one.evidence.argmax(), one.evidence.shape)
    for axes in (laid, map_):
        axes.plot(x, y, "+", color="black", markersize=9, markeredgewidth=2.4)
        axes.plot(x, y, "+", color="white", markersize=8, markeredgewidth=1)
    for axes in (image, map_):
        axes.set_axis_off()
    _bars(bars, one, channels)
    titles = ("image", "where the evidence is", "evidence", "by band")
    for axes, title in zip((image, laid, map_, bars), titles, strict=True):
        axes.set_title(title, fontsize=9)
    if len(one.examples):
        below[0].suptitle("most alike in the training data", fontsize=9)
        for axes, example, caption in zip(
            below[0].subplots(1, len(one.examples), squeeze=False)[0],
            asinh_rgb(np.stack(one.examples)),
            one.captions,
            strict=True,
        ):
            axes.imshow(example, origin="lower", interpolation="nearest")
            axes.set_title(caption, fontsize=8, pad=3)
            axes.set_axis_off()
    return figure


def _bars(axes: Axes, one: Explained, channels: Sequence[str]) -> None:
    """What speaks for the answer and what against it, band by band, as shares of all of it."""
    if one.by_band is None:
        axes.text(
            0.5,
            0.5,
            "this method\ndoes not tell\nbands apart",
            ha="center",
            va="center",
            fontsize=8,
        )
        axes.set_axis_off()
        return
    whole = float(np.abs(one.by_band).sum()) or 1.0
    for_it = one.by_band.clip(min=0).sum((1, 2)) / whole
    against = one.by_band.clip(max=0).sum((1, 2)) / whole
    axes.bar(range(len(channels)), for_it, color=COLOURS[4], width=0.6)
    axes.bar(range(len(channels)), against, color="#7b5aa6", width=0.6)
    tidy(axes, x="", y="share of the evidence")
    axes.set_xticks(range(len(channels)), channels, fontsize=8)
    axes.axhline(0, color="#444444", linewidth=0.8)
    axes.tick_params(axis="y", labelsize=7)
    axes.yaxis.label.set_fontsize(8)
