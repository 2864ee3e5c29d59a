"""Cutter: image files to stamps, each read once and kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from astropy.wcs import WCS
from torch import Tensor

from deepfield.data.bands import colour
from deepfield.data.files import read
from deepfield.data.info import Info
from deepfield.data.noise import sky
from deepfield.data.overflow import TOO_MUCH, overflow
from deepfield.data.significance import NOTHING, significance
from deepfield.data.stamp_wcs import celestial, regridded
from deepfield.data.stamps import SAMPLE, corner, resize, typical_extent
from deepfield.nouns.flags import Flag


class Readable(Protocol):
    """One object's pixels, in files or in memory."""

    @property
    def files(self) -> dict[str, Path]:
        """Its files by band; a single one is under ``""``."""
        ...

    @property
    def where(self) -> str:
        """What messages call it."""
        ...

    def read(self) -> tuple[np.ndarray, Info]:
        """[channel, y, x], and what is known of them; ``ValueError`` where it cannot be read."""
        ...


DISPLAY_SIGMA = 4.0
"""least sigma of a picture's channel, in levels of 255: below lie rounding and compression"""


@dataclass(frozen=True)
class Image:
    """One object's files: by band, or a single one under ``""``."""

    name: str
    files: dict[str, Path]

    def read(self) -> tuple[np.ndarray, Info]:
        """All channels, [channel, y, x], and what the files say.

        Raises:
            ValueError: a file that cannot be read, or bands of different shapes.
        """
        if "" in self.files:
            return read(self.files[""])
        parts = {band: read(file) for band, file in self.files.items()}
        shapes = {values.shape for values, _ in parts.values()}
        if len(shapes) > 1 or next(iter(shapes))[0] != 1:
            found = ", ".join(f"{self.files[b].name} {v.shape}" for b, (v, _) in parts.items())
            raise ValueError(
                f"object {self.name}: bands of shapes {found}; expected one plane each, all of "
                "the same sides: resample or remove the object"
            )
        noise = [info.variance for _, info in parts.values() if info.variance is not None]
        return np.concatenate([values for values, _ in parts.values()]), Info(
            channels=tuple(parts),
            display=any(info.display for _, info in parts.values()),
            variance=np.concatenate(noise) if len(noise) == len(parts) else None,
            header=next(iter(parts.values()))[1].header,
        )

    @property
    def where(self) -> str:
        """Its first file, for messages."""
        return str(next(iter(self.files.values())))


