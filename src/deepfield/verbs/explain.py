"""explain: what in each image spoke for the answer, or what a layer of the network answers to."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from astropy.table import Table
from torch import nn

from deepfield.data.arrays import from_arrays, in_memory
from deepfield.data.hdf5 import StoredSource, open_hdf5
from deepfield.data.labelled import LabelledImages
from deepfield.data.tables import write_table
from deepfield.explain.layers import find
from deepfield.explain.methods import METHODS
from deepfield.nouns.batch import Batch
from deepfield.report.page import write_page
from deepfield.train.trained import Trained
from deepfield.verbs._answers import explained
from deepfield.verbs._layers import LAYER_METHODS
from deepfield.verbs._looked import Looked
from deepfield.verbs.predict import provenance
from deepfield.weights.files import load, shipped
from deepfield.weights.named import recipe_module

FEW = 24
"""objects that are explained one by one, if not told otherwise"""
MANY = 1000
"""objects that a layer's favourites are looked for in"""


def explain(
    recipe: str,
    *,
    images: Path,
    out: Path,
    method: str = "occlusion",
    labels: Path | None = None,
    weights: Path | None = None,
    answer: str | None = None,
    what: str | None = None,
    layer: str | None = None,
    window: int = 8,
    extent: float | None = None,
    most: int | None = None,
) -> Table:
    """Show what in each image spoke for the answer, or what a layer answers to.

    From Python, images may also be arrays or NDData objects, as for `predict`.

    Args:
        recipe: its name; `deepfield recipes` lists them.
        images: a folder or glob of FITS, JPEG or PNG files, or a file of `deepfield simulate`.
        out: folder for report.html, maps of each object as FITS, and a table of what they show.
        method: occlusion, occlusion_smooth (a smooth galaxy takes the place of what is covered),
            integrated_gradients, gradient_times_input, saliency, grad_cam,
            deconvnet or guided_backpropagation explain an answer about each object;
            feature_maps, strongest_patches, atlas and dream show a layer.
        labels: a table of the objects, in whose order they come.
        weights: a model.safetensors of `deepfield train`; left out, those shipped.
        answer: which one is explained, such as kind; left out, the first.
        what: the class (or other number) of the answer; left out, each object's most probable
            class.
        layer: dotted name in the network; left out, the last convolution.
        window: side of the square that occlusion covers, px of the stamp.
        extent: pixels of the image that go into a stamp; found from the images if left out.
        most: at most so many objects; left out, 24, or 1000 where a layer's favourites are looked
            for.

    Returns:
        what was written as a table: a row an object, or what the layer's method found.

    Raises:
        ValueError: a recipe, method, layer, answer or class that does not exist (the message
            lists those that do), a window larger than the stamp, stamps that the network has not
            learnt to read.
    """
    recipe_module(recipe)
    if method not in {**METHODS, **LAYER_METHODS}:
        raise ValueError(
            f"no method {method!r}; there is {', '.join(METHODS)}, and of a layer "
            f"{', '.join(LAYER_METHODS)}"
        )
    path = weights or shipped(recipe)
    if path is None:
        raise ValueError(f"no weights are shipped for {recipe}; train, then give --weights")
    trained, card = load(path)
    if card.recipe != recipe:
        raise ValueError(f"{path} holds weights of {card.recipe}, not of {recipe}")
    answer = _asked(trained, answer, what)
    layer = layer or last_convolution(trained.net)
    find(trained.net, layer)
    if not 1 <= window <= trained.size:
        raise ValueError(
            f"a window of {window} px on stamps of {trained.size} px; expected 1 to "
            f"{trained.size} px"
        )
    if most is not None and most < 1:
        raise ValueError(f"at most {most} objects; expected at least 1")
    source = _opened(images, labels, trained.size, extent)
    one_by_one = method in METHODS or LAYER_METHODS[method].one_by_one
    count = min(len(source), most or (FEW if one_by_one else MANY))
    batch = source.take(torch.arange(count), 0)
    looked = Looked(
        trained=trained,
        card=card,
        weights=path,
        batch=batch,
        prediction=trained.predict(batch),
        answer=answer,
        what=what,
        layer=layer,
        window=window,
        wcs=source.wcs if isinstance(source, LabelledImages) else lambda number: None,
        out=out,
    )
    if not len(looked.measured) and method not in METHODS:
        raise ValueError(f"none of {count} objects has pixels that can be read; give others")
    subtitle = f"{count:,} of {len(source):,} objects; weights {path.parent.name}/{path.name}"
    if method in METHODS:
        name = "explained"
        table, parts = explained(looked, method)
    else:
        name = method
        table, parts = LAYER_METHODS[method].show(looked)
        subtitle += f"; layer {layer}, {type(find(trained.net, layer)).__name__}"
    table.meta.update(provenance(path, card, trained.task))
    write_table(table, out / f"{name}.csv")
    write_page(
        out / "report.html", f"{recipe}: {method.replace('_', ' ')}", parts, subtitle=subtitle
    )
    print(f"wrote {out / 'report.html'} and {out / f'{name}.csv'}")
    return table


def last_convolution(net: nn.Module) -> str:
    """Dotted name of the layer whose maps are looked at if none is asked for.

    Raises:
        ValueError: the network has no convolution.

    Example:
        >>> last_convolution(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3)))
        '2'
    """
    found = [name for name, module in net.named_modules() if isinstance(module, nn.Conv2d)]
    if not found:
        raise ValueError("the network has no convolution; name a layer with --layer")
    return found[-1]


def _asked(trained: Trained, answer: str | None, what: str | None) -> str:
    """Name of the answer, after a look at what the task says of an empty stamp."""
    empty = torch.zeros(1, len(trained.channels), trained.size, trained.size)
    blank = Batch(np.array(["empty"]), empty, trained.channels, variance=torch.ones(1, 1, 1, 1))
    with torch.no_grad():
        given = trained.task.predict(trained.net.eval(), blank)
    name = answer or next(iter(given))
    if name not in given:
        raise ValueError(f"the task has no answer {name!r}; it has {', '.join(given)}")
    if what is not None:
        given[name].scalar(what)
    return name


def _opened(
    images: Any, labels: Path | None, size: int, extent: float | None
) -> LabelledImages | StoredSource:
    if in_memory(images):
        return from_arrays(images, size=size, extent=extent)
    if isinstance(images, str | Path) and Path(images).suffix in (".h5", ".hdf5"):
        return open_hdf5(images)
    return LabelledImages.open(images, labels, size=size, extent=extent, strict=False)
