"""train: learn a recipe from the mock sky or from the user's labelled images."""

import json
import platform
import subprocess
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from deepfield.data.labelled import LabelledImages
from deepfield.data.opened import open_images
from deepfield.data.photometry_table import PhotometryTable
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source
from deepfield.nouns.whole import whole
from deepfield.train.loop import CHECKPOINT
from deepfield.train.trained import Trained
from deepfield.train.transfer import start_from
from deepfield.weights.files import Card, load, predictor, save, shipped
from deepfield.weights.named import recipe_module

MANY = 12
"""quantities that are still named one by one"""


def train(
    recipe: str,
    *,
    out: Path,
    images: Path | None = None,
    labels: Path | None = None,
    target: str | None = None,
    extent: float | None = None,
    fold: int = 0,
    folds: int = 5,
    objects: int | None = None,
    start: Path | None = None,
    from_nothing: bool = False,
    resume: bool = False,
    **settings: Any,
) -> Trained:
    """Train a recipe on its mock sky, or on your images and labels.

    Args:
        recipe: its name; `deepfield recipes` lists them.
        out: the run directory: run.json, history.csv, history.png, model.safetensors.
        images: a folder or glob of FITS, JPEG or PNG files, or a file of `deepfield simulate`;
            left out, the mock sky.
        labels: a CSV, FITS or Parquet table with an id or file column and the classes.
        target: the label's column, where it has an unusual name.
        extent: pixels of the image that go into a stamp; found from the images if left out.
        fold: which part of your objects is held out for `evaluate`,
        folds: of how many (by a hash of the id).
        objects: of the mock sky; left out, as many as the recipe's weights were made with.
        start: weights to start from; with your images, those shipped, if there are some.
        from_nothing: with your images, start from random weights.
        resume: go on with a run that was stopped.

    Returns:
        the trained predictor.

    Example:
        >>> train("morphology", out=Path("run"), images=Path("stamps"),  # doctest: +SKIP
        ...       labels=Path("labels.csv"))
    """
    began = time.perf_counter()
    module = recipe_module(recipe)
    source: Source
    if images is None:
        objects = objects or module.MOCK_OBJECTS["train"]
        counts = {**module.MOCK_OBJECTS, "train": objects}
        source, data = module.mock(objects=counts, seed=settings.get("seed", 0)), "the mock sky"
    else:
        source = opened = open_images(
            images,
            labels,
            size=module.SIZE,
            target=target,
            extent=extent,
            fold=fold,
            folds=folds,
            grid=module.mock(objects={"train": 1}, seed=0).grid,
        )
        if isinstance(opened, LabelledImages):
            extent = opened.extent
        data = f"{len(source)} labelled objects of {images.name}"
        start = start or (None if from_nothing else shipped(recipe))
    # A table's column becomes a redshift, by whatever name.
    if target is not None and not isinstance(source, PhotometryTable):
        settings["target"] = target
    build = getattr(module, recipe)
    # Defaults too: they may change, and a weights file must go on saying the same.
    settings = {**(build.__kwdefaults__ or {}), **settings}
    built = build(source, **settings)
    asked = built.task.quantities
    parts = {name: source.part(name).ids for name in ("train", "validation", "test")}
    print(
        f"{recipe}: {len(parts['train'])} objects to learn from, {len(parts['validation'])} to "
        f"stop by, {len(parts['test'])} held out; it learns " + _asked(asked)
    )
    resume = resume and (out / CHECKPOINT).exists()
    if start is not None and not resume:
        print(start_from(built.net, load(start)[0].net.state_dict()))
    run = {
        "recipe": recipe,
        "settings": settings,
        "seed": settings.get("seed", 0),
        "objects": objects,
        "images": None if images is None else str(images.absolute()),
        "labels": None if labels is None else str(labels.absolute()),
        "target": target,
        "extent": extent,
        "fold": fold,
        "folds": folds,
        "start": None if start is None else Path(start).name,
        "split": {} if images is None else {k: v.tolist() for k, v in parts.items()},
        "versions": {name: version(name) for name in ("deepfield", "torch", "numpy")},
        "commit": commit(),
        "machine": {"processor": platform.machine(), "threads": torch.get_num_threads()},
    }
    out.mkdir(parents=True, exist_ok=True)
    if not resume:  # a resume that is refused must leave the run as it was
        write_json(out / "run.json", run)
    unfitted = predictor(built, channels=tuple(source.channels), size=module.SIZE)
    trained = unfitted.fit(source, directory=out, resume=resume)
    card = Card(
        recipe=recipe,
        settings=settings,
        channels=tuple(source.channels),
        grid=tuple(source.grid),
        quantities=tuple(asdict(quantity) for quantity in asked),
        data=data,
        objects=len(parts["train"]),
        seed=settings.get("seed", 0),
        commit=commit(),
    )
    save(trained, card, out / "model.safetensors")
    write_json(out / "run.json", {**run, "seconds": time.perf_counter() - began})
    print(f"wrote {out / 'model.safetensors'}, history.csv and history.png beside it")
    return trained


def commit() -> str:
    """The code's git commit, or the version outside a checkout."""
    here = Path(__file__).parent
    try:
        found = subprocess.run(
            ["git", "-C", str(here), "rev-parse", "--short=12", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return version("deepfield")
    return found.stdout.strip()


def write_json(path: Path, content: Any) -> None:
    """Plain JSON, whole or not at all."""
    with whole(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, default=_plain))


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def _asked(quantities: tuple[Quantity, ...]) -> str:
    """Names of what is learnt, with their classes; of many the first few."""
    said = [f"{q.name} ({', '.join(q.classes)})" if q.classes else q.name for q in quantities]
    more = f"; and {len(said) - MANY} more" if len(said) > MANY else ""
    return "; ".join(said[:MANY]) + more
