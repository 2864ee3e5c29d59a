"""Features shown: what a layer makes of each galaxy, and what its filters answer to most."""

import numpy as np
from astropy.table import Table
from rich.progress import track

from deepfield.data.map_files import MapImage, file_names
from deepfield.data.stamp_wcs import regridded
from deepfield.explain.feature_maps import feature_maps
from deepfield.explain.guided_backpropagation import guided_backpropagation
from deepfield.explain.receptive_field import receptive_fields
from deepfield.explain.strongest_patches import strongest_patches
from deepfield.explain.units import strongest_unit
from deepfield.report.feature_wall import feature_wall
from deepfield.report.parts import Figure, Highlight, Part
from deepfield.report.patch_wall import patch_wall
from deepfield.verbs._looked import Looked

MAPS = 31
"""drawn of an object, the strongest"""
OBJECTS = 12
"""whose maps are on the page"""
FILTERS = 24
"""whose patches are on the page"""
PATCHES = 9


def show_feature_maps(looked: Looked) -> tuple[Table, list[Part]]:
    """Each object's strongest maps; all maps go into its file."""
    rows = looked.measured
    batch = looked.batch.take(rows)
    maps = feature_maps(looked.trained.net, batch, looked.layer)
    if maps.ndim != 4:
        raise ValueError(
            f"layer {looked.layer!r} has no maps but {maps.shape[1]} numbers; choose one before "
            "they are joined"
        )
    fields = receptive_fields(looked.trained.net, batch, looked.layer)
    rows_at, columns_at = fields.centres()
    top, left = float(rows_at[0]), float(columns_at[0])
    pitch = float(columns_at[-1] - left) / max(1, maps.shape[3] - 1)
    order = maps.sum((2, 3)).argsort(1, descending=True)[:, :MAPS]
    names = file_names([str(one) for one in batch.ids])
    for place, number in enumerate(rows.tolist()):
        wcs = looked.wcs(number)
        if wcs is not None and pitch > 0:
            start = (left + 0.5 - pitch / 2, top + 0.5 - pitch / 2)
            wcs = regridded(wcs, start, pitch, maps.shape[3])
        image = MapImage("FEATURES", maps[place].numpy(), "", (), wcs)
        file = looked.out / "maps" / f"{names[place]}.fits"
        looked.write(file, number, [image], {"LAYER": looked.layer})
    table = Table({"object_id": np.asarray(batch.ids, dtype=str)})
    table["strongest_map"] = order[:, 0].numpy()
    table["summed_response"] = maps.sum((2, 3)).amax(1).numpy()
    table["map"] = [f"maps/{name}.fits" for name in names]
    parts: list[Part] = [
        Highlight(
            f"What layer {looked.layer} makes of each galaxy: {maps.shape[1]} maps of "
            f"{maps.shape[2]} x {maps.shape[3]}; the {order.shape[1]} with the largest sum are "
            "drawn, all are in the map files."
        )
    ]
    for place, number in enumerate(rows[:OBJECTS].tolist()):
        chosen = order[place]
        figure = feature_wall(
            looked.drawn(batch.values[place], number),
            looked.drawn(maps[place, chosen], number),
            chosen.tolist(),
        )
        caption = (
            "Maps from the strongest on, numbered as in the layer; orange where a map answers, "
            "purple where its response is negative, on one scale for all."
        )
        parts.append(Figure(figure, caption, title=str(batch.ids[place])))
    return table, parts


def show_strongest_patches(looked: Looked) -> tuple[Table, list[Part]]:
    """What each filter of the layer answers to most, over all objects."""
    net, layer, batch = looked.trained.net, looked.layer, looked.batch.take(looked.measured)
    found = strongest_patches(net, looked.pieces, layer, count=PATCHES)
    filters, count = found.objects.shape
    table = Table({"filter": np.repeat(np.arange(filters), count)})
    table["rank"] = np.tile(np.arange(count) + 1, filters)
    table["object_id"] = np.asarray(batch.ids, dtype=str)[found.objects.numpy().ravel()]
    table["response"] = found.strength.numpy().ravel()
    for place, name in enumerate(("first_row", "end_row", "first_column", "end_column")):
        table[name] = found.boxes[..., place].numpy().ravel()
    chosen = found.strength[:, 0].argsort(descending=True)[:FILTERS].tolist()
    patches, projections = [], []
    for number in track(chosen, "projecting"):
        objects = found.objects[number]
        # A deconvnet needs the switches of max-pooling: without, it gives the same for all.
        seen = batch.take(objects)
        back = guided_backpropagation(strongest_unit(net, layer, number), seen).sum(1)
        boxes = found.boxes[number].tolist()
        at = looked.measured[objects].tolist()
        cut = [
            looked.drawn(seen.values[i, :, a:b, c:d], at[i])
            for i, (a, b, c, d) in enumerate(boxes)
        ]
        patches.append(cut)
        projections.append(
            [looked.drawn(back[i, a:b, c:d], at[i]) for i, (a, b, c, d) in enumerate(boxes)]
        )
    tall = int((found.boxes[..., 1] - found.boxes[..., 0]).amax())
    figure = patch_wall(patches, projections, [f"filter {number}" for number in chosen])
    return table, [
        Highlight(
            f"The {count} patches out of {len(batch):,} objects that each filter of layer {layer} "
            f"answers to most, at most one of an object. A unit sees {tall} px."
        ),
        Figure(
            figure,
            f"The {len(chosen)} filters with the strongest responses. Left, in colour: what the "
            "filter sees, the strongest at the top left; patches at a stamp's edge are cut. "
            "Right: the same patches projected back through the network (guided backpropagation): "
            "bright where flux raised the response, dark where it lowered it.",
            title="What each filter answers to",
        ),
    ]
