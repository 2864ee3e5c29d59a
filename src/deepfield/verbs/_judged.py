"""Explanations judged: every attribution method of a classifier, on objects that it gets right."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from deepfield.data.subset import Subset
from deepfield.evaluate.attribution import (
    SHUFFLED,
    UNTRAINED,
    Examined,
    Method,
    default,
    judge,
    pointed,
)
from deepfield.evaluate.compare import NET, Comparison
from deepfield.evaluate.evidence import companions, distinct, support
from deepfield.evaluate.statistics import question, visible
from deepfield.explain.coarse_methods import COARSE, Explain
from deepfield.explain.methods import Setting
from deepfield.explain.sanity import cascade
from deepfield.explain.smooth_galaxy import smooth_galaxy
from deepfield.explain.target import answer, log_odds
from deepfield.nouns.batch import Batch
from deepfield.nouns.prediction import Classes
from deepfield.nouns.source import Source
from deepfield.report.evidence import evidence_parts
from deepfield.report.explanation import Explained
from deepfield.report.noise import channel_sigma
from deepfield.report.parts import Part
from deepfield.scores.known import hard_labels
from deepfield.train.trained import Trained
from deepfield.verbs.explain import last_convolution

EACH = 40
"""objects of a class that are examined"""
COMPANION = "companion"


@dataclass(frozen=True)
class Judged:
    """Scores of every method, and what the report shows.

    Args:
        content: for scores.json: ``explain`` by method, ``explain_controls`` of maps that ask no
            network, ``explain_default`` the method to show, ``explain_objects``.
        parts: of the report.
    """

    content: dict[str, Any]
    parts: list[Part]


def judged(
    trained: Trained, comparison: Comparison, module: ModuleType, source: Source, *, seed: int
) -> Judged:
    """Judge the attribution methods on the objects of a comparison.

    On the mock sky: on those whose feature can be seen, and against the maps of the truth.

    Args:
        trained: the network.
        comparison: what it and its rivals said of the objects.
        module: of the recipe; its ``EVIDENCE`` names the part of the sky for each class.
        source: of the objects, with the maps of the truth if there are some.
        seed: of the shuffles.

    Raises:
        ValueError: the answers are no classification, or the network is right about nothing.
    """
    said = question(comparison.predictions[NET], comparison.truth)
    if said is None:
        raise ValueError("--explain needs one classification of known truth; this has none")
    parts = getattr(module, "EVIDENCE", {})
    examined = _examined(comparison, said, source, parts)
    net, name = trained.net, said.quantity.name
    layer = last_convolution(net)

    def asks(explain: Explain) -> Method:
        def method(other: nn.Module, batch: Batch, what: str) -> Tensor:
            # A probability near 1 has no slope; its log-odds have.
            target = log_odds(other, trained.task, name, what, size=trained.size)
            return explain(target, batch, Setting(other, layer), False).whole

        return method

    def probability(batch: Batch, what: str) -> Tensor:
        return answer(net, trained.task, name, what)(batch)

    with Console().status("judging explanations") as status:
        scores = judge(
            {method: asks(explain) for method, explain in COARSE.items()},
            net,
            examined,
            probability=probability,
            blank=smooth_galaxy(examined.batch.values),
            forgetful=_forgetful(net, seed),
            seed=seed,
            step=lambda method: status.update(f"judging explanations: {method}"),
        )
    controls = {
        control: found
        for control, maps in _controls(examined.batch).items()
        if (found := pointed(maps, examined))
    }
    best = default(scores)
    content = {
        "explain": scores,
        "explain_controls": controls,
        "explain_default": best,
        "explain_objects": len(examined.asked),
    }
    panel = _panel(trained, comparison, said, COARSE[best], layer)
    channels = comparison.batch.channels
    return Judged(content, evidence_parts(content, panel, channels))


def _examined(
    comparison: Comparison, said: Classes, source: Source, parts: Mapping[str, str]
) -> Examined:
    """The first objects of each class that the network is right about, and their evidence."""
    names = said.quantity.classes
    labels = hard_labels(comparison.truth[said.quantity.name])
    right = said.probabilities.argmax(1).numpy() == labels
    seen = visible(comparison.truth)
    maps = _maps(source)
    if seen is not None:
        right &= seen.numpy()
    # Without truth maps every class can be asked; with them, those that have a part.
    asked = [name for name in names if not maps or name in parts]
    chosen = np.concatenate(
        [np.flatnonzero(right & (labels == names.index(name)))[:EACH] for name in asked]
    )
    classes = tuple(names[k] for k in labels[chosen])
    if not maps:
        return Examined(comparison.batch.take(torch.from_numpy(chosen)), classes)
    rows = {one: row for row, one in enumerate(source.ids)}
    ids = comparison.batch.ids[chosen]
    batch = source.take(torch.tensor([rows[one] for one in ids], dtype=torch.long), 0)
    truth = batch.truth
    assert truth is not None
    part = torch.stack([truth[parts[name]][i] for i, name in enumerate(classes)])
    middle = batch.values.shape[1] // 2
    light = batch.values[:, middle].nan_to_num()
    sigma = channel_sigma(batch)
    beside = None
    if COMPANION in truth and sigma is not None:
        noise = torch.from_numpy(sigma[:, middle]).float()[:, None, None]
        beside = companions(truth[COMPANION], light, noise)
    return Examined(
        batch,
        classes,
        support=support(part),
        distinct=distinct(part, light),
        companions=beside,
        parts=tuple(parts[name] for name in classes),
    )


def _maps(source: Source) -> tuple[str, ...]:
    """Names of the maps that the source's truth holds."""
    inner = source.source if isinstance(source, Subset) else source
    return tuple(getattr(inner, "maps", ()))


