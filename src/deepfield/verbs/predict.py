"""predict: a catalogue of what each galaxy is."""

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from astropy.table import QTable
from rich.progress import track

from deepfield.data.arrays import from_arrays, in_memory
from deepfield.data.labelled import LabelledImages
from deepfield.data.tables import write_table, writer_of
from deepfield.nouns.batch import Batch
from deepfield.nouns.catalogue import catalogue
from deepfield.nouns.flags import UNMEASURED
from deepfield.nouns.prediction import Prediction
from deepfield.weights.files import Card, load, shipped
from deepfield.weights.named import recipe_module

CHUNK = 256


def predict(
    recipe: str,
    *,
    images: Path,
    out: Path | None = None,
    labels: Path | None = None,
    weights: Path | None = None,
    extent: float | None = None,
) -> QTable:
    """Run a recipe's weights over images and write a catalogue.

    From Python, images may also be an array [object, channel, y, x], an NDData object, or a list
    of arrays, NDData objects or paths; and labels a table whose file column names the images.

    Args:
        recipe: its name; `deepfield recipes` lists them.
        images: a folder or glob of FITS, JPEG or PNG files.
        out: the catalogue: .parquet, .fits or .csv.
        labels: a table of the objects, in whose order and with whose columns the catalogue comes.
        weights: a model.safetensors of `deepfield train`; left out, those shipped.
        extent: pixels of the image that go into a stamp; found from the images if left out.

    Returns:
        the catalogue: a row an object, with probabilities, out_of_domain and flags. A file that
        cannot be read is a flagged row without numbers.

    Example:
        >>> stamps = np.random.default_rng(0).normal(size=(2, 3, 64, 64))
        >>> table = predict("morphology", images=stamps)  # doctest: +SKIP
    """
    recipe_module(recipe)
    if out is not None:
        writer_of(out)  # better refused before the work than after it
    path = weights or shipped(recipe)
    if path is None:
        raise ValueError(f"no weights are shipped for {recipe}; train, then give --weights")
    trained, card = load(path)
    if card.recipe != recipe:
        raise ValueError(f"{path} holds weights of {card.recipe}, not of {recipe}")
    given: Any = images
    if in_memory(given):
        source = from_arrays(given, size=trained.size, extent=extent)
    else:
        source = LabelledImages.open(given, labels, size=trained.size, extent=extent, strict=False)
    began = time.perf_counter()
    parts: list[tuple[Batch, Prediction]] = []
    rows = torch.arange(len(source)).split(CHUNK)
    for some in track(rows, "classifying", disable=len(rows) < 2):
        batch = source.take(some, 0)
        parts.append((batch, trained.predict(batch)))
    whole = Batch(
        ids=np.concatenate([batch.ids for batch, _ in parts]),
        values=torch.empty(len(source), 0),
        channels=source.channels,
        flags=torch.cat([batch.flags for batch, _ in parts if batch.flags is not None]),
    )
    known = None if source.table is None else QTable(source.table)
    table = catalogue(
        whole,
        Prediction.join([prediction for _, prediction in parts]),
        known=known,
        provenance=provenance(path, card),
    )
    lost = int(((np.asarray(table["flags"]) & int(UNMEASURED)) > 0).sum())
    print(
        f"{len(table)} objects in {time.perf_counter() - began:.1f} s"
        + (f"; {lost} could not be measured, see flags" if lost else "")
    )
    if out is not None:
        write_table(table, out)
        print(f"wrote {out}")
    return table


def provenance(weights: Path, card: Card) -> Mapping[str, Any]:
    """What a catalogue says of where its answers come from."""
    return {
        "recipe": card.recipe,
        "weights": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "training_data": card.data,
        "training_prior": "classes as frequent as in the training data",
        "commit": card.commit,
    }
