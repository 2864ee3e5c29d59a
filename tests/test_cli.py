"""The door: help without PyTorch, and errors in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from deepfield import cli


def run(*words):
    return subprocess.run(
        [sys.executable, "-m", "deepfield.cli", *words], capture_output=True, text=True
    )


def test_help_lists_every_verb_with_its_first_line():
    text = cli.overview()
    for verb in cli.names("verbs"):
        assert cli.read("verbs", verb).summary in text


@pytest.mark.parametrize("verb", cli.names("verbs"))
def test_help_of_a_verb_loads_no_torch(verb, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["deepfield", verb, "morphology", "--help"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    assert cli.read("verbs", verb).summary.split()[0] in capsys.readouterr().out
    code = "import sys, deepfield.cli; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_every_argument_of_every_verb_and_recipe_is_described():
    for folder in ("verbs", "recipes", "mocks"):
        for name in cli.names(folder):
            for argument, annotated, _ in cli.read(folder, name).fields:
                assert annotated.__metadata__[-1].help, f"{folder}/{name}: {argument}"


def test_a_recipe_adds_its_settings_to_train(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["deepfield", "train", "morphology", "--help"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "--epochs" in capsys.readouterr().out


def test_errors_are_one_line(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    for words in (
        ["fly"],
        ["simulate", "nothing", "--out", str(tmp_path / "a.h5")],
        ["train", "morphology", "--images", str(tmp_path / "empty"), "--out", str(tmp_path / "r")],
    ):
        done = run(*words)
        assert done.returncode != 0
        assert done.stdout == ""
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (tmp_path / "r").exists()
    assert not (tmp_path / "a.h5").exists()
