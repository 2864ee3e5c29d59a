"""Structure of real galaxies: our fit beside published numbers, and one survey beside another.

``hst_cosmos_stamps``: HST F814W images at 0.03 arcsec per pixel. Their catalogue publishes
magnitudes and half-light radii as seen through the PSF (SExtractor); the Sersic and bulge + disc
fits that lie beside it are of other galaxies (the nearest is 82 arcsec away), so that shapes can
only be compared between methods. ``kids_sdss_pairs``: the same ten galaxies as KiDS and SDSS see
them; their own sigma images, masks and segments are used. KiDS has 0.2 arcsec per pixel. These
SDSS images have 0.339, not the camera's 0.396: separations of sources in both surveys say so to
1 %. Galaxies that are larger
than a stamp (64 px for HST, 128 px for the pairs) are rebinned by a whole number, which is said.

Errors of a fit are those of white noise. HST's is correlated by drizzling, and galaxies of a
signal-to-noise ratio of hundreds are no Sersic profiles: pulls are also given with the errors
times the square root of the reduced chi-square. Networks are asked too where their weights are
shipped. The last line is JSON.
"""

import argparse
import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import galsim
import numpy as np
import torch
from astropy.io import fits
from astropy.table import Table

from deepfield.data.arrays import from_arrays
from deepfield.data.calibrated import calibrated
from deepfield.data.stamps import resize
from deepfield.likelihood.galaxies import bulge_and_disc, one_sersic
from deepfield.likelihood.model import Model
from deepfield.nouns.batch import Batch
from deepfield.nouns.contracts import Predictor
from deepfield.rivals.batched_fit import BatchedBulgeDisc, BatchedSersic
from deepfield.scores.errors import scatter_of
from deepfield.weights.files import load, shipped

DATA = Path(os.environ.get("DEEPFIELD_DATA", "../shared/data"))
COSMOS = "real_galaxy_catalog_26_extension_example"
ACS_ZERO = 25.94  # AB magnitude of one count per second in F814W
HALF_STAR = 12
SIDE, SIDE_PAIRS = 64, 128
PULLS = ("magnitude", "log_radius", "sersic_index", "axis_ratio")


def stamp(
    image: np.ndarray,
    variance: np.ndarray,
    star: np.ndarray,
    *,
    name: str,
    scale: float,
    zero_point: float,
    side: int,
) -> Batch:
    """One galaxy in nJy on ``side`` px, rebinned by a whole number where it is larger.

    Args:
        image, variance: [y, x], sky subtracted; infinite = leave out.
        star: [y, x] image of the PSF.
        name: of the galaxy.
        scale: arcsec per pixel.
        zero_point: AB magnitude of one count.
        side: of the stamp, px.
    """
    factor = max(1, math.ceil(max(image.shape) / side))
    y, x = np.unravel_index(star.argmax(), star.shape)
    half = min(HALF_STAR * factor, y, x, star.shape[0] - 1 - y, star.shape[1] - 1 - x)
    star = star[y - half : y + half + 1, x - half : x + half + 1]
    extent = float(side * factor)
    read = from_arrays([image.astype(np.float32)], ids=[name], size=side, extent=extent)
    ready = calibrated(read, psf=star, pixel_scale=scale, zero_point=zero_point)
    # The images are sky subtracted, better than a stamp that the galaxy fills can be.
    values = torch.from_numpy(np.where(np.isfinite(variance), image, np.nan).astype(np.float32))
    noise = torch.from_numpy(variance.astype(np.float32))
    cut, spread, _ = resize(values[None], noise[None], extent=extent, size=side)
    assert spread is not None
    return replace(
        ready.take(torch.tensor([0]), 0),
        values=cut.nan_to_num(0.0)[None] * ready.gain,
        variance=spread[None] * ready.gain**2,
        flags=torch.zeros(1, dtype=torch.int64),
    )


