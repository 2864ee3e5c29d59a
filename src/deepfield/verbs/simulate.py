"""simulate: draw a mock sky into a file."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import torch
from rich.progress import track

from deepfield import mocks
from deepfield.data.field_files import write_field
from deepfield.data.hdf5 import open_hdf5, write_hdf5
from deepfield.nouns.source import Source
from deepfield.report.page import write_page
from deepfield.report.simulated import simulated_parts
from deepfield.weights.named import recipe_module, recipe_names

SUMMARISED = 2000
"""objects whose distributions the page shows"""


def simulate(
    mock: str,
    *,
    objects: int = 1000,
    out: Path,
    seed: int = 0,
    split: Literal["train", "validation", "test", "calibrate"] = "test",
    workers: int = 1,
    **settings: Any,
) -> Path:
    """Draw objects of a mock sky, with their truth, into an HDF5 file.

    Beside the file lies a page of the same name that shows the objects and how their truth is
    distributed. Scenes may also go into a folder, as FITS images and catalogues.

    Args:
        mock: a mock sky, or a recipe for the one that it learns from; `deepfield` lists both.
        objects: how many.
        out: the file to write, ending in .h5; or, for scenes, a folder: each becomes a folder of
            FITS images with a WCS, a segmentation image and a catalogue.
        seed: another seed is another sky.
        split: training, validation and test objects are never the same.
        workers: processes that draw; the file is the same for any number.

    Returns:
        the file.

    Raises:
        ValueError: no such mock, or settings that cannot be.
    """
    if objects < 1:
        raise ValueError(f"--objects {objects}; expected at least 1")
    if workers < 1:
        raise ValueError(f"--workers {workers}; expected at least 1")
    source = _mock(mock)(objects={split: objects}, seed=seed, **settings).part(split)
    if not out.suffix:
        for row in track(range(objects), "drawing", disable=objects < 2):
            write_field(source.take(torch.tensor([row]), 0), out / str(source.ids[row]))
        print(f"wrote {objects} fields to {out}")
        return out
    if out.suffix not in (".h5", ".hdf5"):
        raise ValueError(f"--out {out}; expected a file ending in .h5, or a folder for scenes")
    write_hdf5(source, out, workers=workers)
    page = _page(out, f"{mock}: {objects:,} objects")
    print(f"wrote {objects} objects to {out}; see {page}")
    return out


def mock_names() -> list[str]:
    """Names of all mock skies."""
    folder = Path(mocks.__file__).parent
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def _mock(name: str) -> Callable[..., Source]:
    if name in mock_names():
        return getattr(import_module(f"deepfield.mocks.{name}"), name)
    if name in recipe_names():
        return recipe_module(name).mock
    raise ValueError(
        f"no mock sky {name!r}; there is {', '.join(mock_names())}, and those of the recipes "
        f"{', '.join(recipe_names())}"
    )


def _page(out: Path, title: str) -> Path:
    stored = open_hdf5(out)
    batch = stored.take(torch.arange(min(SUMMARISED, len(stored))), 0)
    return write_page(
        out.with_suffix(".html"), title, simulated_parts(batch, len(stored)), subtitle=out.name
    )
