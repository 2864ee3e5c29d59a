"""Paired light: how the particles of one or two galaxies shine, in colour, through a PSF."""

import math
from dataclasses import dataclass, fields
from functools import cache

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.nouns.survey import Survey
from deepfield.render.pixels import convolve
from deepfield.sky.encounters import ALONE, MERGING, Views
from deepfield.sky.particles import LEVELS, blurred, deposit, mixed
from deepfield.sky.tracers import COPIES, DISC, HALF_LIGHT, bulge

MARGIN = 8
"""px around the stamp from which light is blurred into it"""
TORN = 1.5
"""distance from its own centre, over the farthest undisturbed one, where light is tidal"""
SEEN, MIXED, TIDAL = range(3)
"""what is painted of a galaxy"""
FAINTEST = 1e-20
"""a component without particles still needs a positive sum"""


@dataclass(frozen=True)
class Look:
    """How some objects are seen; the larger galaxy is first, lengths in pixels.

    Args:
        signal_to_noise: [object] of half the larger galaxy's light, if it were face-on.
        flux: [object] nJy of the larger galaxy in the middle band.
        radius: [object] half-light radius of its disc.
        x, y: [object] its centre, from the stamp's.
        turn: [object, 3, 3] from the orbit's frame to the observer's; z is the line of sight.
        bulge_to_total: [object, galaxy].
        bulge_radius: [object, galaxy] half-light radius in scale lengths of the disc.
        young: [object, galaxy] share of young stars in the disc's light.
        slope_old, slope_young: [object, galaxy] d ln flux / d ln wavelength.
    """

    signal_to_noise: Tensor
    flux: Tensor
    radius: Tensor
    x: Tensor
    y: Tensor
    turn: Tensor
    bulge_to_total: Tensor
    bulge_radius: Tensor
    young: Tensor
    slope_old: Tensor
    slope_young: Tensor

    def take(self, indices: Tensor | int) -> "Look":
        """Some of the objects, or one without the object axis."""
        return Look(**{f.name: getattr(self, f.name)[indices] for f in fields(self)})


def paint(views: Views, look: Look, *, view: int, side: int, finer: int, sets: int) -> np.ndarray:
    """Particles of one object on the grids of their blurs.

    Args:
        views: the two galaxies at all times.
        look: of this object alone, without the object axis.
        view: which of the views it is.
        side: of the grid, sub-pixels.
        finer: sub-pixels per pixel along an axis.
        sets: 2 paints what is seen and the same with mixed phases, 3 also what is tidal; the
            last two are empty without an encounter.

    Returns:
        [set, galaxy, old or young, level, side, side] float32; 1 is the larger galaxy's light.
    """
    turn = look.turn.numpy()[:2]
    zoom = float(look.radius) * finer / (HALF_LIGHT * views.scale[0])  # sub-pixels per kpc
    middle = (side - 1) / 2 + finer * np.array([float(look.x), float(look.y)])
    light = (1.0, views.mass_ratio)
    painted = np.zeros((sets, 2, 2, LEVELS, side, side), np.float32)
    for galaxy in range(1 if views.kind[view] == ALONE else 2):
        origin = middle if galaxy == 0 else middle + zoom * (turn @ views.apart[view])
        place, disc = views.place[view, galaxy], views.discs[galaxy]
        scale, stars, spread = views.scale[galaxy], *_bulge()
        share, size = float(look.bulge_to_total[galaxy]), float(look.bulge_radius[galaxy]) * scale
        # Twice the scale length is where half of the orbits are within.
        young = (float(look.young[galaxy]) * disc.guide / (2 * scale)).clip(0, 1)
        of_disc = np.stack([1 - young, young]) * ((1 - share) / place.shape[1])
        of_bulge = np.stack([np.ones_like(spread), np.zeros_like(spread)]) * share / len(spread)
        weight = light[galaxy] * np.concatenate([of_disc, of_bulge], 1)
        width = zoom * np.concatenate([disc.width, size * spread])
        ball = size * stars
        sheets = [(place, weight)]
        if views.kind[view] == MERGING:
            sheets.append((mixed(place, views.motion[view, galaxy], _phases()), weight))
            torn = np.linalg.norm(place, axis=0) > TORN * disc.apocentre
            sheets.append((place, weight * np.concatenate([torn, np.zeros_like(spread)])))
        for number, (sheet, weights) in enumerate(sheets[:sets]):
            x, y = origin[:, None] + zoom * (turn @ np.concatenate([sheet, ball], 1))
            painted[number, galaxy] = deposit(x, y, width, weights, side=side)
    return painted


def shine(painted: Tensor, look: Look, survey: Survey, *, size: int, psf: Psf) -> Tensor:
    """Images of what was painted, in nJy.

    Args:
        painted: [object, set, galaxy, old or young, level, y, x], as from :func:`paint`.
        look: of the objects.
        survey: its bands' wavelengths.
        size: side of the stamps, px.
        psf: shared, or one for each object.

    Returns:
        [object, set, galaxy, channel, y, x] nJy per pixel.
    """
    objects, sets, galaxies = painted.shape[:3]
    light = blurred(painted).flatten(0, 2) + FAINTEST
    wavelengths = torch.tensor([band.wavelength for band in survey.bands])
    relative = wavelengths / wavelengths[len(wavelengths) // 2]
    slope = torch.stack([look.slope_old, look.slope_young], 2)
    flux = look.flux[:, None, None, None] * relative ** slope[..., None]
    flux = flux[:, None].expand(-1, sets, -1, -1, -1).flatten(0, 2)
    if len(psf.kernel) > 1:
        psf = psf.take(torch.arange(objects).repeat_interleave(sets * galaxies))
    images = convolve(
        light,
        psf,
        flux * light.sum((-1, -2))[..., None],
        size=size,
        supersampling=psf.oversampling,
    )
    return images.unflatten(0, (objects, sets, galaxies))


@cache
def _bulge() -> tuple[np.ndarray, np.ndarray]:
    """Of unit size: a sphere looks the same in every object."""
    return bulge(1.0, np.zeros(3))


@cache
def _phases() -> np.ndarray:
    """Angles by which particles are turned: evenly spread, the same for all of one orbit."""
    golden = (math.sqrt(5) - 1) / 2 * np.arange(2 ** (DISC - COPIES))
    return np.repeat(2 * math.pi * (golden % 1), 2**COPIES)