def _forgetful(net: nn.Module, seed: int) -> dict[str, nn.Module]:
    """The network with a quarter, half, three quarters and all of its layers shuffled; and anew.

    A network trained on shuffled labels would be the data randomisation of Adebayo+18; one that
    was never trained stands in for it.
    """
    levels = [other for _, other in cascade(net, seed=seed)]
    found = {
        f"{share}": levels[max(0, round(share / 100 * len(levels)) - 1)] for share in (25, 50, 75)
    }
    untrained = deepcopy(net)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in untrained.modules():
            reset: Callable[[], None] | None = getattr(module, "reset_parameters", None)
            if reset is not None:
                reset()
    return {**found, SHUFFLED: levels[-1], UNTRAINED: untrained}


def _controls(batch: Batch) -> dict[str, Tensor]:
    """Maps that ask no network: what a method must beat."""
    light = batch.values.nan_to_num().sum(1)
    height, width = light.shape[1:]
    y = torch.arange(height) - (height - 1) / 2
    x = torch.arange(width) - (width - 1) / 2
    middle = -(y[:, None] ** 2 + x**2)
    return {"middle_of_the_stamp": middle.expand_as(light), "brightness": light}


def _panel(
    trained: Trained, comparison: Comparison, said: Classes, explain: Explain, layer: str
) -> dict[str, list[Explained]]:
    """Of each class the objects that the network is surest and least sure of."""
    name, names = said.quantity.name, said.quantity.classes
    best = said.probabilities.max(1)
    sure = best.values
    groups = [(best.indices == number).nonzero()[:, 0] for number in range(len(names))]
    groups = [rows for rows in groups if len(rows)]
    shown = {
        "surest of each class": torch.stack([rows[sure[rows].argmax()] for rows in groups]),
        "least sure of each class": torch.stack([rows[sure[rows].argmin()] for rows in groups]),
    }
    truth = hard_labels(comparison.truth[name])
    panel: dict[str, list[Explained]] = {}
    for title, rows in shown.items():
        panel[title] = []
        for row in rows.tolist():
            one = comparison.batch.take(torch.tensor([row]))
            what = names[int(said.probabilities[row].argmax())]
            target = log_odds(trained.net, trained.task, name, what, size=trained.size)
            found = explain(target, one, Setting(trained.net, layer), True)
            sigma = channel_sigma(one)
            true = names[truth[row]] if truth[row] >= 0 else "not known"
            panel[title].append(
                Explained(
                    name=str(one.ids[0]),
                    said=f"{what} {float(sure[row]):.2f}, true: {true}",
                    image=one.values[0].numpy(),
                    sigma=None if sigma is None else sigma[0],
                    evidence=found.whole[0].numpy(),
                    by_band=None if found.by_band is None else found.by_band[0].numpy(),
                )
            )
    return panel
