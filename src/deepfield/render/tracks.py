"""Tracks: cosmic rays and satellites, straight lines of light that no galaxy emitted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.flags import Flag
from deepfield.nouns.survey import Survey
from deepfield.render.exposure import Exposure
from deepfield.render.noise import electrons_per_njy, sky_variance

MATTERS = 0.1
"""Light above this many sigma of the sky is masked where it is found."""


@dataclass(frozen=True)
class CosmicRays:
    """Cosmic rays: short bright tracks, each in one band.

    Numbers, lengths and charges differ between detectors by an order of magnitude; see Groom
    (2002) for CCDs. Tracks that are found have an infinite variance; all leave their charge.

    Args:
        rate: mean number in 10,000 pixels of each band.
        length: shortest and longest track, px, log-uniform.
        charge: smallest and largest, electrons, log-uniform.
        width: standard deviation across, px.
        found: share of the tracks that the pipeline masks.

    Raises:
        ValueError: negative rates, reversed ranges, widths below a pixel's own.

    Example:
        >>> CosmicRays(rate=2.0).found
        0.95
    """

    rate: float = 1.0
    length: tuple[float, float] = (1.0, 30.0)
    charge: tuple[float, float] = (300.0, 30_000.0)
    width: float = 0.5
    found: float = 0.95

    def __post_init__(self) -> None:
        if not 0 <= self.rate < math.inf:
            raise ValueError(f"rate is {self.rate}; expected a number of hits from 0")
        _check("length", self.length)
        _check("charge", self.charge)
        _check_track(self.width, self.found)

    def __call__(
        self, exposure: Exposure, survey: Survey, generators: Sequence[np.random.Generator]
    ) -> Exposure:
        """The exposure, hit."""
        channels, height, width = exposure.values.shape[1:]
        tracks = []
        for row, own in enumerate(generators):
            for channel, hits in enumerate(
                own.poisson(self.rate * height * width / 1e4, channels)
            ):
                for u in own.random((hits, 6)):
                    tracks.append((row * channels + channel, *u))
        if not tracks:
            return exposure
        drawn = torch.tensor(np.array(tracks), dtype=torch.float32)
        start, (angle, length, charge, luck) = drawn[:, 1:3], drawn[:, 3:].T
        start = start * torch.tensor([height, width]) - 0.5
        angle, length = angle * (2 * math.pi), _between(length, self.length)
        # A window around the middle of each track: a whole stamp of each would be slow.
        middle = start + torch.stack((angle.sin(), angle.cos()), 1) * length[:, None] / 2
        reach = math.ceil(self.length[1] / 2 + 4 * self.width)
        corner = middle.round().long() - reach
        plane = drawn[:, 0].long()
        electrons = torch.tensor([electrons_per_njy(band) for band in survey.bands])
        light = segments(
            y=start[:, 0] - corner[:, 0],
            x=start[:, 1] - corner[:, 1],
            angle=angle,
            length=length,
            flux=_between(charge, self.charge) / electrons[plane % channels],
            width=self.width,
            shape=(2 * reach + 1, 2 * reach + 1),
        )
        found = luck < self.found
        return _painted(exposure, survey, light, plane, corner, found, Flag.COSMIC_RAY)


@dataclass(frozen=True)
class SatelliteTrail:
    """A trail across the stamp, in one of its bands: only one exposure saw the satellite.

    Args:
        brightness: faintest and brightest ridge, sigma of a sky pixel, log-uniform.
        width: standard deviation across, px: the PSF's, and more for satellites out of focus.
        found: share of the trails that the pipeline masks.

    Raises:
        ValueError: brightness or width that is not positive, a reversed range.

    Example:
        >>> SatelliteTrail(found=0.5).brightness
        (1.0, 30.0)
    """

    brightness: tuple[float, float] = (1.0, 30.0)
    width: float = 2.0
    found: float = 0.9

    def __post_init__(self) -> None:
        _check("brightness", self.brightness)
        _check_track(self.width, self.found)

    def __call__(
        self, exposure: Exposure, survey: Survey, generators: Sequence[np.random.Generator]
    ) -> Exposure:
        """The exposure with a trail over every object's stamp."""
        objects, channels, height, width = exposure.values.shape
        band = torch.tensor([int(own.integers(channels)) for own in generators])
        drawn = np.array([own.random(4) for own in generators])
        angle, offset, brightness, luck = torch.from_numpy(drawn).float().T
        angle = angle * (2 * math.pi)
        # From outside to outside, past the centre at a distance of up to half the stamp.
        longest, aside = 2 * math.hypot(height, width), (offset - 0.5) * min(height, width)
        peak = _between(brightness, self.brightness) * sky_variance(survey)[band].sqrt()
        light = segments(
            y=(height - 1) / 2 + aside * angle.cos() - longest / 2 * angle.sin(),
            x=(width - 1) / 2 - aside * angle.sin() - longest / 2 * angle.cos(),
            angle=angle,
            length=torch.full((objects,), longest),
            flux=peak * (longest * self.width * math.sqrt(2 * math.pi)),
            width=self.width,
            shape=(height, width),
        )
        plane = torch.arange(objects) * channels + band
        corner = torch.zeros(objects, 2, dtype=torch.int64)
        return _painted(exposure, survey, light, plane, corner, luck < self.found, Flag.TRAIL)


