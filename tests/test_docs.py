"""The README's and the pages' Python runs."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ("verbs", "mocks", "explain", "measure", "classical", "votes")
PAGES = ["README.md", *(f"docs/{page}.md" for page in DOCS)]


@pytest.mark.parametrize("page", PAGES)
def test_python_of_the_pages_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.S)
    assert blocks
    names: dict = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)
    if "demo" in blocks[-1]:
        for name in ("catalogue.parquet", "catalogue.fits", "report.html"):
            assert (tmp_path / "demo" / name).stat().st_size > 1000


def test_every_folder_of_the_readme_exists():
    tree = re.search(r"```\nsrc/deepfield/\n(.*?)tests/", (ROOT / "README.md").read_text(), re.S)
    named = set(re.findall(r"^  (\w+)/ ", tree[1], re.M))
    there = {p.name for p in (ROOT / "src/deepfield").iterdir() if p.is_dir()}
    assert named == there - {"__pycache__"}
