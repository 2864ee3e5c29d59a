"""Calibrated: any images with the unit, the pixel scale and the PSF that measuring needs."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from astropy.wcs.utils import proj_plane_pixel_scales
from torch import Tensor

from deepfield.data.labelled import LabelledImages
from deepfield.data.stamps import SAMPLE, resize
from deepfield.nouns.batch import Batch
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Split
from deepfield.nouns.survey import Band, Survey
from deepfield.render.noise import NANOJANSKY


@dataclass(frozen=True)
class Calibrated:
    """Images in nJy, with the pixel scale and PSF of their stamps; made by ``calibrated``.

    Args:
        images: as they were read.
        gain: nJy per count of a stamp's pixel.
        survey: its pixel scale is that of the stamps.
        psf: shared by all objects, or one for each of them in order; None = not known.
    """

    images: LabelledImages
    gain: float
    survey: Survey
    psf: Psf | None

    @property
    def ids(self) -> np.ndarray:
        """[object] strings."""
        return self.images.ids

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the bands."""
        return self.images.channels

    @property
    def grid(self) -> tuple[str, ...]:
        """Names of the axes after the channel."""
        return self.images.grid

    def __len__(self) -> int:
        return len(self.images)

    def quantity(self, name: str) -> Quantity:
        """What the truth of this name means."""
        return self.images.quantity(name)

    def part(self, split: Split) -> "Calibrated":
        """The objects of one split."""
        at = torch.from_numpy(np.flatnonzero(self.images.splits == split))
        psf = None if self.psf is None else self.psf.take(at)
        return replace(self, images=self.images.part(split), psf=psf)

    def take(self, indices: Tensor, epoch: int) -> Batch:
        """The objects at these positions, in nJy."""
        batch = self.images.take(indices, epoch)
        variance = None if batch.variance is None else batch.variance * self.gain**2
        return replace(
            batch,
            values=batch.values * self.gain,
            variance=variance,
            psf=None if self.psf is None else self.psf.take(torch.as_tensor(indices)),
            survey=self.survey,
        )


def calibrated(
    images: LabelledImages,
    *,
    psf: Any = None,
    pixel_scale: float | None = None,
    zero_point: float | None = None,
) -> Calibrated:
    """Say what images need for magnitudes, sizes and shapes to be measured on them.

    Args:
        images: stamps, possibly resampled.
        psf: [y, x], [channel, y, x] or [object, channel, y, x], image of a star; its peak is
            brought to the middle of odd sides, its sum to 1. None = not known: what measures sizes
            and shapes refuses such images.
        pixel_scale: arcsec per pixel of the images; None = from the first WCS among them.
        zero_point: AB magnitude of one count: 31.4 for nJy, 22.5 for nanomaggies.

    Raises:
        ValueError: what is missing and cannot be told from the files, or a PSF of other shape.

    Example:
        >>> from deepfield.data.arrays import from_arrays
        >>> stamps = from_arrays(np.random.default_rng(0).normal(size=(2, 1, 64, 64)))
        >>> star = np.outer(np.hanning(9), np.hanning(9))
        >>> ready = calibrated(stamps, psf=star, pixel_scale=0.2, zero_point=22.5)
        >>> ready.take(torch.tensor([0]), 0).psf.kernel.shape
        torch.Size([1, 1, 9, 9])
    """
    if zero_point is None:
        raise ValueError(
            "the images' zero point is not known; give zero_point, the AB magnitude of one count "
            "(31.4 for nJy, 22.5 for nanomaggies)"
        )
    if not (images.extent > 0 and images.size > 0):
        raise ValueError(
            f"extent {images.extent:g} px and size {images.size} px; expected both above 0"
        )
    if pixel_scale is not None and not pixel_scale > 0:
        raise ValueError(f"pixel_scale is {pixel_scale}; expected arcsec per pixel, above 0")
    shrunk = images.extent / images.size
    stamp_scale = _from_wcs(images) if pixel_scale is None else pixel_scale * shrunk
    kernel = None if psf is None else Psf(_kernel(psf, len(images.channels), len(images), shrunk))
    bands = tuple(
        Band(name, 550.0, zero_point, 1.0, 22.0, 3 * stamp_scale, 1.0, "the user's images")
        for name in images.channels
    )
    # Resizing keeps surface brightness: a new pixel's flux is that of its larger area.
    gain = 10 ** (0.4 * (NANOJANSKY - zero_point)) * shrunk**2
    return Calibrated(images, gain, Survey("the user's images", bands, stamp_scale), kernel)


def _from_wcs(images: LabelledImages) -> float:
    """Arcsec per pixel of the stamps, by the first image that says."""
    told = (images.wcs(i) for i in range(min(len(images), SAMPLE)))
    wcs = next((one for one in told if one is not None), None)
    if wcs is None:
        raise ValueError(
            "the images have no WCS to tell their pixel scale; give pixel_scale in arcsec"
        )
    return float(np.mean(proj_plane_pixel_scales(wcs))) * 3600


def _kernel(psf: Any, channels: int, objects: int, shrunk: float) -> Tensor:
    """[object or 1, channel, y, x] with odd sides and unit sum, on the stamps' pixels."""
    values = torch.as_tensor(np.asarray(psf, dtype=np.float32))
    if values.ndim in (2, 3):
        values = values.reshape(1, -1, *values.shape[-2:])
    if values.ndim != 4 or values.shape[1] not in (1, channels):
        raise ValueError(
            f"the PSF has shape {tuple(np.shape(psf))}; expected [y, x], [{channels} channels, y, "
            "x] or [object, channel, y, x]"
        )
    if len(values) not in (1, objects):
        raise ValueError(f"{len(values)} PSFs for {objects} objects; expected 1 or one each")
    if not bool(values.isfinite().all()) or bool((values.sum((-1, -2)) <= 0).any()):
        raise ValueError("the PSF has NaN pixels or no light; expected the image of a star")
    values = _odd(values.expand(-1, channels, -1, -1))
    if shrunk != 1:
        side = min(values.shape[-2:])
        small = int(side / shrunk)
        small -= 1 - small % 2
        if small < 1:
            raise ValueError(
                f"the PSF's image has {side} px around its peak, less than one pixel of the "
                f"stamps, which is {shrunk:.1f} px wide; give a larger image of the star, or a "
                "smaller extent"
            )
        values = torch.stack(
            [resize(one, extent=small * shrunk, size=small)[0].nan_to_num() for one in values]
        )
    values = values - values.amin((-1, -2), keepdim=True).clamp(max=0)
    return values / values.sum((-1, -2), keepdim=True)


def _odd(values: Tensor) -> Tensor:
    """The star's peak in the middle of a square of odd sides."""
    height, width = values.shape[-2:]
    mean = values.mean((0, 1))
    y, x = divmod(int(mean.argmax()), width)
    half = min(y, x, height - 1 - y, width - 1 - x)
    if half < 2:
        raise ValueError(
            f"the PSF's peak is at ({x}, {y}) of {width} x {height} px; expected the star in the "
            "middle"
        )
    return values[..., y - half : y + half + 1, x - half : x + half + 1].contiguous()
