"""recipes: what there is."""

from rich.console import Console
from rich.table import Table

from deepfield.weights.files import shipped
from deepfield.weights.named import recipe_module, recipe_names


def recipes() -> list[dict[str, str]]:
    """List the recipes: question, paper, mock data, and whether weights are shipped.

    Returns:
        a row per recipe.
    """
    rows = []
    for name in recipe_names():
        module = recipe_module(name)
        row = {
            "recipe": name,
            "question": module.QUESTION,
            "paper": module.PAPER,
            "mock data": (module.mock.__doc__ or "").strip(),
            "weights": "shipped" if shipped(name) else "train first",
        }
        rows.append(row)
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*row.values())
    Console().print(table)
    return rows