def cosmos(data: Path, count: int) -> tuple[list[Batch], Table]:
    """HST galaxies, and what their catalogues say."""
    galaxies = galsim.RealGalaxyCatalog(f"{COSMOS}.fits", dir=str(data))
    published = Table.read(data / f"{COSMOS}.fits")
    published["flux_radius"] = Table.read(data / f"{COSMOS}_fits.fits")["flux_radius"]
    batches = []
    for i in range(count):
        image = galaxies.getGalImage(i).array.astype(np.float64)
        batches.append(
            stamp(
                image,
                np.full(image.shape, published["NOISE_VARIANCE"][i]),
                galaxies.getPSFImage(i).array,
                name=str(published["IDENT"][i]),
                scale=0.03,
                zero_point=ACS_ZERO,
                side=SIDE,
            )
        )
    return batches, published[:count]


def pair(data: Path, survey: str, scale: float, side: int) -> list[Batch]:
    """The ten galaxies as one survey sees them."""
    batches = []
    for path in sorted((data / survey).glob("*fitim.fits")):
        image, sigma, mask, segments, star = (
            fits.getdata(str(path).replace("fitim", part)).astype(np.float64)
            for part in ("fitim", "sigma", "mskim", "segim", "psfim")
        )
        middle = segments[segments.shape[0] // 2, segments.shape[1] // 2]
        bad = (mask > 0) | ((segments > 0) & (segments != middle))
        variance = np.where(bad, np.inf, sigma**2)
        name = path.name.removesuffix("fitim.fits")
        batches.append(
            stamp(image, variance, star, name=name, scale=scale, zero_point=0.0, side=side)
        )
    return batches


def asked(predictor: Predictor, batches: Sequence[Batch]) -> dict[str, np.ndarray]:
    """Medians, and errors as ``<name>_error``, [object] each; log10 of radii."""
    rows = []
    for batch in batches:
        prediction = predictor.predict(batch)
        posterior = prediction["posterior"]
        middle, low, high = posterior.quantiles([0.5, 0.16, 0.84])[0].T.double().numpy()
        row = {}
        for i, name in enumerate(posterior.names):
            at = np.array([middle[i], low[i], high[i]])
            if name.startswith("radius"):
                name, at = f"log_{name}", np.log10(at)
            row |= {name: at[0], f"{name}_error": (at[2] - at[1]) / 2}
        if "reduced_chi_square" in prediction:
            row["chi_square"] = float(prediction["reduced_chi_square"].values[0])
        rows.append(row)
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def seen_radius(
    found: dict[str, np.ndarray], batches: Sequence[Batch], galaxies: Callable, indices: tuple
) -> np.ndarray:
    """[object] arcsec, of the circle that holds half of the fitted light behind the PSF."""
    radii = []
    for i, batch in enumerate(batches):
        values = {
            name.removeprefix("log_"): torch.tensor(
                [10 ** each[i] if name.startswith("log_") else each[i]], dtype=torch.float32
            )
            for name, each in found.items()
        }
        scale, size = batch.survey.pixel_scale, batch.values.shape[-1]
        if not math.isfinite(float(values["magnitude"])):
            radii.append(math.nan)
            continue
        model = Model(size, indices)
        image = model.images(model.parameters(galaxies(values, scale, size)), batch.psf)[
            0, 0
        ].double()
        axis = torch.arange(size, dtype=torch.float64)
        distance = torch.hypot(axis[:, None] - values["y"], axis - values["x"]).flatten()
        order = distance.argsort()
        growth = image.flatten()[order].cumsum(0) / 10 ** (0.4 * (31.4 - values["magnitude"]))
        place = int((growth < 0.5).sum())
        radii.append(float(distance[order][min(place, len(order) - 1)]) * scale)
    return np.array(radii)


def compared(name: str, difference: np.ndarray) -> dict[str, float]:
    """Print and return median offset, scatter and how many."""
    good = difference[np.isfinite(difference)]
    spread = float(scatter_of(difference)(np.ones((1, len(difference))))[0])
    print(f"  {name:44} offset {np.median(good):+.3f}  scatter {spread:.3f}  of {len(good)}")
    return {f"{name} offset": float(np.median(good)), f"{name} scatter": spread}


def predictors() -> dict[str, tuple[Predictor, Callable, tuple]]:
    """The fits, and the networks whose weights are shipped."""
    found: dict[str, tuple[Predictor, Callable, tuple]] = {
        "fit sersic": (BatchedSersic(), one_sersic, (None,)),
        "fit bulge_disc": (BatchedBulgeDisc(), bulge_and_disc, (None, 1.0)),
    }
    for recipe, galaxies, indices in (
        ("sersic", one_sersic, (None,)),
        ("structure", bulge_and_disc, (None, 1.0)),
    ):
        if (path := shipped(recipe)) is None:
            print(f"no weights of {recipe} are shipped: that network is not asked")
        else:
            found[f"net {recipe}"] = (load(path)[0], galaxies, indices)
    return found


def cosmos_rows(data: Path, count: int, methods: dict) -> dict[str, float]:
    """Tables of the HST galaxies."""
    batches, published = cosmos(data, count)
    rebinned = sum(batch.survey.pixel_scale > 0.031 for batch in batches)
    print(f"hst_cosmos_stamps: {len(batches)} galaxies, {rebinned} rebinned to {SIDE} px")
    scores: dict[str, float] = {"cosmos objects": len(batches), "cosmos rebinned": rebinned}
    answers = {}
    for name, (predictor, galaxies, indices) in methods.items():
        found = answers[name] = asked(predictor, batches)
        radius = seen_radius(found, batches, galaxies, indices)
        seen = 0.03 * np.asarray(published["flux_radius"])
        scores |= compared(
            f"{name}: magnitude - published", found["magnitude"] - np.asarray(published["MAG"])
        )
        scores |= compared(f"{name}: log10 r50 - published", np.log10(radius / seen))
        if "chi_square" in found:
            print(f"  {name}: median reduced chi-square {np.nanmedian(found['chi_square']):.2f}")
    one = answers["fit sersic"]
    if "net sersic" in answers:
        for quantity in PULLS:
            difference = answers["net sersic"][quantity] - one[quantity]
            scores |= compared(f"net - fit sersic: {quantity}", difference)
    return scores


def pair_rows(data: Path, methods: dict) -> dict[str, float]:
    """Pulls between the surveys."""
    scores: dict[str, float] = {}
    for name, (predictor, _, indices) in methods.items():
        side = SIDE_PAIRS if name.startswith("fit") else SIDE
        surveys = {"kids": 0.2, "sdss": 0.339}
        batches = {survey: pair(data, survey, scale, side) for survey, scale in surveys.items()}
        kids, sdss = (asked(predictor, each) for each in batches.values())
        scales = {
            s: sorted({round(b.survey.pixel_scale, 3) for b in e}) for s, e in batches.items()
        }
        print(f"kids_sdss_pairs, {name}: {side} px of {scales} arcsec after rebinning")
        shared = PULLS if len(indices) == 1 else ("magnitude", "bulge_to_total", "log_radius_disc")
        for quantity in shared:
            difference = kids[quantity] - sdss[quantity]
            scores |= compared(f"{name}: {quantity}, KiDS - SDSS", difference)
            width = np.hypot(kids[f"{quantity}_error"], sdss[f"{quantity}_error"])
            pulls = {"pulls": difference / width}
            if "chi_square" in kids:
                grown = [
                    each[f"{quantity}_error"] * np.sqrt(np.maximum(each["chi_square"], 1))
                    for each in (kids, sdss)
                ]
                pulls["pulls, errors x chi"] = difference / np.hypot(*grown)
            for kind, values in pulls.items():
                scores |= compared(f"{name}: {quantity}, {kind}", values)
    return scores


def main() -> None:
    """Print tables and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--objects", type=int, default=100, help="HST galaxies, at most 100")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if not given.data.is_dir():
        print(json.dumps({"name": "real_structure", "skipped": f"no data at {given.data}"}))
        return
    methods = predictors()
    scores = cosmos_rows(given.data / "hst_cosmos_stamps", given.objects, methods)
    scores |= pair_rows(given.data / "kids_sdss_pairs", methods)
    rounded = {key: float(f"{value:.4g}") for key, value in scores.items()}
    print(json.dumps({"name": "real_structure", **rounded}))


if __name__ == "__main__":
    main()
