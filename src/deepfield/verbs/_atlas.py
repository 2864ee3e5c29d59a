"""Atlas shown: all that a layer tells apart, as galaxies and as what it keeps of them."""

from dataclasses import replace

import numpy as np
import torch
from astropy.table import Table

from deepfield.explain.atlas import Atlas, atlas, embedded, sampled
from deepfield.explain.atlas_pictures import atlas_pictures, reactivation
from deepfield.report.atlas_wall import atlas_plane, atlas_wall
from deepfield.report.noise import channel_sigma
from deepfield.report.parts import Figure, Highlight, Part
from deepfield.verbs._looked import Looked

LEAST = 5
"""samples in a cell"""
CELLS = 8
"""along an axis, at most"""
CONTRAST = 4
"""pictures are as faint as they can be"""


def show_atlas(looked: Looked) -> tuple[Table, list[Part]]:
    """All that the layer tells apart, in the plane."""
    net, layer, batch = looked.trained.net, looked.layer, looked.batch.take(looked.measured)
    vectors, objects = sampled(net, looked.pieces, layer)
    side = int(np.clip(np.sqrt(len(vectors) / (2 * LEAST)), 2, CELLS))
    made = atlas(vectors, objects, embedded(vectors), side=side, least=LEAST)
    like = batch.take(torch.zeros(1, dtype=torch.long))
    print(f"drawing {len(made.means)} cells")
    pictures = atlas_pictures(made, net, layer, like)
    shown = like.take(torch.zeros(len(pictures), dtype=torch.long))
    back = reactivation(made, net, layer, replace(shown, values=pictures))
    nearest = torch.cdist(made.means, made.vectors).argmin(1)
    asked = np.array(looked.asked())[looked.measured.numpy()][objects.numpy()]
    common, share = _common(made, asked)
    table = Table({"column": made.cells[:, 0].numpy(), "row": made.cells[:, 1].numpy()})
    table["samples"], table["common"], table["share"] = made.counts.numpy(), common, share
    table["reactivation"] = back.numpy()
    table["nearest_object"] = np.asarray(batch.ids, dtype=str)[objects[nearest].numpy()]
    captions = [f"{a} {b:.0%}" for a, b in zip(common, share, strict=True)]
    cells = made.cells.numpy()
    at = looked.measured[objects[nearest]].tolist()
    typical = np.stack([looked.drawn(looked.batch.values[number], number) for number in at])
    drawn = np.stack([looked.drawn(one, at[0]) for one in pictures])
    sigma = channel_sigma(like)
    numbers = {name: number for number, name in enumerate(looked.classes)}
    labels = np.array([numbers.get(name, -1) for name in asked])
    return table, [
        Highlight(
            f"{len(vectors):,} activations of layer {layer}, laid out so that neighbours stay "
            f"together, on a grid of {side} x {side} cells; {len(cells)} hold at least {LEAST}. "
            f"The median picture brings its cell back with a cosine of {float(back.median()):.2f}."
        ),
        Figure(
            atlas_wall(typical, cells, captions),
            "A galaxy near the mean of each cell, and the class that the network gives most often "
            "there.",
            title="Galaxies",
        ),
        Figure(
            atlas_wall(drawn, cells, captions, sigma=None if sigma is None else sigma / CONTRAST),
            "For each cell an image made such that the layer answers as it does on average to "
            f"the cell's galaxies: what it keeps of them, with {CONTRAST} times the contrast.",
            title="What the layer keeps",
        ),
        Figure(
            atlas_plane(made.positions.numpy(), labels, looked.classes, side=side),
            "Every activation, coloured by the class that the network gives its galaxy. Only who "
            "is near whom means something; the axes do not.",
            title="The plane",
        ),
    ]


def _common(made: Atlas, names: np.ndarray) -> tuple[list[str], list[float]]:
    """The most frequent name in each cell, and its share."""
    place = (made.positions * made.side).long().clamp(0, made.side - 1)
    common, share = [], []
    for cell in made.cells:
        inside = names[(place == cell).all(1).numpy()]
        found, counts = np.unique(inside, return_counts=True)
        common.append(str(found[counts.argmax()]))
        share.append(float(counts.max() / counts.sum()))
    return common, share
