"""The map from the slides to the package is true: whatever it names exists."""

import ast
import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COLUMNS = ["slides", "idea", "symbol", "test", "figure", "tutorial"]
SLIDES = {"000", "001", "002", "003", "004"}


def table() -> list[list[str]]:
    """Cells of every row of the one table."""
    lines = (ROOT / "docs/slides.md").read_text().splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows]


ROWS = table()[2:]


def names(column: str, rows: list[list[str]]) -> list[str]:
    """What a column names, each once."""
    at = COLUMNS.index(column)
    return sorted({name for row in rows for name in re.findall(r"`([^`]+)`", row[at])})


@cache
def functions_of(path: Path) -> set[str]:
    return {node.name for node in ast.parse(path.read_text()).body if hasattr(node, "name")}


def test_it_is_one_table_without_a_blank():
    assert table()[0] == COLUMNS
    assert len(ROWS) >= 150
    for row in ROWS:
        assert len(row) == len(COLUMNS), row
        assert all(row), row


def test_every_slide_file_has_its_rows():
    each = [set(row[0].split(", ")) for row in ROWS]
    assert set().union(*each) == SLIDES
    for one in SLIDES:
        assert sum(one in files for files in each) >= 20


def test_every_idea_has_one_row():
    ideas = [row[1] for row in ROWS]
    assert len(set(ideas)) == len(ideas)


def test_what_has_no_name_says_why():
    for row in ROWS:
        for cell in row[2:]:
            assert re.match(r"`|not yet$|not built, because \w", cell), row
        # Whatever is there is tested.
        assert ("`" in row[2]) == ("`" in row[3]) or "because" in row[2], row


@pytest.mark.parametrize("name", names("symbol", ROWS) + [
    name for name in names("figure", ROWS) if name.startswith("deepfield.")
])  # fmt: skip
def test_every_symbol_can_be_imported(name):
    if name.startswith("benchmarks/"):  # an experiment is a script
        assert (ROOT / name).is_file()
        return
    module, symbol = name.rsplit(".", 1)
    assert callable(getattr(import_module(module), symbol))


@pytest.mark.parametrize("name", names("test", ROWS))
def test_every_test_exists(name):
    path, test = name.split("::")
    assert test in functions_of(ROOT / path)


def test_every_figure_and_tutorial_exists():
    files = names("tutorial", ROWS)
    files += [name for name in names("figure", ROWS) if not name.startswith("deepfield.")]
    assert not [name for name in files if not (ROOT / name).is_file()]


def test_every_tutorial_and_picture_is_in_the_table():
    named = set(names("tutorial", ROWS))
    there = {f"docs/tutorials/{path.name}" for path in (ROOT / "docs/tutorials").glob("plot_*.py")}
    assert named == there
