"""Data flow one way: who may import whom."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "deepfield"
EVERYTHING_ABOVE = {
    *("nouns", "losses", "scores", "nets", "render", "likelihood", "sky", "data", "tasks"),
    *("train", "rivals", "evaluate", "explain", "deploy", "catalogue", "report"),
}
MAY_IMPORT = {
    "nouns": set(),
    "losses": set(),
    "scores": set(),
    "nets": {"nouns"},
    "render": {"nouns"},
    "likelihood": {"nouns", "render"},
    "sky": {"nouns", "render"},
    # The simulator turns the sky into noisy batches, and needs the draws and noise of render.
    "data": {"nouns", "render", "sky"},
    "rivals": {"nouns", "likelihood"},
    "tasks": {"nouns", "losses", "scores", "nets"},
    "train": {"nouns", "losses", "tasks"},
    "evaluate": {"nouns", "scores"},
    "explain": {"nouns", "losses", "scores"},
    "deploy": {"nouns", "nets"},
    "catalogue": {"nouns", "data"},
    "report": {"nouns"},
    # A sky, a survey and a telescope put together: what a recipe learns from, or simulate writes.
    "mocks": {"nouns", "render", "sky", "data"},
    "recipes": EVERYTHING_ABOVE | {"mocks"},
    # A weights file is rebuilt from what its recipe needs to know of a source.
    "weights": {"nouns", "nets", "data", "train", "recipes"},
    "verbs": EVERYTHING_ABOVE | {"mocks", "recipes", "weights"},
}
FILES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> list[tuple[ast.stmt, str, bool]]:
    """Every import of ours: the statement, the dotted name, and whether it is in a function."""
    tree, found = ast.parse(path.read_text()), []
    top = set(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [node.module or ""]
            if node.module == "deepfield":
                names = [f"deepfield.{alias.name}" for alias in node.names]
        else:
            continue
        found += [(node, name, node not in top) for name in names]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_follow_the_table(path):
    folder = path.relative_to(PACKAGE).parts[0]
    for _, name, _ in imports(path):
        if name.split(".")[0] != "deepfield" or folder in ("__init__.py", "cli.py"):
            continue
        assert name != "deepfield", "nobody imports the package root"
        target = name.split(".")[1]
        assert target == folder or target in MAY_IMPORT[folder], f"{folder} imports {name}"


def test_the_door_imports_nothing_of_ours_but_the_version():
    ours = [name for _, name, _ in imports(PACKAGE / "cli.py") if name.startswith("deepfield")]
    assert ours == ["deepfield.__version__"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_import_hides_in_a_function(path):
    hidden = [ast.unparse(node) for node, _, inside in imports(path) if inside]
    assert not hidden


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_file_is_one_idea(path):
    assert len(path.read_text().splitlines()) <= 300
    assert path.stem not in {"utils", "common", "core", "base", "registry", "misc", "helpers"}


def test_every_folder_is_in_the_table():
    folders = {p.name for p in PACKAGE.iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert folders <= set(MAY_IMPORT)


def test_constraints_name_no_address():
    text = (PACKAGE.parent.parent / "constraints.txt").read_text()
    assert not [word for word in ("://", "file:", "+cpu", "+cu", "--") if word in text]