@dataclass
class Cutter:
    """Reads images and cuts their stamps by the rule of ``data.stamps``; made by ``of``.

    Args:
        images: the objects.
        channels: of all of them.
        model: name of the file whose channels those are, for messages.
        extent: side of the central square, pixels of the image.
        size: side of the stamp, px.
        strict: a bad object is an error; otherwise a flagged row.
    """

    images: Sequence[Readable]
    channels: tuple[str, ...]
    model: str
    extent: float
    size: int
    strict: bool
    _kept: dict[int, tuple[Tensor, Tensor, int]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, images: Sequence[Readable], size: int, extent: float | None, strict: bool
    ) -> "Cutter":
        """A cutter whose channels, and extent where it is None, come from the first images.

        Raises:
            ValueError: no image can be read, or (strict) they differ in their channels.
        """
        chosen = [images[i] for i in np.linspace(0, len(images) - 1, SAMPLE).astype(int)]
        chosen = list({id(image): image for image in chosen}.values())
        pixels = _readable(chosen, strict)
        first = next(pixels, None)
        if first is None:
            raise ValueError(
                f"none of {len(chosen)} images can be read, such as {chosen[0].where}; expected "
                "JPEG, PNG or FITS images: check the files"
            )
        model = max(images, key=lambda image: len(image.files))
        channels = {band for image in images for band in image.files if band}
        cutter = cls(
            images=images,
            channels=tuple(sorted(channels, key=colour)) or first[2].channels,
            model=model.where if channels else first[0].where,
            extent=extent or float(size),
            size=size,
            strict=strict,
        )
        if extent is None:
            cutter._measure(chain([first], pixels))
        return cutter

    def _measure(self, pixels: Iterator[tuple[Readable, np.ndarray, Info]]) -> None:
        """Choose the extent."""
        shapes = set()

        def checked() -> Iterator[np.ndarray]:
            for image, values, info in pixels:
                if self.strict:
                    self._check(image, info)
                shapes.add(values.shape[-2:])
                yield values

        extent = typical_extent(checked())
        self.extent = float(self.size) if shapes == {(self.size, self.size)} else extent

    def stamps(self, rows: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """Values [object, channel, y, x], their variance and flags of these images.

        The variance is [object, channel, 1, 1] where no pixel is missing and no file has a noise
        map. Missing pixels are 0 with an infinite variance.

        Raises:
            ValueError: (strict) a file that cannot be read, has other channels or no pixels.
        """
        parts = [self._stamp(int(row)) for row in rows]
        if not parts:
            empty = torch.zeros(0, len(self.channels), self.size, self.size)
            return empty, empty, torch.zeros(0, dtype=torch.int64)
        variances = [variance for _, variance, _ in parts]
        if len({variance.shape for variance in variances}) > 1:
            variances = [v.expand(-1, self.size, self.size) for v in variances]
        return (
            torch.stack([values for values, _, _ in parts]),
            torch.stack(variances),
            torch.tensor([flags for _, _, flags in parts]),
        )

    def wcs(self, row: int) -> WCS | None:
        """Where on the sky the pixels of an image's stamp are; the file's header is read again.

        Returns:
            None where the image cannot be read or does not say.
        """
        try:
            pixels, info = self.images[row].read()
        except ValueError:
            return None
        found = celestial(info.header)
        if found is None:
            return None
        x, y = (corner(side, self.extent, self.size) for side in pixels.shape[:-3:-1])
        return regridded(found, (x, y), self.extent / self.size, self.size)

    def _stamp(self, row: int) -> tuple[Tensor, Tensor, int]:
        if row not in self._kept:
            self._kept[row] = self._cut(self.images[row])
        return self._kept[row]

    def _cut(self, image: Readable) -> tuple[Tensor, Tensor, int]:
        try:
            pixels, info = image.read()
            missing = self._check(image, info)
        except ValueError:
            if self.strict:
                raise
            return self._blank(Flag.UNREADABLE)
        flags = missing | (Flag.DISPLAY_IMAGE if info.display else Flag(0))
        if info.header is None or "CTYPE1" not in info.header:
            flags |= Flag.NO_WCS
        values = torch.from_numpy(pixels)
        noise = None if info.variance is None else torch.from_numpy(info.variance)
        if noise is not None:
            values = values.masked_fill(noise.isinf(), torch.nan)
        stamp, variance, cut = resize(values, noise, extent=self.extent, size=self.size)
        flags |= cut
        # Surveys fill what they have not seen with one value: such a band is not there.
        gone = ~stamp.isfinite() | _alike(stamp)[:, None, None]
        if bool(gone.all()):
            if self.strict:
                raise ValueError(
                    f"{image.where}: every pixel is NaN, masked or of one value; expected an "
                    "image of the object: remove the file and its label"
                )
            return self._blank(Flag.NO_PIXELS | flags)
        # The sky is measured on the whole image, at the stamp's resolution: there is more of it.
        side = min(values.shape[-2:])
        around = max(8, round(side * self.size / self.extent))
        level, sigma = sky(resize(values, extent=side, size=around)[0][None])
        stamp = (stamp - level[0, :, None, None]).masked_fill(gone, 0)
        if variance is None:
            flags |= Flag.VARIANCE_ESTIMATED
            sigma = sigma.clamp(min=DISPLAY_SIGMA) if info.display else sigma
            variance = sigma[0, :, None, None].square()
        if bool(gone.any()):
            flags |= Flag.MISSING_PIXELS
            variance = variance.expand_as(stamp).masked_fill(gone, torch.inf)
        if float(significance(stamp[None], variance[None])) < NOTHING:
            flags |= Flag.NOTHING_SEEN
        # A picture's stretch bends how light falls off.
        if not info.display and float(overflow(stamp[None], variance[None])) > TOO_MUCH:
            flags |= Flag.TOO_LARGE
        if info.channels == self.channels:
            return stamp, variance, int(flags)
        whole = torch.zeros(len(self.channels), self.size, self.size)
        noise = torch.full_like(whole, torch.inf)
        at = [self.channels.index(name) for name in info.channels]
        whole[at], noise[at] = stamp, variance.expand_as(stamp)
        return whole, noise, int(flags)

    def _check(self, image: Readable, info: Info) -> Flag:
        """``MISSING_PIXELS`` where an object of one file a band lacks a band."""
        if info.channels == self.channels:
            return Flag(0)
        if not self.strict and "" not in image.files and set(info.channels) < set(self.channels):
            return Flag.MISSING_PIXELS
        raise ValueError(
            f"{image.where} has {len(info.channels)} bands ({', '.join(info.channels)}) and "
            f"{self.model} has {len(self.channels)} ({', '.join(self.channels)}); expected the "
            "same bands everywhere: keep the two kinds apart"
        )

    def _blank(self, flags: Flag) -> tuple[Tensor, Tensor, int]:
        values = torch.zeros(len(self.channels), self.size, self.size)
        variance = torch.full((len(self.channels), 1, 1), torch.inf)
        return values, variance, int(flags)


def _readable(
    images: Sequence[Readable], strict: bool
) -> Iterator[tuple[Readable, np.ndarray, Info]]:
    for image in images:
        try:
            values, info = image.read()
        except ValueError:
            if strict:
                raise
            continue
        yield image, values, info


def _alike(stamp: Tensor) -> Tensor:
    """[channel] bool: all pixels that there are have the same value."""
    flat, there = stamp.flatten(1), stamp.isfinite().flatten(1)
    low = flat.masked_fill(~there, torch.inf).amin(1)
    return low >= flat.masked_fill(~there, -torch.inf).amax(1)
