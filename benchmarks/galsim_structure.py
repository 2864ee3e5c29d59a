"""Galaxies of known structure drawn by GalSim: a renderer that is neither ours nor a rival's.

The priors of Tuccillo+18 (MNRAS 475, 894), stamps of 64 px, a Moffat PSF of 3 px (beta 3), white
noise, and a total signal-to-noise ratio, sqrt(sum(model^2)) / sigma, that holds for every galaxy
exactly. Sersic indices come in steps of 0.1, because GalSim tabulates a profile for each.
"""

from collections.abc import Callable
from functools import cache

import galsim
import numpy as np
import torch

from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.psf import Psf
from deepfield.nouns.survey import Band, Survey
from deepfield.sky.bulge_disc import BulgeDisc
from deepfield.sky.priors import Range
from deepfield.sky.single import Single

SIZE, FWHM, BETA, SCALE = 64, 3.0, 3.0, 0.06
HALF_KERNEL = 20
SIGMA = 3.0
"""nJy a pixel; only fluxes over it matter"""
PRIOR, PRIOR_SINGLE = BulgeDisc(), Single()
FINE = galsim.GSParams(maximum_fft_size=16384)
"""GalSim's own accuracy is 0.04 sigma of a galaxy of S/N 200; long thin ones need larger images"""
QUANTITIES = {q.name: q for q in (*Single.quantities, *BulgeDisc.quantities)}
Galaxy = tuple[galsim.GSObject, dict[str, float]]


def bulge_disc(count: int, *, signal_to_noise: float, seed: int) -> Batch:
    """Bulges in exponential discs.

    Args:
        count: of galaxies.
        signal_to_noise: of every galaxy.
        seed: of the galaxies and their noise; other signal-to-noise ratios are other galaxies.
    """
    return _batch(_bulge_in_disc, count, signal_to_noise, seed)


def single_sersic(count: int, *, signal_to_noise: float, seed: int) -> Batch:
    """Galaxies of one Sersic profile: see :func:`bulge_disc`."""
    return _batch(_one_profile, count, signal_to_noise, seed)


@cache
def survey() -> Survey:
    """The survey of the stamps; its depth says nothing, the batch's variance does."""
    band = Band("F160W", 1536.9, 25.946, 3200.0, 22.0, FWHM * SCALE, 2.5, "made up")
    return Survey("GalSim", (band,), SCALE)


@cache
def _seen() -> galsim.GSObject:
    return galsim.Moffat(beta=BETA, fwhm=FWHM, gsparams=FINE)


@cache
def kernel() -> Psf:
    """The PSF integrated over pixels, for all stamps."""
    side = 2 * HALF_KERNEL + 1
    image = _seen().drawImage(nx=side, ny=side, scale=1.0, method="auto").array
    values = torch.from_numpy(image.astype(np.float64))
    return Psf((values / values.sum()).float()[None, None])


def _batch(
    draw: Callable[[np.random.Generator], Galaxy], count: int, signal_to_noise: float, seed: int
) -> Batch:
    rng = np.random.default_rng([seed, round(100 * signal_to_noise)])
    images, rows = [], []
    for _ in range(count):
        galaxy, row = draw(rng)
        through = galsim.Convolve(galaxy, _seen())
        image = through.drawImage(nx=SIZE, ny=SIZE, scale=1.0).array.astype(np.float64)
        flux = signal_to_noise * SIGMA / np.sqrt(np.square(image).sum())
        row["magnitude"] = 31.4 - 2.5 * np.log10(flux)
        images.append(flux * image + rng.normal(0, SIGMA, image.shape))
        rows.append(row | {"signal_to_noise": signal_to_noise})
    truth = {
        QUANTITIES[name]: torch.tensor([row[name] for row in rows], dtype=torch.float32)
        for name in rows[0]
    }
    return Batch(
        np.array([f"{seed}-{signal_to_noise:g}-{i}" for i in range(count)]),
        torch.from_numpy(np.stack(images)).float()[:, None],
        survey().channels,
        variance=torch.full((count, 1, SIZE, SIZE), SIGMA**2),
        psf=kernel(),
        survey=survey(),
        truth=Truth(truth),
    )


def _bulge_in_disc(rng: np.random.Generator) -> Galaxy:
    share = rng.uniform(*PRIOR.bulge_to_total)
    radius, ratio, angle = {}, {}, {}
    for part, limits in (("bulge", PRIOR.log_radius_bulge), ("disc", PRIOR.log_radius_disc)):
        radius[part] = 10 ** rng.uniform(*limits)
        ratio[part] = 1 - rng.uniform(*PRIOR.ellipticity)
        angle[part] = rng.uniform(0, 180)
    index = {"bulge": _index(rng, PRIOR.sersic_index), "disc": 1.0}
    x, y = rng.uniform(*PRIOR.offset, 2)
    bulge, disc = (_profile(index[p], radius[p], ratio[p], angle[p]) for p in ("bulge", "disc"))
    row = {"bulge_to_total": share, "sersic_index_bulge": index["bulge"], **_centre(x, y)}
    for part in ("bulge", "disc"):
        row |= {
            f"radius_{part}": radius[part] * SCALE,
            f"axis_ratio_{part}": ratio[part],
            f"position_angle_{part}": angle[part],
        }
    return (share * bulge + (1 - share) * disc).shift(x, y), row


def _one_profile(rng: np.random.Generator) -> Galaxy:
    prior = PRIOR_SINGLE
    index, radius = _index(rng, prior.sersic_index), 10 ** rng.uniform(*prior.log_radius)
    ratio, angle = 1 - rng.uniform(*prior.ellipticity), rng.uniform(0, 180)
    x, y = rng.uniform(*prior.offset, 2)
    row = {"radius": radius * SCALE, "sersic_index": index, "axis_ratio": ratio}
    row |= {"position_angle": angle, **_centre(x, y)}
    return _profile(index, radius, ratio, angle).shift(x, y), row


def _index(rng: np.random.Generator, limits: Range) -> float:
    return round(rng.uniform(*limits), 1)


def _centre(x: float, y: float) -> dict[str, float]:
    return {"x": (SIZE - 1) / 2 + x, "y": (SIZE - 1) / 2 + y}


def _profile(index: float, radius: float, ratio: float, angle: float) -> galsim.GSObject:
    """Of unit flux; radius along the major axis, px; degrees from +y towards -x."""
    circular = radius * np.sqrt(ratio)
    galaxy = galsim.Sersic(index, half_light_radius=circular, gsparams=FINE)
    return galaxy.shear(q=ratio, beta=(90 + angle) * galsim.degrees)
