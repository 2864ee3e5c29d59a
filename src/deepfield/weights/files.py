"""Weights files: a trained recipe as safetensors, with a card of what it is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from deepfield.data.blank import Blank
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.recipe import Recipe
from deepfield.train.checkpoint import load_weights, save_weights
from deepfield.train.trained import Trained
from deepfield.weights.named import recipe_module


@dataclass(frozen=True)
class Card:
    """What a weights file says of itself.

    Args:
        recipe: its name, and ``settings`` the arguments that it was built with.
        channels: bands it learnt from, and ``grid`` the axes after them.
        quantities: what it answers, as dicts.
        data: what it learnt from, in words; ``objects`` how many, ``seed`` of the split.
        commit: of the code.
        scores: on held-out objects, by method.
    """

    recipe: str
    settings: Mapping[str, Any]
    channels: tuple[str, ...]
    quantities: tuple[Mapping[str, Any], ...]
    data: str
    objects: int
    seed: int
    commit: str
    grid: tuple[str, ...] = ("y", "x")
    scores: Mapping[str, Any] = field(default_factory=dict)

    @property
    def quantity(self) -> Mapping[str, Any]:
        """The first of what it answers."""
        return self.quantities[0]


def shipped(recipe: str) -> Path | None:
    """Where the weights that come with the package are, if the recipe has some."""
    path = Path(__file__).parent / f"{recipe}.safetensors"
    return path if path.exists() else None


def predictor(recipe: Recipe, *, channels: tuple[str, ...], size: int) -> Trained:
    """A recipe's network and task as a predictor that can be fitted."""
    return Trained(recipe.net, recipe.task, recipe.training, channels, size, recipe.views)


def save(trained: Trained, card: Card, path: Path) -> None:
    """Write a weights file in one step: whole or not at all."""
    save_weights(path, trained.tensors(), asdict(card))


def load(path: Path) -> tuple[Trained, Card]:
    """Rebuild the predictor of a weights file.

    Raises:
        ValueError: not safetensors (nothing unpickles), not ours, or of an unknown recipe.
    """
    tensors, metadata = load_weights(path)
    try:
        named = Card(**metadata)
        card = replace(named, channels=tuple(named.channels), grid=tuple(named.grid))
        asked = [Quantity(**{**q, "classes": tuple(q["classes"])}) for q in card.quantities]
    except (TypeError, KeyError) as error:
        raise ValueError(
            f"{path} holds tensors but no Deepfield card ({error}); train with `deepfield train`"
        ) from None
    module = recipe_module(card.recipe)
    blank = Blank(card.channels, tuple(asked), card.grid)
    recipe = getattr(module, card.recipe)(blank, **card.settings)
    return predictor(recipe, channels=card.channels, size=module.SIZE).restore(tensors), card
