"""A corner figure: one object's joint posterior, every pair of its quantities."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from deepfield.report.figures import label, new_figure
from deepfield.report.panels import colours

BINS = 48
SMOOTH = 0.8
"""of Scott's rule: a few hundred samples have no finer shape"""
HELD = (0.68, 0.95)
TRUE = "#222222"


def corner(
    samples: Mapping[str, np.ndarray],
    names: Sequence[str],
    *,
    weights: Mapping[str, np.ndarray] | None = None,
    truth: Sequence[float] | None = None,
) -> Figure:
    """Contours that hold 68 and 95 % of the probability, and every quantity alone.

    Args:
        samples: by method, [sample, quantity] of one object.
        names: of the quantities, with their units.
        weights: by method, [sample]; a method that is left out has equal ones.
        truth: [quantity], drawn as lines.

    Raises:
        ValueError: another number of quantities than names.

    Example:
        >>> draws = np.random.default_rng(0).normal(size=(500, 2))
        >>> len(corner({"net": draws}, ["magnitude", "redshift"], truth=[0, 0]).axes)
        4
    """
    size, share = len(names), weights or {}
    for method, values in samples.items():
        if values.ndim != 2 or values.shape[1] != size:
            raise ValueError(
                f"{method}: samples have shape {values.shape}; expected [sample, {size}]"
            )
    ranges = _ranges(samples, truth, size)
    figure = new_figure(max(1.6 * size, 4.0), max(1.6 * size, 4.0))
    grid = figure.subplots(size, size, squeeze=False)
    colour = colours(list(samples))
    for i in range(size):
        for j in range(size):
            axes = grid[i, j]
            if j > i:
                axes.set_axis_off()
                continue
            for method, values in samples.items():
                weight = share.get(method, np.full(len(values), 1 / len(values)))
                if i == j:
                    _one(axes, values[:, i], weight, ranges[i], colour[method], label(method))
                else:
                    _pair(axes, values[:, [j, i]], weight, (ranges[j], ranges[i]), colour[method])
            _dress(axes, i, j, names, ranges, truth)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    # Above the diagonal there is room.
    if size > 1:
        grid[0, 1].legend(handles, labels, loc="upper left", frameon=False)
    return figure


def _ranges(
    samples: Mapping[str, np.ndarray], truth: Sequence[float] | None, size: int
) -> list[tuple[float, float]]:
    every = np.concatenate(list(samples.values()))
    ranges = []
    for i in range(size):
        low, high = np.nanquantile(every[:, i], [0.002, 0.998])
        if truth is not None and np.isfinite(truth[i]):
            low, high = min(low, truth[i]), max(high, truth[i])
        margin = 0.06 * (high - low) or 1e-3
        ranges.append((float(low - margin), float(high + margin)))
    return ranges


def _one(
    axes: Axes,
    values: np.ndarray,
    weight: np.ndarray,
    span: tuple[float, float],
    colour: str,
    name: str,
) -> None:
    heights, edges = np.histogram(values, BINS, span, weights=weight)
    smooth = gaussian_filter(heights, _smooth(values, weight, edges, 5))
    axes.stairs(smooth, edges, color=colour, linewidth=1.4, label=name)


def _pair(
    axes: Axes,
    values: np.ndarray,
    weight: np.ndarray,
    spans: tuple[tuple[float, float], tuple[float, float]],
    colour: str,
) -> None:
    heights, x, y = np.histogram2d(values[:, 0], values[:, 1], BINS, spans, weights=weight)
    widths = [_smooth(values[:, k], weight, edges, 6) for k, edges in enumerate((x, y))]
    smooth = gaussian_filter(heights, widths)
    ranked = np.sort(smooth.ravel())[::-1]
    inside = np.cumsum(ranked)
    levels = sorted(
        {float(ranked[min(np.searchsorted(inside, h * inside[-1]), ranked.size - 1)])
         for h in HELD}
    )  # fmt: skip
    across, up = values.T
    axes.scatter(across, up, s=1.5, color=colour, alpha=0.25, linewidths=0, rasterized=True)
    if levels[0] > 0:
        middles = ((edges[1:] + edges[:-1]) / 2 for edges in (x, y))
        axes.contour(*middles, smooth.T, levels=levels, colors=colour, linewidths=(0.8, 1.4))


def _smooth(values: np.ndarray, weight: np.ndarray, edges: np.ndarray, root: int) -> float:
    """Width of a kernel, in bins (Scott 1992: sigma over the ``root`` of the samples)."""
    share = weight / weight.sum()
    mean = values @ share
    sigma = np.sqrt(np.square(values - mean) @ share)
    samples = 1 / np.square(share).sum()
    return SMOOTH * float(sigma / (edges[1] - edges[0]) * samples ** (-1 / root))


def _dress(
    axes: Axes,
    i: int,
    j: int,
    names: Sequence[str],
    ranges: Sequence[tuple[float, float]],
    truth: Sequence[float] | None,
) -> None:
    axes.set_xlim(*ranges[j])
    axes.tick_params(labelsize=7)
    axes.locator_params(nbins=4)
    axes.spines[["top", "right"]].set_visible(False)
    if truth is not None:
        axes.axvline(truth[j], color=TRUE, linewidth=0.9, linestyle="--")
    if i == j:
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    else:
        axes.set_ylim(*ranges[i])
        if truth is not None:
            axes.axhline(truth[i], color=TRUE, linewidth=0.9, linestyle="--")
    last = len(names) - 1
    axes.set_xlabel(names[j] if i == last else "", fontsize=8)
    axes.set_ylabel(names[i] if j == 0 and i > 0 else "", fontsize=8)
    axes.tick_params(labelbottom=i == last, labelleft=j == 0 and i > 0)
