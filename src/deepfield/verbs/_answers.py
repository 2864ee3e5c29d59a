"""Answers explained: where in each image the evidence for an answer lies."""

import numpy as np
import torch
from astropy.table import Row, Table
from astropy.wcs import WCS
from rich.progress import track
from torch import Tensor

from deepfield.data.map_files import MapImage, file_names
from deepfield.explain.methods import METHODS, Evidence, Setting
from deepfield.explain.shares import by_band
from deepfield.explain.target import Target, log_odds
from deepfield.explain.target import answer as answer_of
from deepfield.nouns.catalogue import UNUSUAL
from deepfield.nouns.flags import Flag
from deepfield.report.explanation import LEGEND, Explained, explanation_parts
from deepfield.report.noise import channel_sigma
from deepfield.report.parts import Highlight, Part, Text
from deepfield.scores.known import hard_labels
from deepfield.train.nearest import Nearest, nearest
from deepfield.verbs._looked import Looked
from deepfield.weights.learnt import learnt_from

SHOWN = 24
"""objects on the page; all have maps and a row"""
EXAMPLES = 5
TOGETHER = 4
"""objects between two steps of the progress bar"""


def explained(looked: Looked, method: str) -> tuple[Table, list[Part]]:
    """A row an object, map files, and the page.

    Args:
        looked: the objects and what is asked of them.
        method: name of an attribution method.
    """
    asked = looked.asked()
    evidence = _evidence(looked, method, asked)
    unit = "log-odds" if looked.classes else looked.answer
    if METHODS[method].per_flux:
        unit += " per unit of flux"
    table = _table(looked, method, asked, evidence, unit)
    return table, _page(looked, method, asked, evidence, unit, table)


def _evidence(looked: Looked, method: str, asked: list[str]) -> Evidence:
    """Of all objects; NaN where one has no pixels, and where a method tells no bands apart."""
    batch = looked.batch
    whole = torch.full_like(batch.values[:, 0], torch.nan)
    apart = torch.full_like(batch.values, torch.nan)
    setting = Setting(looked.trained.net, looked.layer, looked.window)
    wanted = np.array(asked)
    rows = looked.measured
    parts = [
        (what, some)
        for what in dict.fromkeys(asked)
        for some in rows[torch.from_numpy(wanted[rows.numpy()] == what)].split(TOGETHER)
        if len(some)
    ]
    told = True
    for what, some in track(parts, method.replace("_", " "), disable=len(parts) < 2):
        found = METHODS[method].explain(_target(looked, what), batch.take(some), setting)
        whole[some] = found.whole.to(whole)
        told = told and found.by_band is not None
        if found.by_band is not None:
            apart[some] = found.by_band.to(apart)
    return Evidence(whole, apart if told else None)


def _target(looked: Looked, what: str) -> Target:
    trained = looked.trained
    # A probability near 1 has no slope; its log-odds have.
    kind = log_odds if looked.classes else answer_of
    return kind(trained.net, trained.task, looked.answer, what, size=trained.size)


def _table(looked: Looked, method: str, asked: list[str], evidence: Evidence, unit: str) -> Table:
    batch, count = looked.batch, len(looked.batch)
    given = looked.prediction[looked.answer]
    value = torch.stack([given.scalar(what)[i] for i, what in enumerate(asked)]).numpy()
    measured = set(looked.measured.tolist())
    shares = np.full((count, len(batch.channels)), np.nan)
    if evidence.by_band is not None:
        shares = by_band(evidence.by_band).numpy()
    peaks = np.full((count, 4), np.nan)
    files = [""] * count
    names = file_names([str(one) for one in batch.ids])
    for number in sorted(measured):
        wcs = looked.wcs(number)
        peaks[number] = _peak(evidence.whole[number], wcs)
        maps = [MapImage("EVIDENCE", evidence.whole[number].numpy(), unit, wcs=wcs)]
        if evidence.by_band is not None:
            apart = evidence.by_band[number].numpy()
            maps.append(MapImage("BY_BAND", apart, unit, batch.channels, wcs))
        says = {"METHOD": method, "ANSWER": looked.answer, "WHAT": asked[number]}
        files[number] = f"maps/{names[number]}.fits"
        looked.write(
            looked.out / files[number], number, maps, {**says, "VALUE": float(value[number])}
        )
    table = Table({"object_id": np.asarray(batch.ids, dtype=str)})
    table["answer"] = [looked.answer] * count
    table["what"] = [what if number in measured else "" for number, what in enumerate(asked)]
    table["value"] = value
    for number, channel in enumerate(batch.channels):
        table[f"share_{channel}"] = shares[:, number].round(4)
    for number, name in enumerate(("peak_x", "peak_y", "peak_ra", "peak_dec")):
        table[name] = peaks[:, number]
    answers = looked.prediction.columns()
    if "out_of_domain" in answers.colnames:
        table["out_of_domain"] = answers["out_of_domain"]
    table["flags"] = looked.flags.numpy()
    table["map"] = files
    return table


