"""evaluate: a trained recipe beside its rivals, on objects that neither has seen."""

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from astropy.table import Table
from rich.console import Console

from deepfield.data.opened import open_images
from deepfield.data.subset import Subset
from deepfield.data.tables import write_table
from deepfield.evaluate.challenge import challenge, challenged
from deepfield.evaluate.compare import NET, compare
from deepfield.evaluate.scores_json import scores_json
from deepfield.nouns.contracts import Predictor
from deepfield.nouns.source import Source
from deepfield.report.page import write_page
from deepfield.report.parts import Part
from deepfield.verbs._classified import classified
from deepfield.verbs._judged import judged
from deepfield.verbs._measured import measured
from deepfield.verbs._otherwise import otherwise
from deepfield.verbs._voted import voted
from deepfield.verbs.train import write_json
from deepfield.weights.files import Card, load, shipped
from deepfield.weights.named import recipe_module


@dataclass(frozen=True)
class Objects:
    """What is learnt from and what is judged on, never the same."""

    learn: Source
    judge: Source
    said: str
    mock: bool = False
    mapped: Source | None = None

    @property
    def examine(self) -> Source:
        """The judged objects, with maps of where the evidence lies if these are known."""
        return self.judge if self.mapped is None else self.mapped


def evaluate(
    recipe: str,
    *,
    out: Path,
    run: Path | None = None,
    images: Path | None = None,
    labels: Path | None = None,
    objects: int = 4000,
    seed: int = 1,
    explain: bool = False,
) -> dict[str, Any]:
    """Compare a trained recipe with its classical rivals on the same objects.

    The rivals learn from the network's own training split. Objects that the run trained on are
    left out, and counted.

    Args:
        recipe: its name; `deepfield recipes` lists them.
        out: folder for scores.json, predictions.parquet and report.html.
        run: a run directory of `deepfield train`; left out, the shipped weights.
        images: judge on these instead of the run's held-out objects (or the mock sky's),
        labels: with these labels.
        objects: of the mock sky, when it is what is judged on.
        seed: of the mock sky that is judged on; it never meets the training's.
        explain: judge the attribution methods too, on objects that the network gets right: do
            their maps lie on the arms, bars and clumps of the mock sky, does the answer go when
            what they mark is removed, do they change when the weights are shuffled? Minutes.

    Returns:
        the content of scores.json.
    """
    console = Console()
    module = recipe_module(recipe)
    path = run / "model.safetensors" if run is not None else shipped(recipe)
    if path is None or not path.exists():
        raise ValueError(f"no weights at {path or recipe}; run `deepfield train {recipe}` first")
    trained, card = load(path)
    found = _objects(module, card, run, images, labels, objects, seed)
    built = getattr(module, recipe)(found.learn, **card.settings)
    out.mkdir(parents=True, exist_ok=True)
    methods: dict[str, Predictor] = {NET: trained}
    methods |= {name: make(trained) for name, make in built.corrections.items()}
    for name, make in built.rivals.items():
        began = time.perf_counter()
        try:
            with console.status(f"fitting {name} to the network's training objects"):
                methods[name] = make().fit(found.learn)
        except ModuleNotFoundError as error:  # an optional rival, such as one under the GPL
            console.print(f"{name} is left out: {error}")
            continue
        console.print(f"fitted {name} in {time.perf_counter() - began:.0f} s")
    comparison = compare(methods, built.task, found.judge, name=recipe, seed=seed)
    views = {name: view(found.judge) for name, view in built.challenges.items()}
    others = challenge(comparison, methods, built.task, views)
    comparison = challenged(comparison, others)
    weights = hashlib.sha256(path.read_bytes()).hexdigest()
    # Claims are about the mock sky; on other objects they are not checked.
    claims = built.claims if found.mock else ()
    shown = judged(trained, comparison, module, found.examine, seed=seed) if explain else None
    scores = scores_json(
        comparison, claims=claims, weights=weights, explain=shown.content if shown else None
    )
    learnt = card.objects
    judgements = [
        judgement
        for judge in (classified, measured, voted)
        if (judgement := judge(comparison, scores, said=found.said, training_objects=learnt))
    ]
    write_json(out / "scores.json", scores)
    answers = Table({"object_id": comparison.batch.ids})
    parts: list[Part] = []
    for judgement in judgements:
        answers.update(judgement.answers)
        # Where there are several, claims and what was measured on are said once.
        parts += [part for part in judgement.parts if part not in parts]
        console.print(judgement.sentence)
    write_table(answers, out / "predictions.parquet")
    parts += otherwise(others, scores)
    parts += shown.parts if shown else []
    title = f"{recipe}: the network beside its rivals"
    write_page(out / "report.html", title, parts, subtitle=found.said)
    console.print(f"wrote {out / 'scores.json'} and {out / 'report.html'}", soft_wrap=True)
    return scores


def _objects(
    module: ModuleType,
    card: Card,
    run: Path | None,
    images: Path | None,
    labels: Path | None,
    objects: int,
    seed: int,
) -> Objects:
    settings = {} if run is None else json.loads((run / "run.json").read_text())
    if settings.get("images") is None:
        counts = {**module.MOCK_OBJECTS, "train": card.objects}
        learn = module.mock(objects=counts, seed=card.seed)
    else:
        learn = open_images(
            Path(settings["images"]),
            None if settings["labels"] is None else Path(settings["labels"]),
            size=module.SIZE,
            target=settings["target"],
            extent=settings["extent"],
            fold=settings["fold"],
            folds=settings["folds"],
            grid=card.grid,
        )
    if images is not None:
        everything = open_images(
            images,
            labels,
            size=module.SIZE,
            target=settings.get("target"),
            classes=tuple(card.quantity["classes"]) or None,
            extent=settings.get("extent"),
            grid=card.grid,
        )
        split = settings.get("split", {})
        seen = np.isin(everything.ids, [*split.get("train", []), *split.get("validation", [])])
        said = (
            f"{int((~seen).sum()):,} labelled objects of {images}; {int(seen.sum()):,} more that "
            "the run trained on or stopped by are left out."
        )
        return Objects(learn, Subset(everything, np.flatnonzero(~seen)), said)
    if settings.get("images") is None:
        judge = module.mock(objects={"test": objects}, seed=seed).part("test")
        said = (
            f"{objects:,} objects of the mock sky, seed {seed}, test split; network and rivals "
            f"learnt from its training split, seed {card.seed}."
        )
        mapped = None
        if evidence := getattr(module, "EVIDENCE", None):
            maps = (*dict.fromkeys(evidence.values()), "companion")
            mapped = module.mock(objects={"test": objects}, seed=seed, maps=maps).part("test")
        return Objects(learn, judge, said, mock=True, mapped=mapped)
    judge = learn.part("test")
    said = (
        f"{len(judge):,} objects of {settings['images']} that the run held out: fold "
        f"{settings['fold']} of {settings['folds']}, by a hash of the id."
    )
    return Objects(learn, judge, said)
