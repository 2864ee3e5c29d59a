"""simulate: draw a recipe's mock sky into a file."""

from pathlib import Path
from typing import Literal

from deepfield.data.hdf5 import write_hdf5
from deepfield.weights.named import recipe_module


def simulate(
    recipe: str,
    *,
    objects: int = 1000,
    out: Path,
    seed: int = 0,
    split: Literal["train", "validation", "test", "calibrate"] = "test",
) -> Path:
    """Draw objects of a recipe's mock sky, with their truth, into an HDF5 file.

    Args:
        recipe: its name; `deepfield recipes` lists them.
        objects: how many.
        out: the file to write, ending in .h5.
        seed: another seed is another sky.
        split: training, validation and test objects are never the same.

    Returns:
        the file.
    """
    if objects < 1:
        raise ValueError(f"--objects {objects}; expected at least 1")
    source = recipe_module(recipe).mock(objects={split: objects}, seed=seed).part(split)
    write_hdf5(source, out)
    print(f"wrote {objects} objects to {out}")
    return out
