"""Arrays: images that are already in memory, as a source."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from astropy.nddata import NDData, VarianceUncertainty
from astropy.table import Table

from deepfield.data.cutter import Cutter
from deepfield.data.info import Info
from deepfield.data.labelled import LabelledImages
from deepfield.nouns.batch import Truth


@dataclass(frozen=True)
class Pixels:
    """An image in memory, as the cutter reads it.

    Args:
        name: for messages.
        values: [channel, y, x].
        info: channels and variance.
    """

    name: str
    values: np.ndarray
    info: Info
    files: dict[str, Path] = field(default_factory=dict)

    def read(self) -> tuple[np.ndarray, Info]:
        """The pixels and what is known of them."""
        return self.values, self.info

    @property
    def where(self) -> str:
        """Its name, for messages."""
        return self.name


def in_memory(images: Any) -> bool:
    """Whether images are arrays or NDData objects, one or several, not paths.

    Example:
        >>> in_memory([np.zeros((4, 4))]), in_memory("stamps"), in_memory(["a.fits"])
        (True, False, False)
    """
    if isinstance(images, np.ndarray | NDData):
        return True
    if isinstance(images, str | Path | Table) or not len(images):
        return False
    return isinstance(images[0], np.ndarray | NDData)


def from_arrays(
    images: np.ndarray | NDData | Sequence[np.ndarray | NDData],
    *,
    channels: tuple[str, ...] | None = None,
    ids: Sequence[str] | None = None,
    size: int = 64,
    extent: float | None = None,
) -> LabelledImages:
    """Stamps from arrays or NDData objects, by the same rule as from files.

    Args:
        images: one array [object, channel, y, x], one NDData or array [channel, y, x] or [y, x],
            or a sequence of those, of any sides. NDData's mask and uncertainty are used.
        channels: names from blue to red; None = numbered.
        ids: names of the objects; None = numbered from 0.
        size: side of the stamps, px.
        extent: side of the central square that becomes the stamp; None = found from the images.

    Raises:
        ValueError: no images, or one that has not two or three axes.

    Example:
        >>> from_arrays(np.random.default_rng(0).normal(size=(2, 3, 64, 64))).channels
        ('channel_1', 'channel_2', 'channel_3')
    """
    one = isinstance(images, NDData) or (isinstance(images, np.ndarray) and images.ndim < 4)
    several = [images] if one else list(images)
    if not several:
        raise ValueError("no images; expected at least one array [channel, y, x]")
    names = [str(i) for i in range(len(several))] if ids is None else [str(i) for i in ids]
    if len(names) != len(several):
        raise ValueError(f"{len(names)} ids for {len(several)} images; expected one each")
    pixels = [_pixels(f"image {n}", i, channels) for n, i in zip(names, several, strict=True)]
    return LabelledImages(
        ids=np.array(names, dtype=str),
        cutter=Cutter.of(pixels, size, extent, strict=False),
        rows=np.arange(len(pixels)),
        truth=Truth({}),
        sky_position=None,
        table=None,
        target=None,
        splits=np.full(len(pixels), "test"),
    )


def _pixels(name: str, image: np.ndarray | NDData, channels: tuple[str, ...] | None) -> Pixels:
    data = image.data if isinstance(image, NDData) else np.asarray(image)
    if data.ndim not in (2, 3):
        raise ValueError(f"{name} has shape {data.shape}; expected [y, x] or [channel, y, x]")
    values = np.array(data, np.float32).reshape(-1, *data.shape[-2:])
    variance = None
    if isinstance(image, NDData):
        if image.mask is not None:
            values[np.broadcast_to(image.mask, values.shape)] = np.nan
        if image.uncertainty is not None:
            spread = image.uncertainty.represent_as(VarianceUncertainty).array
            variance = np.broadcast_to(spread, values.shape).astype(np.float32)
            variance = np.where(np.isfinite(variance) & (variance > 0), variance, np.inf)
    named = channels or tuple(f"channel_{i + 1}" for i in range(len(values)))
    if len(named) != len(values):
        raise ValueError(f"{name} has {len(values)} channels; {len(named)} names were given")
    return Pixels(name, values, Info(channels=named, variance=variance), {"": Path(name)})
