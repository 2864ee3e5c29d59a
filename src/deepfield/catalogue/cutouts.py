"""Cutouts: stamps of detected objects, with their neighbours masked."""

import numpy as np
import torch
from astropy.table import QTable

from deepfield.data.cutter import DISPLAY_SIGMA
from deepfield.data.noise import sky
from deepfield.data.stamps import resize
from deepfield.nouns.batch import Batch
from deepfield.nouns.flags import Flag

CLEAN = Flag(0)
LARGEST_RADIUS = 9.0
"""half-light radius, in stamp pixels, above which a cutout is shrunk"""


def cutouts(
    image: np.ndarray,
    channels: tuple[str, ...],
    table: QTable,
    segments: np.ndarray,
    *,
    size: int = 64,
    magnification: float = 1.0,
    flags: Flag = CLEAN,
) -> Batch:
    """A stamp of every detected object.

    A galaxy whose half-light radius is above 9 stamp pixels is shrunk to that by area averaging.
    Pixels of other objects are masked (infinite variance), the local sky is subtracted, and the
    noise is one sigma per stamp and channel, estimated from its sky.

    Args:
        image: [channel, y, x].
        channels: names, from blue to red.
        table: of ``detect``.
        segments: [y, x] of ``detect``.
        size: side of the stamps, px.
        magnification: stamp pixels per image pixel for small objects: what brings the image's
            PSF to the width that the network learnt on.
        flags: what is known of the whole image.

    Example:
        >>> from deepfield.catalogue.detect import detect
        >>> y, x = np.mgrid[:64, :64]
        >>> noise = np.random.default_rng(0).normal(0, 1, (64, 64))
        >>> image = noise + 50 * np.exp(-((x - 20) ** 2 + (y - 40) ** 2) / 18)
        >>> cutouts(image[None], ("r",), *detect(image), size=32).values.shape
        torch.Size([1, 1, 32, 32])
    """
    height, width = image.shape[1:]
    stamps, masks, bits = [], [], []
    for i, row in enumerate(table):
        x, y = round(float(row["x"].value)), round(float(row["y"].value))
        radius = float(np.nan_to_num(row["radius"].value))
        extent = size * max(1 / magnification, radius / LARGEST_RADIUS)
        half = int(np.ceil(extent / 2)) + 1
        window = np.full((len(channels), 2 * half, 2 * half), np.nan, np.float32)
        ys = slice(max(0, y - half), min(height, y + half))
        xs = slice(max(0, x - half), min(width, x + half))
        inside = (
            slice(None),
            slice(ys.start - y + half, ys.stop - y + half),
            slice(xs.start - x + half, xs.stop - x + half),
        )
        owner = segments[ys, xs]
        window[inside] = np.where((owner == 0) | (owner == i + 1), image[:, ys, xs], np.nan)
        stamp, _, resized = resize(torch.from_numpy(window), extent=extent, size=size)
        near_edge = y < half or x < half or y + half > height or x + half > width
        bits.append(int(flags | resized | (Flag.EDGE if near_edge else Flag(0))))
        stamps.append(stamp)
        masks.append(~stamp.isfinite())
    if not stamps:
        raise ValueError("no objects to cut out; lower the detection threshold")
    values, missing = torch.stack(stamps), torch.stack(masks)
    level, sigma = sky(values)
    sigma = sigma.clamp(min=DISPLAY_SIGMA if Flag.DISPLAY_IMAGE in flags else 0.0)
    variance = (sigma**2)[..., None, None].expand_as(values).masked_fill(missing, torch.inf)
    measured = torch.tensor(bits) | (missing.flatten(1).any(1) * int(Flag.MISSING_PIXELS))
    return Batch(
        ids=np.array([str(name) for name in table["object_id"]]),
        values=(values - level[..., None, None]).masked_fill(missing, 0.0),
        channels=channels,
        variance=variance,
        flags=measured | int(Flag.VARIANCE_ESTIMATED | Flag.NO_WCS),
    ).check()
