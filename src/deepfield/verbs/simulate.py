"""simulate: draw a mock sky into a file."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import torch

from deepfield import mocks
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
    distributed.

    Args:
        mock: a mock sky, or a recipe for the one that it learns from; `deepfield` lists both.
        objects: how many.
        out: the file to write, ending in .h5.
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
