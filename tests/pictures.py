"""Small pictures on disk, and the shape of a good error message."""

import numpy as np
import pytest
from PIL import Image as Picture


def says(*parts):
    """A one-line ValueError that holds these parts, in this order."""
    text = r"[^\n]*".join(str(part).replace("(", r"\(").replace(")", r"\)") for part in parts)
    return pytest.raises(ValueError, match=rf"\A[^\n]*{text}[^\n]*\Z")


def picture(path, size=32, mode="RGB", seed=0):
    shape = (size, size, 3) if mode == "RGB" else (size, size)
    pixels = np.random.default_rng(seed).normal(20, 4, shape)
    pixels[size // 2 - 4 : size // 2 + 4, size // 2 - 4 : size // 2 + 4] += 100
    Picture.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return path


def folder_of(tmp_path, names="abcdef", kinds=("smooth", "spiral"), **more):
    folder = tmp_path / "images"
    folder.mkdir()
    for i, name in enumerate(names):
        picture(folder / f"{name}.png", seed=i, **more)
    rows = [f"{name},{kinds[i % len(kinds)]}" for i, name in enumerate(names)]
    (tmp_path / "labels.csv").write_text("\n".join(["object_id,kind", *rows]) + "\n")
    return folder, tmp_path / "labels.csv"