def segments(
    *,
    y: Tensor,
    x: Tensor,
    angle: Tensor,
    length: Tensor,
    flux: Tensor,
    width: float,
    shape: tuple[int, int],
) -> Tensor:
    """Straight tracks of even brightness with a Gaussian cross-section.

    Args:
        y, x: [track] where they begin, pixels.
        angle: [track] from +x towards +y, radians.
        length: [track] px, positive.
        flux: [track] in the whole track, any unit.
        width: standard deviation across, px; from 0.5 on the pixels' sum is the flux within 1.5 %.
        shape: y and x pixels of the stamp.

    Returns:
        [track, y, x].

    Example:
        >>> one = torch.ones(1)
        >>> line = {"y": 8 * one, "x": 4 * one, "angle": one, "length": 8 * one}
        >>> track = segments(**line, flux=one, width=0.7, shape=(24, 24))
        >>> round(float(track.sum()), 2)
        1.0
    """
    column = torch.arange(shape[1]) - x[:, None, None]
    row = torch.arange(shape[0])[:, None] - y[:, None, None]
    sin, cos = angle.sin()[:, None, None], angle.cos()[:, None, None]
    along, across = column * cos + row * sin, row * cos - column * sin
    end, narrow = length[:, None, None], math.sqrt(2) * width
    lit = torch.erf(along / narrow) - torch.erf((along - end) / narrow)
    ridge = torch.exp(-((across / narrow) ** 2)) / (math.sqrt(math.pi) * narrow)
    return lit * ridge * (flux / (2 * length))[:, None, None]


def _painted(
    exposure: Exposure,
    survey: Survey,
    light: Tensor,
    plane: Tensor,
    corner: Tensor,
    found: Tensor,
    flag: Flag,
) -> Exposure:
    """Windows of light added to an exposure, masked where they are found.

    Args:
        light: [track, y, x].
        plane: [track] object times channels, plus channel.
        corner: [track, 2] y and x of the window's first pixel in the stamp.
        found: [track] bool.
    """
    channels, height, width = exposure.values.shape[1:]
    y = corner[:, 0, None, None] + torch.arange(light.shape[1])[:, None]
    x = corner[:, 1, None, None] + torch.arange(light.shape[2])
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    pixel = ((plane[:, None, None] * height + y) * width + x)[inside]
    values = exposure.values.flatten().index_add(0, pixel, light[inside].to(exposure.values))
    sigma = sky_variance(survey).sqrt()[plane % channels]
    matters = inside & (light > MATTERS * sigma[:, None, None])
    masked = torch.zeros(values.shape, dtype=torch.bool)
    masked[pixel[(matters & found[:, None, None])[inside]]] = True
    hit = torch.zeros(len(exposure.flags), dtype=torch.bool)
    hit[(plane // channels)[matters.flatten(1).any(1)]] = True
    shape = exposure.values.shape
    return exposure.spoiled(values.view(shape), masked.view(shape), flag, hit)


def _between(uniform: Tensor, ends: tuple[float, float]) -> Tensor:
    """Log-uniform numbers from uniform ones."""
    return ends[0] * (ends[1] / ends[0]) ** uniform


def _check(name: str, ends: tuple[float, float]) -> None:
    if not 0 < ends[0] <= ends[1] < math.inf:
        raise ValueError(f"{name} is {ends}; expected positive numbers, the smaller first")


def _check_track(width: float, found: float) -> None:
    if not (0.5 <= width < math.inf and 0 <= found <= 1):
        raise ValueError(
            f"width {width} px, found {found}; expected a width from 0.5, which pixels "
            "still sample, and a share from 0 to 1"
        )
