"""Evidence: which attribution method to believe, and what it shows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from deepfield.report.colour import asinh_rgb
from deepfield.report.explanation import Explained
from deepfield.report.figures import COLOURS, label, new_figure, tidy
from deepfield.report.overlay import overlay
from deepfield.report.parts import Figure, Part, Table

COLUMNS = {
    "pointing_game": "hit",
    "pointing_game_distinct": "hit, distinct",
    "pointing_game_untrained": "same, untrained",
    "on_companion": "on a neighbour",
    "deletion": "deletion",
    "insertion": "insertion",
    "sanity": "shuffled",
    "sanity_untrained": "untrained",
}
CAPTION = (
    "Hit: share of objects whose strongest pixel lies within 15/224 of the side of the evidence "
    "(Zhang+18), where the part is above a tenth of its peak. As arms and bars reach into the "
    "middle, the middle of the stamp hits too. Hit, distinct: within 2 px of where the part also "
    "makes up a quarter of the light; and the same for a network that has learnt nothing. On a "
    "neighbour: the strongest pixel lies on another star or galaxy. Deletion and "
    "insertion: area under the probability while pixels turn into those of a smooth galaxy or "
    "back, over that in random order: 1 is as random, low deletion and high insertion are good. "
    "Shuffled, untrained: rank correlation of the maps with those of such a network, low "
    "is good; a method whose maps change is below 0.5 in both. The untrained network stands "
    "in for one trained on shuffled labels."
)


def evidence_parts(
    content: Mapping[str, Any], panel: Mapping[str, Sequence[Explained]], channels: Sequence[str]
) -> list[Part]:
    """The table of methods, and the evidence for some answers.

    Args:
        content: ``explain``, ``explain_controls``, ``explain_default`` and ``explain_objects`` of
            ``scores.json``.
        panel: objects by what they have in common, such as surest.
        channels: names of the bands.
    """
    shown = label(content["explain_default"])
    parts: list[Part] = [methods_table(content)]
    for title, objects in panel.items():
        if objects:
            parts.append(
                Figure(
                    evidence_wall(objects, channels),
                    f"By {shown}. Orange pixels speak for the class that the network says, purple "
                    "ones against it. The bars share the evidence out over the bands, from blue "
                    "to red: for the class above zero, against it below.",
                    title=f"What it looked at where it is {title}",
                )
            )
    return parts


def methods_table(content: Mapping[str, Any]) -> Table:
    """Attribution methods and the maps that ask no network, by score.

    Args:
        content: as in ``evidence_parts``.

    Example:
        >>> table = methods_table({
        ...     "explain": {"saliency": {"deletion": 0.5, "insertion": 2.0, "sanity": 0.7}},
        ...     "explain_controls": {}, "explain_default": "saliency", "explain_objects": 9,
        ... })
        >>> table.text
        [['saliency (shown below)', '0.50', '2.00', '0.70', 'no']]
    """
    methods, controls = content["explain"], content["explain_controls"]
    metrics = [m for m in COLUMNS if any(m in found for found in methods.values())]
    rows = []
    for name, found in {**methods, **controls}.items():
        words = label(name)
        if name == content["explain_default"]:
            words += " (shown below)"
        if name in controls:
            words += ", no network"
        moves = "–" if name in controls else "yes" if _changes(found) else "no"
        rows.append([words, *(_number(found.get(metric)) for metric in metrics), moves])
    return Table(
        ["method", *(COLUMNS[metric] for metric in metrics), "changes"],
        rows,
        title="Which explanation to believe",
        caption=f"On {content['explain_objects']:,} objects that the network is right about. "
        + CAPTION,
    )


def evidence_wall(objects: Sequence[Explained], channels: Sequence[str]) -> Drawing:
    """Objects side by side: image, evidence laid over it, and its share in each band.

    Args:
        objects: those that are shown.
        channels: names of the bands.

    Example:
        >>> plain = np.zeros((2, 8, 8))
        >>> one = Explained("a", "spiral 0.9", plain, None, np.eye(8), plain + np.eye(8))
        >>> len(evidence_wall([one, one], ["g", "r"]).axes)
        6
    """
    figure = new_figure(2.3 * len(objects), 6.2)
    grid = figure.subplots(3, len(objects), squeeze=False, height_ratios=[1, 1, 0.6])
    for column, one in zip(grid.T, objects, strict=True):
        noise = None if one.sigma is None else one.sigma[None]
        column[0].imshow(
            asinh_rgb(one.image[None], sigma=noise)[0], origin="lower", interpolation="nearest"
        )
        column[0].set_axis_off()
        column[0].set_title(one.said.replace(", ", "\n"), fontsize=9)
        overlay(column[1], one.image, one.evidence, sigma=one.sigma)
        _bars(column[2], one, channels)
    return figure


def _bars(axes: Axes, one: Explained, channels: Sequence[str]) -> None:
    if one.by_band is None:
        axes.text(0.5, 0.5, "bands are not\ntold apart", ha="center", va="center", fontsize=8)
        axes.set_axis_off()
        return
    whole = float(np.abs(one.by_band).sum()) or 1.0
    places = range(len(channels))
    axes.bar(places, one.by_band.clip(min=0).sum((1, 2)) / whole, color=COLOURS[4], width=0.6)
    axes.bar(places, one.by_band.clip(max=0).sum((1, 2)) / whole, color="#7b5aa6", width=0.6)
    tidy(axes, x="", y="")
    axes.set_xticks(places, channels, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.axhline(0, color="#444444", linewidth=0.8)


def _changes(found: Mapping[str, float | None]) -> bool:
    levels = [found[key] for key in ("sanity", "sanity_untrained") if key in found]
    return all(level is not None and abs(level) < 0.5 for level in levels)


def _number(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.2f}"
