"""export: a network as a file of its own, and the fastest way to run it here."""

import hashlib
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from math import isnan
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from deepfield.deploy.backends import BACKENDS
from deepfield.deploy.deployed import TRUNK, trunk_input
from deepfield.deploy.export import Alone, Tensors, exported, opened, write
from deepfield.deploy.fastest import BOUND, Choice, fastest
from deepfield.nouns.batch import Batch
from deepfield.train.trained import Trained
from deepfield.verbs.train import write_json
from deepfield.weights.files import Card, load, shipped
from deepfield.weights.learnt import MOCK, learnt_from
from deepfield.weights.named import recipe_module

LIBRARIES = ("torch", "onnx", "onnxruntime", "openvino")
SUFFIXES = (".onnx", ".pt2")


def export(
    recipe: str,
    *,
    out: Path,
    weights: Path | None = None,
    objects: int = 256,
    seed: int = 1,
) -> Choice:
    """Write a recipe's network as ONNX or PyTorch program, and try what runs it fastest.

    Beside the file comes a card, FILE.json: what goes in and out, how exactly the file gives the
    network's numbers, and the trial of the backends. Where the whole network has no graph that
    could be exported, the file holds its trunk, and the card says so.

    Args:
        recipe: its name; `deepfield recipes` lists them.
        out: the file: .onnx runs anywhere, .pt2 in PyTorch of the same version.
        weights: a model.safetensors of `deepfield train`; left out, those shipped.
        objects: held-out objects of the trial.
        seed: of the trial's mock objects.

    Returns:
        the choice: its ``deployed`` is a predictor on the fastest backend.

    Raises:
        ValueError: another suffix, no weights, or weights of another recipe.
    """
    if out.suffix not in SUFFIXES:
        raise ValueError(
            f"cannot export to {out.name}; expected a name that ends {' or '.join(SUFFIXES)}"
        )
    module = recipe_module(recipe)
    path = weights or shipped(recipe)
    if path is None:
        raise ValueError(f"no weights are shipped for {recipe}; train, then give --weights")
    trained, card = load(path)
    if card.recipe != recipe:
        raise ValueError(f"{path} holds weights of {card.recipe}, not of {recipe}")
    if card.data == MOCK:
        source = module.mock(objects={"test": objects}, seed=seed).part("test")
    else:
        source = learnt_from(path, card).part("test")
    batch = source.take(torch.arange(min(objects, len(source))), 0)
    file = _file(trained, batch, out)
    choice = fastest(trained, batch, backends=BACKENDS)
    console = Console()
    console.print(_table(choice))
    console.print(
        f"{choice.backend} is {choice.ratio:.1f} times faster than the network as it was trained; "
        f"the answers of 99 % of {len(batch)} objects change by less than {BOUND} of their errors"
    )
    said = {
        "recipe": recipe,
        "weights": hashlib.sha256(path.read_bytes()).hexdigest(),
        "commit": card.commit,
        **file,
        **_asked(card),
        "trial": {
            "objects": len(batch),
            "seed": seed,
            "bound": BOUND,
            "backend": choice.backend,
            "ratio": choice.ratio,
            "batch_size": choice.batch_size,
            "threads": choice.threads,
            "trials": [
                {k: None if isinstance(v, float) and isnan(v) else v for k, v in asdict(t).items()}
                for t in choice.trials
            ],
        },
        "versions": _versions(),
        "processor": platform.processor() or platform.machine(),
    }
    write_json(out.with_suffix(".json"), said)
    console.print(f"wrote {out} and {out.with_suffix('.json')}", soft_wrap=True)
    return choice


def _file(trained: Trained, batch: Batch, out: Path) -> dict[str, Any]:
    """Write the file, run it, and say what it holds."""
    holds, note = "network", ""
    whole = Tensors(trained.net.eval(), batch)
    inputs = whole.inputs(batch)
    try:
        program = exported(whole, {name: x[:4] for name, x in inputs.items()})
        with torch.no_grad():
            expected = whole(**inputs)
    except ValueError as error:
        holds, note = TRUNK, str(error)
        trunk = Alone(trained.net.get_submodule(TRUNK)).eval()
        inputs = {"x": trunk_input(trained, batch)}
        program = exported(trunk, {"x": inputs["x"][:4]})
        with torch.no_grad():
            expected = {"output": trunk(inputs["x"])}
    write(program, out, tuple(expected))
    try:
        change = _change(opened(out)(inputs), list(expected.values()))
    except ImportError as error:
        change, note = None, f"{note} not run here: {error}".strip()
    return {
        "file": out.name,
        "holds": holds,
        "note": note,
        "inputs": {name: ["object", *x.shape[1:]] for name, x in inputs.items()},
        "outputs": {name: ["object", *x.shape[1:]] for name, x in expected.items()},
        "largest_change_of_outputs": change,
    }


def _change(found: list[Tensor], expected: list[Tensor]) -> float:
    """Largest difference of any output, over the standard deviation of that output."""
    pairs = zip(found, expected, strict=True)
    return max(
        float((a - b).abs().nan_to_num().max() / b.nan_to_num().std().clamp(min=1e-12))
        for a, b in pairs
    )


def _asked(card: Card) -> dict[str, Any]:
    return {"channels": list(card.channels), "quantities": [dict(q) for q in card.quantities]}


def _table(choice: Choice) -> Table:
    table = Table("backend", "ms an object", "change of answers", "largest", "")
    for trial in choice.trials:
        numbers = (f"{trial.milliseconds:.3f}", f"{trial.change:.1e}", f"{trial.largest:.1e}")
        shown = ["" if said == "nan" else said for said in numbers]
        note = "fastest" if trial.backend == choice.backend else trial.note
        table.add_row(trial.backend, *shown, note)
    return table


def _versions() -> dict[str, str]:
    found = {}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
