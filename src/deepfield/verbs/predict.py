"""predict: a catalogue of what each galaxy is."""

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from astropy.table import QTable
from rich.progress import track

from deepfield.data.tables import write_table, writer_of
from deepfield.deploy.fastest import BOUND, fastest
from deepfield.nouns.batch import Batch
from deepfield.nouns.catalogue import catalogue
from deepfield.nouns.contracts import Predictor, Task
from deepfield.nouns.flags import UNMEASURED
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction
from deepfield.tasks.density import POSTERIOR, Density
from deepfield.tasks.new_prior import Prior, read_priors, under
from deepfield.train.trained import Trained
from deepfield.verbs._read import Calibration, read
from deepfield.weights.files import Card, load, shipped
from deepfield.weights.named import recipe_module

CHUNK = 256
MANY = 20000
"""objects from which on the seconds of a trial of backends pay"""


def predict(
    recipe: str,
    *,
    images: Path,
    out: Path | None = None,
    labels: Path | None = None,
    weights: Path | None = None,
    extent: float | None = None,
    psf: Path | None = None,
    pixel_scale: float | None = None,
    zero_point: float | None = None,
    prior: Path | None = None,
) -> QTable:
    """Run a recipe's weights over images and write a catalogue.

    From Python, images may also be an array [object, channel, y, x], an NDData object, or a list
    of arrays, NDData objects or paths; labels a table whose file column names the images; psf an
    array, and prior a dictionary.

    Args:
        recipe: its name; `deepfield recipes` lists them.
        images: a folder or glob of FITS, JPEG or PNG files.
        out: the catalogue: .parquet, .fits or .csv.
        labels: a table of the objects, in whose order and with whose columns the catalogue comes.
        weights: a model.safetensors of `deepfield train`; left out, those shipped.
        extent: pixels of the image that go into a stamp; found from the images if left out.
        psf: a FITS image of a star; recipes that measure sizes and shapes need it.
        pixel_scale: arcsec per pixel, where the images have no WCS.
        zero_point: the AB magnitude of one count (31.4 for nJy, 22.5 for nanomaggies), which
            recipes that measure fluxes or redshifts need.
        prior: JSON of other priors than the training's, by quantity: low and high, or mean and
            deviation. Posteriors are reweighted.

    Returns:
        the catalogue: a row an object, with probabilities or posteriors, out_of_domain and
        flags. A file that cannot be read is a flagged row without numbers.

    Example:
        >>> stamps = np.random.default_rng(0).normal(size=(2, 3, 64, 64))
        >>> table = predict("morphology", images=stamps)  # doctest: +SKIP
    """
    recipe_module(recipe)
    if out is not None:
        writer_of(out)  # better refused before the work than after it
    path = weights or shipped(recipe)
    if path is None:
        raise ValueError(f"no weights are shipped for {recipe}; train, then give --weights")
    trained, card = load(path)
    if card.recipe != recipe:
        raise ValueError(f"{path} holds weights of {card.recipe}, not of {recipe}")
    priors = _priors(prior)
    calibration = Calibration(psf, pixel_scale, zero_point)
    source, known = read(
        images,
        labels,
        card,
        trained.task,
        size=trained.size,
        extent=extent,
        calibration=calibration,
    )
    began = time.perf_counter()
    parts: list[tuple[Batch, Prediction]] = []
    rows = torch.arange(len(source)).split(CHUNK)
    predictor: Predictor = trained
    for some in track(rows, recipe, disable=len(rows) < 2):
        batch = source.take(some, 0)
        if not parts and len(source) >= MANY:
            predictor = _fast(trained, batch)
        parts.append((batch, predictor.predict(batch)))
    whole = Batch(
        ids=np.concatenate([batch.ids for batch, _ in parts]),
        values=torch.empty(len(source), 0),
        channels=source.channels,
        flags=torch.cat([batch.flags for batch, _ in parts if batch.flags is not None]),
    )
    answers = _under(Prediction.join([some for _, some in parts]), trained.task, priors)
    table = catalogue(
        whole,
        answers,
        known=None if known is None else QTable(known),
        provenance=provenance(path, card, trained.task, priors),
    )
    lost = int(((np.asarray(table["flags"]) & int(UNMEASURED)) > 0).sum())
    print(
        f"{len(table)} objects in {time.perf_counter() - began:.1f} s"
        + (f"; {lost} could not be measured, see flags" if lost else "")
    )
    if out is not None:
        write_table(table, out)
        print(f"wrote {out}")
    return table


def _fast(trained: Trained, batch: Batch) -> Predictor:
    """On the backend that is fastest for these objects and leaves the answers as they are."""
    try:
        choice = fastest(trained, batch)
    except ValueError:  # a network in one piece: there is nothing for a backend to run
        return trained
    print(
        f"{choice.backend} runs the network, {choice.ratio:.1f} times faster than as it was "
        f"trained; 99 % of the answers change by less than {BOUND} of their errors"
    )
    return choice.deployed


def provenance(
    weights: Path, card: Card, task: Task, priors: Mapping[str, Prior] = MappingProxyType({})
) -> Mapping[str, Any]:
    """What a catalogue says of where its answers come from, and of what was taken for granted."""
    alike = {quantity.name: "as in the training data" for quantity in task.quantities}
    known = task.prior if isinstance(task, Density) else alike
    held = {**known, **{name: str(prior) for name, prior in priors.items()}}
    return {
        "recipe": card.recipe,
        "weights": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "training_data": card.data,
        "training_prior": "; ".join(f"{name}: {prior}" for name, prior in held.items()),
        "commit": card.commit,
    }


def _priors(given: Any) -> dict[str, Prior]:
    """Of a JSON file, or of a dictionary."""
    if given is None:
        return {}
    try:
        content = json.loads(Path(given).read_text()) if isinstance(given, str | Path) else given
    except (OSError, ValueError) as error:
        raise ValueError(f"{given} cannot be read as JSON ({error}); expected priors") from None
    return read_priors(content)


def _under(prediction: Prediction, task: Task, priors: Mapping[str, Prior]) -> Prediction:
    """The answers under other priors."""
    if not priors:
        return prediction
    if not isinstance(task, Density):
        raise ValueError("classes have no prior that can be exchanged; posteriors have")
    answer = prediction[POSTERIOR]
    assert isinstance(answer, Posterior)
    return Prediction({**prediction, POSTERIOR: under(answer, task, priors)})
