"""Recipes by name: a recipe is a file of that name with a function of that name."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from deepfield import recipes


def recipe_names() -> list[str]:
    """Names of all recipes.

    Example:
        >>> "morphology" in recipe_names()
        True
    """
    folder = Path(recipes.__file__).parent
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def recipe_module(name: str) -> ModuleType:
    """The recipe's file: its builder, ``mock``, ``QUESTION``, ``PAPER``, ``TARGET``, ``SIZE``.

    Raises:
        ValueError: there is no such recipe; the message lists those that there are.
    """
    if name not in recipe_names():
        raise ValueError(f"no recipe {name!r}; there is {', '.join(recipe_names())}")
    return import_module(f"deepfield.recipes.{name}")
