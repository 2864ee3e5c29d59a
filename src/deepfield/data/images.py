"""JPEG and PNG images."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from deepfield.data.info import Info


def read_image(path: Path | str) -> tuple[np.ndarray, Info]:
    """Pixels of a JPEG or PNG file.

    Colour images become three channels, blue first (files store red first); an alpha channel is
    dropped. Sixteen-bit images are divided by 257, so that white is 255 everywhere. Rows stay in
    the file's order: row 0 is the top of the picture.

    Args:
        path: a file.

    Returns:
        [channel, y, x] float32 on the scale 0-255, and what the file says about it.

    Raises:
        ValueError: the file is missing, empty, truncated or no image.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> Image.new("RGB", (8, 6), (255, 128, 0)).save(folder / "a.png")
        >>> values, info = read_image(folder / "a.png")
        >>> values.shape, values[:, 0, 0].tolist(), info.channels
        ((3, 6, 8), [0.0, 128.0, 255.0], ('blue', 'green', 'red'))
    """
    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                values = _pixels(image)
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file; expected a JPEG or PNG image") from None
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        # Pillow reports a broken PNG as SyntaxError and a cut one as OSError or ValueError.
        size = path.stat().st_size
        raise ValueError(
            f"{path}: {size} bytes that cannot be read as an image "
            f"({str(error).splitlines()[0] if str(error) else type(error).__name__}); expected a "
            "whole JPEG or PNG: replace or remove the file"
        ) from None
    channels = ("grey",) if len(values) == 1 else ("blue", "green", "red")
    return values, Info(channels, display=True)


def _pixels(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I"):
        return np.asarray(image, np.float32)[None] / np.float32(257)
    if image.mode in ("1", "L", "LA", "F"):
        return np.asarray(image.convert("L"), np.float32)[None]
    colours = np.asarray(image.convert("RGB"), np.float32)
    return np.ascontiguousarray(colours.transpose(2, 0, 1)[::-1])
