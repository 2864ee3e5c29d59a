"""Morphometry: a galaxy's structure in about a hundred classical numbers, many at a time."""

import torch
from torch import Tensor

from deepfield.nouns.batch import Batch
from deepfield.rivals import colours, modes, residuals
from deepfield.rivals.apertures import Ellipse, centroids, moments, offsets, profile
from deepfield.rivals.asymmetry import asymmetry, shape_asymmetry, symmetric_centre
from deepfield.rivals.light import gini, m20, smoothness
from deepfield.rivals.segments import central, petrosian_segment
from deepfield.rivals.stamps import Stamps, prepare

CHUNK = 64
"""Objects measured together: few enough to stay in the processor's cache."""

SHAPE_NAMES = (
    "concentration",
    "asymmetry",
    "smoothness",
    "gini",
    "m20",
    "axis_ratio",
    "outer_axis_ratio",
    "axis_twist",
    "radius_half",
    "radius_petrosian",
    "concentration_inner",
    "concentration_outer",
    "flux",
    "snr",
    "surface_brightness",
    "shape_asymmetry",
    "outer_asymmetry",
    "offset",
    "neighbour_light",
    "filling",
)
NAMES = (*SHAPE_NAMES, *modes.NAMES, *residuals.NAMES)
"""Features of the summed image; ``names`` adds the colours."""


def names(channels: tuple[str, ...]) -> tuple[str, ...]:
    """Names of all features of images with these channels.

    Example:
        >>> names(("r",)) == NAMES, len(names(("g", "r"))) - len(NAMES)
        (True, 3)
    """
    return NAMES + colours.names(channels)


def features(batch: Batch) -> Tensor:
    """Classical structure of every object, in pixels and units of the sky noise.

    Concentration, asymmetry, smoothness, Gini and M20 as in Conselice 2003, Lotz, Primack &
    Madau 2004 and Rodriguez-Gomez et al. 2019 (statmorph), on the inverse-variance weighted sum
    of the channels, neighbours set to zero; then shape, size and light, Fourier modes, residuals
    and, with more than one channel, colours.

    Args:
        batch: images [object, channel, y, x].

    Returns:
        [object, feature] float32 on the CPU in the order of ``names(batch.channels)``; rows of
        NaN for objects without pixels.

    Example:
        >>> import numpy as np
        >>> y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
        >>> disc = 100 * torch.exp(-torch.hypot((y - 15.5) / 0.5, x - 15.5) / 4)
        >>> batch = Batch(np.array(["a"]), disc[None, None], ("r",), variance=torch.ones(1))
        >>> ratio = features(batch)[0, NAMES.index("axis_ratio")]
        >>> 0.45 < float(ratio) < 0.6
        True
    """
    stamps = prepare(batch)
    parts = []
    for start in range(0, len(stamps), CHUNK):
        rows = slice(start, start + CHUNK)
        chunk = Stamps(
            stamps.image[rows],
            stamps.valid[rows],
            stamps.channels[rows],
            stamps.sigma[rows],
            stamps.measured[rows],
        )
        parts.append(_measure(chunk))
    found = torch.cat(parts) if parts else torch.zeros(0, len(names(batch.channels)))
    return found.masked_fill(~stamps.measured[:, None], torch.nan)


def _measure(stamps: Stamps) -> Tensor:
    segment, neighbours = central(stamps.image)
    image = stamps.image.masked_fill(neighbours, 0)
    valid = stamps.valid & ~neighbours
    shape = (image.shape[-2], image.shape[-1])
    round_ = torch.ones(len(image))

    # A first centre and radius from the light of the segment, then those of the best symmetry.
    centroid = centroids(image.clamp_min(0) * segment)
    circle = torch.hypot(*offsets(centroid, shape))
    rough = profile(image, valid, circle, round_).petrosian()
    window = _aperture(circle, 1.5 * rough)
    reach = (0.25 * rough).clamp(2, min(shape) / 4 - 1)
    centre = symmetric_centre(image * window, centroid, reach)
    y, x = offsets(centre, shape)
    circle = torch.hypot(y, x)
    light = profile(image, valid, circle, round_)
    petrosian = light.petrosian()
    outer = 1.5 * petrosian

    ellipse, _ = moments(image.clamp_min(0) * segment, centre)
    ellipse = Ellipse(ellipse.axis_ratio.clamp_min(0.1), ellipse.angle)
    edge, _ = moments(segment.float(), centre)
    minor, major = ellipse.deproject(y, x)
    oval = torch.hypot(minor, major)
    oval_light = profile(image, valid, oval, ellipse.axis_ratio)
    oval_petrosian = oval_light.petrosian()
    half = oval_light.holding(0.5, 1.5 * oval_petrosian).clamp_min(0.7)
    body = petrosian_segment(image, valid, oval_petrosian, oval)

    aperture = _aperture(circle, outer)
    ring = aperture - _aperture(circle, 0.25 * petrosian)
    inner_disc = _aperture(oval, half)
    disc = _aperture(oval, 2.5 * half) * valid
    halo = (_aperture(circle, outer) - _aperture(circle, light.holding(0.5, outer))).clamp_min(0)
    radii = {f: light.holding(f / 100, outer).clamp_min(0.1) for f in (20, 50, 80, 90)}
    flux = oval_light.inside(1.5 * oval_petrosian)
    area = (disc > 0).sum((-1, -2)).clamp_min(1)
    found = torch.stack(
        [
            5 * (radii[80] / radii[20]).log10(),
            asymmetry(image, valid, centre, aperture),
            smoothness(image, ring, 0.25 * petrosian),
            gini(image, body),
            m20(image, body),
            ellipse.axis_ratio,
            edge.axis_ratio,
            (2 * (ellipse.angle - edge.angle)).cos(),
            half,
            petrosian,
            5 * (radii[50] / radii[20]).log10(),
            5 * (radii[90] / radii[50]).log10(),
            flux.clamp_min(1).log10(),
            (image * disc).sum((-1, -2)) / area.sqrt(),
            oval_light.inside(half) / (torch.pi * ellipse.axis_ratio * half.square()),
            shape_asymmetry(segment, centre),
            asymmetry(image, valid, centre, halo),
            (centroid - centre).norm(dim=1) / half,
            (stamps.image * neighbours * aperture).sum((-1, -2)) / flux.clamp_min(1),
            segment.sum((-1, -2)) / (torch.pi * (2 * half).square() * edge.axis_ratio),
        ],
        1,
    )
    # An edge-on disc is not stretched back to a circle: only its noise would grow.
    tilt = Ellipse(edge.axis_ratio.clamp_min(0.35), edge.angle)
    v, u = tilt.deproject(y, x)
    residual = (image - oval_light.at(oval)) * valid
    parts = [
        found,
        modes.measure(image, valid, v, u, half),
        residuals.measure(residual, image, disc, centre),
        colours.measure(
            stamps.channels,
            stamps.sigma,
            inner_disc * valid,
            (_aperture(oval, 2.5 * half) - inner_disc) * valid,
        ),
    ]
    return torch.cat(parts, 1).clamp(-1e6, 1e6)


def _aperture(radius: Tensor, limit: Tensor) -> Tensor:
    """[object, y, x] share of every pixel inside a radius."""
    return (limit[:, None, None] - radius + 0.5).clamp(0, 1)
