"""Learnt: the objects that a weights file learnt from, opened or drawn again."""

import json
from pathlib import Path

from deepfield.data.opened import open_images
from deepfield.nouns.source import Source
from deepfield.weights.files import Card
from deepfield.weights.named import recipe_module

MOCK = "the mock sky"


def learnt_from(weights: Path, card: Card) -> Source:
    """The source whose training part a network has seen.

    Args:
        weights: the file; run.json beside it says what the run's images were.
        card: of the file.

    Raises:
        ValueError: it learnt from images, and there is no run.json, or they cannot be opened.
    """
    module = recipe_module(card.recipe)
    run = weights.parent / "run.json"
    settings = json.loads(run.read_text()) if run.exists() else {}
    if settings.get("images") is None:
        if card.data != MOCK:
            raise ValueError(
                f"{weights} learnt from {card.data}, and no run.json beside it says where they "
                "are: keep the file in its run directory"
            )
        return module.mock(objects={**module.MOCK_OBJECTS, "train": card.objects}, seed=card.seed)
    return open_images(
        Path(settings["images"]),
        None if settings["labels"] is None else Path(settings["labels"]),
        size=module.SIZE,
        target=settings["target"],
        extent=settings["extent"],
        fold=settings["fold"],
        folds=settings["folds"],
        grid=card.grid,
    )