def _peak(evidence: Tensor, wcs: WCS | None) -> tuple[float, float, float, float]:
    """Where the evidence is strongest: x and y of the stamp, right ascension and declination."""
    y, x = np.unravel_index(int(evidence.argmax()), evidence.shape)
    sky = (np.nan, np.nan) if wcs is None else wcs.all_pix2world(x, y, 0)
    return float(x), float(y), float(sky[0]), float(sky[1])


def _page(
    looked: Looked, method: str, asked: list[str], evidence: Evidence, unit: str, table: Table
) -> list[Part]:
    shown = looked.measured[:SHOWN]
    lost = len(looked.batch) - len(looked.measured)
    parts: list[Part] = [
        Highlight(
            f"Each pixel shows {METHODS[method].shows}. In {unit}, of the stamp as it lies; the "
            "probabilities are those of `predict`."
        ),
        Text(LEGEND),
    ]
    if lost:
        parts.append(Text(f"{lost} objects have no pixels to explain; see flags in the table."))
    if not len(shown):
        return parts
    near, said = _nearest(looked, shown)
    parts.append(Text(said, title="The training examples beside each object"))
    batch = looked.batch.take(shown)
    sigma = channel_sigma(batch)
    objects = []
    for place, number in enumerate(shown.tolist()):
        apart = evidence.by_band
        value = float(table["value"][number])
        objects.append(
            Explained(
                name=str(batch.ids[place]),
                said=f"{asked[number]} {value:.2f}",
                image=looked.drawn(batch.values[place], number),
                sigma=None if sigma is None else sigma[place],
                evidence=looked.drawn(evidence.whole[number], number),
                by_band=None if apart is None else looked.drawn(apart[number], number),
                examples=[] if near is None else _images(looked, near, place),
                captions=[] if near is None else _captions(looked, near, place),
                note=_note(table[number]),
            )
        )
    return parts + list(explanation_parts(objects, batch.channels, unit=unit))


def _note(row: Row) -> str:
    said = f"Strongest at x = {row['peak_x']:.0f}, y = {row['peak_y']:.0f} of the stamp"
    if np.isfinite(row["peak_ra"]):
        said += f", {row['peak_ra']:.5f} {row['peak_dec']:+.5f} deg"
    if "out_of_domain" in row.colnames and row["out_of_domain"] > UNUSUAL:
        said += "; out of domain: unlike the training data"
    flags = Flag.describe(int(row["flags"])).replace("_", " ")
    return f"{said}; {flags}." if flags else f"{said}."


def _nearest(looked: Looked, shown: Tensor) -> tuple[Nearest | None, str]:
    """The nearest training examples, and what is to be said of them."""
    try:
        learnt = learnt_from(looked.weights, looked.card)
        found = nearest(looked.trained, learnt, looked.batch.take(shown), EXAMPLES)
    except ValueError as error:
        return None, f"They cannot be shown: {error}."
    said = (
        f"Nearest of {found.searched:,} in the features that the domain is measured in, with "
        "their true class and distance: 0 is the same direction of features, 1.41 unrelated."
    )
    if not found.same:
        said += (
            " What these weights learnt from is no longer drawn in the same way: these are "
            "others, of the present mock sky or files."
        )
    return found, said


def _images(looked: Looked, near: Nearest, place: int) -> list[np.ndarray]:
    rows = near.rows[place]
    examples = Looked(**{**vars(looked), "batch": near.examples})
    return [examples.drawn(near.examples.values[row], int(row)) for row in rows]


def _captions(looked: Looked, near: Nearest, place: int) -> list[str]:
    truth, distances = near.examples.truth, near.distance[place].tolist()
    if truth is None or looked.answer not in truth or not looked.classes:
        return [f"{distance:.2f}" for distance in distances]
    labels = hard_labels(truth[looked.answer])[near.rows[place].numpy()]
    names = [*truth.quantity(looked.answer).classes, "not known"]
    return [f"{names[k]}\n{d:.2f}" for k, d in zip(labels, distances, strict=True)]
