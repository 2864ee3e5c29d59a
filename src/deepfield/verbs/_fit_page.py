"""Fit page: the catalogue of fits, and the page that shows them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from astropy.table import QTable

from deepfield.data.calibrated import Calibrated
from deepfield.data.labelled import LabelledImages
from deepfield.nouns.batch import Batch
from deepfield.nouns.catalogue import catalogue
from deepfield.nouns.flags import Flag
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction
from deepfield.report.fits import FitPicture, fit_wall
from deepfield.report.parts import Figure, Highlight, Part, Table, Text

SHOWN, LISTED = 12, 100


def fit_table(
    source: Calibrated,
    posteriors: Sequence[Posterior],
    columns: Sequence[dict[str, Any]],
    files: Sequence[str],
) -> QTable:
    """The catalogue.

    Args:
        source: the objects.
        posteriors, columns: of chunk after chunk.
        files: name of each object's FITS file.
    """
    every: dict[str, Any] = {}
    for name in dict.fromkeys(name for one in columns for name in one):
        every[name] = np.concatenate(
            [one.get(name, np.full(len(one["flags"]), np.nan)) for one in columns]
        )
    whole = Batch(
        ids=source.ids,
        values=torch.empty(len(source), 0),
        channels=source.channels,
        flags=torch.from_numpy(every.pop("flags")),
    )
    known = None if source.images.table is None else QTable(source.images.table)
    table = catalogue(whole, Prediction({"posterior": Posterior.join(posteriors)}), known=known)
    says = {
        "reduced_chi_square": "chi-square over pixels less parameters",
        "iterations": "sets of derivatives, from all starts",
        "converged": "no step lowers chi-square by 0.1",
        "neighbours": "sources other than the central one, masked",
        "masked": "share of the stamp's pixels left out",
    }
    for name, values in every.items():
        table[name] = values
        table[name].info.description = says.get(name, "")
        if name in ("ra", "dec"):
            table[name].unit = "deg"
            table[name].info.description = "ICRS, of the fitted centre"
        elif name.startswith("sky_"):
            table[name].unit = "nJy"
            table[name].info.description = "level fitted, a pixel of the stamp"
    table["file"] = [f"fits/{name}.fits" for name in files]
    return table


def fit_parts(
    table: QTable, pictures: Sequence[tuple[float, FitPicture]], stamps: LabelledImages
) -> list[Part]:
    """The parts of the page.

    Args:
        table: the catalogue.
        pictures: reduced chi-square and picture of objects with a fit.
        stamps: how the images were cut.
    """
    chi_square = np.asarray(table["reduced_chi_square"], float)
    good = np.asarray(table["converged"], bool)
    flags = np.asarray(table["flags"])
    large = int(((flags & int(Flag.TOO_LARGE)) > 0).sum())
    shrunk = stamps.extent / stamps.size
    known = chi_square[np.isfinite(chi_square)]
    parts: list[Part] = [
        Highlight(
            f"{int(good.sum()):,} of {len(table):,} fits converged"
            + (f"; median reduced chi-square {np.median(known):.2f}. " if len(known) else ". ")
            + f"{large} objects are larger than their stamps."
        ),
        Text(
            f"The central {stamps.extent:g} px of each image were fitted"
            + (f", as {stamps.size} px of {shrunk:.2f} px each. " if shrunk != 1 else ". ")
            + "Errors are those of the noise alone: where the reduced chi-square is above 1, a "
            "galaxy is not of this model's kind, and the truth may lie farther away."
        ),
    ]
    if pictures:
        ordered = sorted(pictures, key=lambda pair: pair[0])
        places = np.unique(np.linspace(0, len(ordered) - 1, SHOWN).astype(int))
        parts.append(
            Figure(
                fit_wall([ordered[i][1] for i in places]),
                "From the best fit to the worst. Residuals over noise, blue where the model is "
                "too faint; grey pixels were left out.",
                title="Image, model, residual",
            )
        )
    names = [n for n in table.colnames if f"{n}_lower68" in table.colnames]
    names = [n for n in names if n.split("_")[0] not in ("x", "y")]
    shown = ["object_id", *names, "reduced_chi_square", "converged", "flags"]
    cells = [
        [Flag.describe(int(row[n])) if n == "flags" else _cell(row[n]) for n in shown]
        for row in table[:LISTED]
    ]
    parts.append(
        Table(shown, cells, title="The catalogue", caption=f"The first {len(cells)} objects.")
    )
    return parts


def _cell(value: Any) -> Any:
    plain = value.value if hasattr(value, "unit") else value
    return plain.item() if hasattr(plain, "item") else plain
