"""Real stamps of four surveys, and mock ones of the same with priors that can be tuned."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tunable_mocks import KINDS, Priors, Range, kinds, of_sigma, stamps, telescope

from deepfield.data.cutter import DISPLAY_SIGMA
from deepfield.data.display import Display
from deepfield.data.fits import read_fits
from deepfield.data.labelled import LabelledImages
from deepfield.data.noise import sky as sky_noise
from deepfield.data.simulated import Simulated
from deepfield.data.split import unit_hash
from deepfield.data.tables import read_table
from deepfield.nouns.batch import Batch
from deepfield.nouns.sky import Sky
from deepfield.render.field_psf import FieldPsf, PsfStack
from deepfield.render.psf_image import psf_from_image
from deepfield.render.telescope import Telescope
from deepfield.sky import surveys
from deepfield.sky.blends import Blends
from deepfield.sky.bulge_disc import BulgeDisc
from deepfield.sky.counts import Counts
from deepfield.sky.distant import Distant
from deepfield.sky.flux_limited import FluxLimited
from deepfield.sky.kinds import Kinds
from deepfield.sky.neighbours import Neighbours
from deepfield.sky.redshifts import Smail

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("DEEPFIELD_DATA", ROOT.parent / "shared" / "data"))
ISOLATED, HSC_SIZE, DRAWN = 12, 25, 37
"""px: an isolated peak has no other one as near, nor the edge of its file; mock stamps are drawn
larger and cut, so that a companion fits"""
JWST_SIZE, DES_SIZE, JPEG_SIZE = 80, 91, 64
JPEGS = 400
"""of the 807 pictures are used"""


@dataclass(frozen=True)
class Case:
    """Real stamps of one survey and how to draw mock ones.

    Args:
        name: of the data set.
        channels: of the stamps.
        ids: [object] of the real stamps.
        real: [object, channel, y, x], any unit that all channels share.
        default: mock stamps with the default priors, given their number and a seed.
        tuned: the same with these priors.
        ranges: lowest and highest of each prior in the search.
        least_sigma: of a channel's noise over its brightest pixel: that of a picture's levels.
    """

    name: str
    channels: tuple[str, ...]
    ids: np.ndarray
    real: Tensor
    default: Callable[[int, int], Tensor]
    tuned: Callable[[Priors, int, int], Tensor]
    ranges: Mapping[str, Range]
    least_sigma: float = 0.0


def hsc_blends() -> Case:
    """Isolated peaks in blends of HSC, g r i z y; magnitudes have the zero point 27."""
    survey, cuts, ids, psfs = surveys.hsc(), [], [], []
    half = HSC_SIZE // 2
    for file in sorted((DATA / "hsc_blends").glob("*.npz")):
        with np.load(file) as blend:
            image, peaks, psf = blend["images"], blend["peaks"], blend["psfs"]
        psfs.append(psf)
        for number, (x, y) in enumerate(peaks.round().astype(int)):
            apart = np.hypot(*(peaks - peaks[number]).T)
            margin = min(x, y, image.shape[2] - 1 - x, image.shape[1] - 1 - y)
            if margin >= half and np.sort(apart)[1] > ISOLATED:
                cuts.append(image[:, y - half : y + half + 1, x - half : x + half + 1])
                ids.append(f"{file.stem}-{number}")
    real = torch.from_numpy(np.stack(cuts)).float() * 10 ** (0.4 * (31.4 - 27))
    measured = of_sigma(survey, sky_noise(real)[1].median(0).values)
    stars = PsfStack(psf_from_image(np.stack(psfs)))

    def tuned(priors: Priors, count: int, seed: int) -> Tensor:
        near = Smail(scale=priors["redshift"])
        alone = Distant(
            FluxLimited(
                redshift=near,
                limit=priors["limit"],
                early=priors["early"],
                type_disc=(priors["type_disc"], 3.8),
                attenuation=(0.0, priors["attenuation"]),
            )
        )
        bright = replace(alone, population=replace(alone.population, limit=priors["limit"] - 2.5))
        pairs = Blends(alone, (ISOLATED, DRAWN / 2), (-priors["brighter"], 2.0))
        points = BulgeDisc(
            magnitude=(19.0, priors["limit"]),
            bulge_to_total=(1.0, 1.0),
            log_radius_bulge=(-2.0, -2.0),
            ellipticity=(0.0, 0.0),
            slope_bulge=(0.5, 4.0),
        )
        counts, seen = Counts(density=priors["neighbours"]), telescope(priors, stars)
        kinds_of = ((bright, "bright"), (pairs, "pairs"), (points, "stars"), (alone, "alone"))
        weight = np.array([priors[name] for _, name in kinds_of])
        ends = np.round(count * np.cumsum(weight) / weight.sum()).astype(int)
        parts = [
            stamps(
                measured,
                n,
                seed,
                DRAWN,
                Neighbours(sky, counts, priors["closest"]),
                telescope=seen,
            )
            for (sky, _), n in zip(kinds_of, np.diff(ends, prepend=0).tolist(), strict=True)
            if n
        ]
        edge = (DRAWN - HSC_SIZE) // 2
        return torch.cat(parts)[..., edge:-edge, edge:-edge]

    return Case(
        "hsc_blends",
        survey.channels,
        np.array(ids),
        real,
        lambda count, seed: stamps(survey, count, seed, HSC_SIZE, Neighbours(Distant())),
        tuned,
        {
            "limit": (23.0, 26.5),
            "redshift": (0.2, 0.7),
            "early": (0.1, 0.9),
            "type_disc": (0.5, 3.5),
            "attenuation": (0.0, 1.0),
            "alone": (0.1, 1.0),
            "bright": (0.0, 1.0),
            "pairs": (0.0, 1.0),
            "stars": (0.0, 0.5),
            "brighter": (-1.0, 4.0),
            "neighbours": (10.0, 300.0),
            "closest": (1.0, 3.5),
            "drop": (0.05, 1.0),
            "depth_scatter": (0.0, 0.3),
        },
    )


def jwst_stamps() -> Case:
    """Galaxies in NIRCam F444W at 0.06 arcsec/px; only stamps without missing pixels."""
    with np.load(DATA / "jwst_stamps" / "f444w.npz") as file:
        images, psfs = file["images"], file["psf"]
    first = (images.shape[-1] - JWST_SIZE) // 2
    middle = slice(first, first + JWST_SIZE)
    real = torch.from_numpy(images[:, None, middle, middle])
    whole = np.flatnonzero(real.isfinite().flatten(1).all(1))
    survey = replace(surveys.jwst().select(("F444W",)), pixel_scale=0.06)
    stars = PsfStack(psf_from_image(psfs[whole, None]))

    def tuned(priors: Priors, count: int, seed: int) -> Tensor:
        sky = kinds(priors)
        return stamps(survey, count, seed, JWST_SIZE, sky, telescope=telescope(priors, stars))

    return Case(
        "jwst_stamps",
        survey.channels,
        np.array([str(i) for i in whole]),
        real[whole],
        lambda count, seed: stamps(survey, count, seed, JWST_SIZE, Kinds()),
        tuned,
        {
            **KINDS,
            "faintest": (10.0, 600.0),
            "brightest": (1000.0, 20000.0),
            "smallest": (0.5, 4.0),
            "times": (1.0, 8.0),
            "neighbours": (20.0, 300.0),
            "drop": (0.05, 1.0),
            "depth_scatter": (0.0, 0.3),
        },
    )


def galaxy_zoo_votes() -> Case:
    """SDSS colour pictures of g, r, i, galaxies zoomed to much the same size, at 64 px."""
    rows = read_table(DATA / "galaxy_zoo_votes" / "votes.csv")
    rows = rows[np.argsort(unit_hash(rows["filepath"].astype(str), "pictures"))[:JPEGS]]
    files = [DATA / "galaxy_zoo_votes" / name for name in rows["filepath"]]
    source = LabelledImages.open(files, rows, size=JPEG_SIZE, target="derived_label")
    survey = surveys.sdss()

    def taken(sky: Sky, seen: Telescope, count: int, seed: int) -> Batch:
        drawn = Simulated(survey, {"test": count}, seed, JPEG_SIZE, sky, seen, split="test")
        return drawn.take(torch.arange(count), epoch=0)

    def shown(batch: Batch, display: Display, seed: int) -> Tensor:
        return display(batch, torch.Generator().manual_seed(seed)).values

    def tuned(priors: Priors, count: int, seed: int) -> Tensor:
        # A zoom that makes galaxies alike makes the PSF's width differ from stamp to stamp.
        seen = telescope(priors, FieldPsf(seeing=priors["seeing"]))
        batch = taken(kinds(priors), seen, count, seed)
        # A picture is black below a level that cuts the noise of the sky but not that of the
        # galaxy, and its colours have weights of their own: the display divides by the noise.
        sigma = batch.variance.amin((2, 3), keepdim=True).sqrt()
        white = torch.tensor([priors["blue"], 1.0, priors["red"]])[:, None, None]
        values = (batch.values - priors["black"] * sigma).clamp(min=0) * white
        softest = priors["softening"]
        display = Display(1.0, (0.3, priors["blur"]), (softest, 4 * softest))
        return shown(replace(batch, values=values), display, seed)

    return Case(
        "galaxy_zoo_votes",
        source.channels,
        source.ids,
        source.take(torch.arange(len(source)), 0).values,
        lambda count, seed: shown(taken(Kinds(), Telescope(), count, seed), Display(1.0), seed),
        tuned,
        {
            **KINDS,
            "faintest": (10.0, 200.0),
            "brightest": (200.0, 3000.0),
            "smallest": (0.8, 3.0),
            "times": (1.0, 3.0),
            "neighbours": (10.0, 150.0),
            "blue": (0.4, 1.0),
            "red": (0.8, 1.8),
            "black": (-0.5, 1.5),
            "seeing": (0.02, 0.5),
            "blur": (0.4, 1.2),
            "softening": (0.5, 20.0),
            "drop": (0.05, 1.0),
            "depth_scatter": (0.0, 0.5),
        },
        least_sigma=DISPLAY_SIGMA / 255,
    )


def des_backgrounds() -> Case:
    """DES in g, r, i, z, Y: 46 pieces of sky, each around a red galaxy."""
    cubes = [read_fits(DATA / "des_backgrounds" / f"{band}.fits")[0] for band in "grizY"]
    real, survey = torch.from_numpy(np.stack(cubes, 1)).float(), surveys.des()

    def tuned(priors: Priors, count: int, seed: int) -> Tensor:
        deep = tuple(replace(b, exposure=b.exposure * priors["exposure"]) for b in survey.bands)
        galaxy = BulgeDisc(
            magnitude=(priors["magnitude"], priors["magnitude"] + 2),
            log_radius_bulge=(0.2, 0.8),
            log_radius_disc=(0.5, 1.1),
            slope_bulge=(priors["slope"], priors["slope"] + 1),
            slope_disc=(priors["slope"] - 1, priors["slope"]),
        )
        counts = Counts(density=priors["neighbours"], slope=priors["counts_slope"])
        sky, seen = Neighbours(galaxy, counts), telescope(priors, FieldPsf())
        return stamps(replace(survey, bands=deep), count, seed, DES_SIZE, sky, telescope=seen)

    nothing = BulgeDisc(magnitude=(30.0, 30.0))
    return Case(
        "des_backgrounds",
        survey.channels,
        np.array([str(i) for i in range(len(real))]),
        real,
        lambda count, seed: stamps(
            survey, count, seed, DES_SIZE, Neighbours(nothing, closest=0.0)
        ),
        tuned,
        {
            "magnitude": (17.0, 20.5),
            "slope": (1.5, 4.5),
            "exposure": (0.1, 1.2),
            "neighbours": (15.0, 150.0),
            "counts_slope": (0.2, 0.4),
            "drop": (0.05, 1.0),
            "depth_scatter": (0.0, 0.3),
        },
    )


CASES = (hsc_blends, jwst_stamps, galaxy_zoo_votes, des_backgrounds)
