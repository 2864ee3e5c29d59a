"""demo: a real Hubble image to a catalogue and a page, in a minute or two."""

import time
from pathlib import Path

import numpy as np
from astropy.table import QTable
from rich.console import Console
from skimage.data import hubble_deep_field

from deepfield.catalogue.cutouts import cutouts
from deepfield.catalogue.detect import detect
from deepfield.data.tables import write_table
from deepfield.nouns.catalogue import UNUSUAL, catalogue
from deepfield.nouns.flags import Flag
from deepfield.report.counts import number_counts
from deepfield.report.domain import domain_histogram
from deepfield.report.field import field_with_detections
from deepfield.report.page import write_page
from deepfield.report.parts import Figure, Highlight, Part, Table, Text
from deepfield.report.stamps import stamp_wall
from deepfield.verbs.predict import provenance
from deepfield.weights.files import load, shipped

RECIPE = "morphology"
PER_KIND = 12
MAGNIFICATION = 2.5
"""the picture's stars are about 1.3 px wide, SDSS's 3.3 px"""
CANNOT_KNOW = (
    "This picture is a JPEG. Its flux scale is not known, so magnitudes are instrumental "
    "(-2.5 log10 of summed 8-bit values, zero point 0), and its stretch is not linear, so counts "
    "do not have the slope of the sky. Its PSF and noise are not known either: the noise is "
    "estimated from each stamp's sky, and no size here is corrected for the PSF. The channels are "
    "F450W, F606W and F814W, where the network learnt on SDSS g, r and i.\n\n"
    "The network learnt on a mock sky of SDSS galaxies. It knows no stars, no mergers and no "
    "high-redshift galaxies; what it says of Hubble's is extrapolation, and how far is what the "
    "out-of-domain score measures. Use linear FITS images, and weights trained on your survey, "
    "for science."
)


def demo(*, out: Path = Path("out/demo")) -> QTable:
    """Classify the galaxies of the Hubble Deep Field and write a catalogue and a page.

    The image ships with scikit-image, the weights with this package: nothing is downloaded.

    Args:
        out: folder for catalogue.parquet, catalogue.fits and report.html.

    Returns:
        the catalogue.
    """
    console, began = Console(), time.perf_counter()
    weights = shipped(RECIPE)
    if weights is None:
        raise ValueError(f"no weights are shipped for {RECIPE}; run `deepfield train {RECIPE}`")
    trained, card = load(weights)
    # Rows run downwards in a JPEG; colours are stored red, green, blue.
    image = np.moveaxis(hubble_deep_field()[::-1, :, ::-1], -1, 0).astype(np.float32)
    channels = ("blue", "green", "red")
    with console.status("finding objects") as status:
        table, segments = detect(image.sum(0), threshold=4.0, minimum_area=12)
        console.print(f"found {len(table):,} objects in {image.shape[2]} x {image.shape[1]} px")
        status.update("cutting stamps, neighbours masked")
        batch = cutouts(
            image,
            channels,
            table,
            segments,
            magnification=MAGNIFICATION,
            flags=Flag.DISPLAY_IMAGE,
        )
        status.update("classifying")
        prediction = trained.predict(batch)
        found = catalogue(
            batch, prediction, known=table, provenance=provenance(weights, card, trained.task)
        )
        status.update("writing the catalogue and the page")
        out.mkdir(parents=True, exist_ok=True)
        for name in ("catalogue.parquet", "catalogue.fits"):
            write_table(found, out / name)
        write_page(
            out / "report.html",
            "The Hubble Deep Field, classified",
            _parts(image, batch.values.numpy(), found, card.quantity["classes"]),
            subtitle=f"{len(found):,} objects; weights {found.meta['weights'][:12]}",
        )
    console.print(f"done in {time.perf_counter() - began:.0f} s")
    for name in ("catalogue.parquet", "catalogue.fits", "report.html"):
        console.print(f"wrote {out / name}", soft_wrap=True, highlight=False)
    return found


def _parts(
    image: np.ndarray, stamps: np.ndarray, found: QTable, classes: tuple[str, ...]
) -> list[Part]:
    kinds = np.asarray(found["kind"])
    best = np.max([np.asarray(found[f"kind_{label}"]) for label in classes], 0)
    unusual = (np.asarray(found["flags"]) & int(Flag.OUT_OF_DOMAIN)) > 0
    flux = np.asarray(found["flux"])
    with np.errstate(invalid="ignore", divide="ignore"):
        magnitude = -2.5 * np.log10(np.where(flux > 0, flux, np.nan))
    in_domain = (~unusual).sum()
    walls = []
    for label in classes:
        rows = np.flatnonzero((kinds == label) & (np.asarray(found["radius"].value) > 2.5))
        # The brightest show what the class means; the surest would all look alike.
        rows = rows[np.argsort(magnitude[rows])][:PER_KIND]
        if len(rows):
            walls.append(
                Figure(
                    stamp_wall(
                        stamps[rows],
                        [f"{int(found['object_id'][i])}: {best[i]:.2f}" for i in rows],
                    ),
                    f"The brightest called {label.replace('_', '-')}: catalogue number and "
                    f"probability. {int((kinds == label).sum()):,} objects in all.",
                    title=label.replace("_", "-"),
                )
            )
    counts = Table(
        ["kind", "objects", "in domain", "median probability"],
        [
            [
                label,
                int((kinds == label).sum()),
                int(((kinds == label) & ~unusual).sum()),
                float(np.median(best[kinds == label])) if (kinds == label).any() else None,
            ]
            for label in classes
        ],
    )
    return [
        Highlight(
            f"{len(found):,} objects, {in_domain:,} of them like the training data; the others "
            "are flagged out_of_domain in the catalogue."
        ),
        counts,
        Figure(
            field_with_detections(
                image,
                x=found["x"].value,
                y=found["y"].value,
                semi_major=3 * found["semi_major"].value,
                semi_minor=3 * found["semi_minor"].value,
                position_angle=found["position_angle"].value,
                kinds=list(np.where(unusual, "", kinds)),
                classes=classes,
            ),
            "Every detection, coloured by its most probable kind; ellipses have three times the "
            "second-moment axes. Those drawn thin are out of domain: no class is claimed.",
            title="The field",
        ),
        *walls,
        Figure(
            number_counts(magnitude, list(kinds), classes, x="instrumental magnitude (mag)"),
            "Objects against instrumental magnitude, with Poisson errors.",
            title="Counts",
        ),
        Figure(
            domain_histogram(np.asarray(found["out_of_domain"]), threshold=UNUSUAL),
            "Share of held-out training-like objects that lie closer to the training data; "
            "1 is farther than all of them.",
            title="What is out of domain",
        ),
        Text(CANNOT_KNOW, title="What this picture cannot know"),
    ]
