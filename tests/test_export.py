"""The verb export: a file that runs alone, and a card of what it is."""

import json

import pytest
import torch

from deepfield.deploy.backends import QUICK
from deepfield.deploy.export import opened
from deepfield.recipes import morphology
from deepfield.verbs import export as verb
from deepfield.weights.files import load, shipped


def test_a_file_that_runs_alone_and_a_card(tmp_path, monkeypatch, capsys):
    quick = {name: QUICK[name] for name in ("eager", "channels_last")}
    monkeypatch.setattr(verb, "BACKENDS", quick)
    out = tmp_path / "made" / "net.pt2"
    choice = verb.export("morphology", out=out, objects=24)
    card = json.loads(out.with_suffix(".json").read_text())
    assert card["holds"] == "network" and card["note"] == ""
    assert card["inputs"] == {
        "values": ["object", 3, 64, 64],
        "variance": ["object", 3, 64, 64],
    }
    assert card["largest_change_of_outputs"] < 1e-4
    assert [t["backend"] for t in card["trial"]["trials"]] == list(quick)
    assert card["trial"]["backend"] == choice.backend in quick
    assert "times faster" in capsys.readouterr().out
    trained, _ = load(shipped("morphology"))
    batch = morphology.mock(objects={"test": 5}, seed=3).part("test").take(torch.arange(5), 0)
    (logits,) = opened(out)({"values": batch.values, "variance": batch.variance})
    with torch.no_grad():
        assert torch.allclose(logits, trained.net.eval()(batch), atol=1e-4)


def test_what_cannot_be_exported_is_refused_before_the_work(tmp_path):
    with pytest.raises(ValueError, match=r"ends \.onnx or \.pt2"):
        verb.export("morphology", out=tmp_path / "net.h5")
    with pytest.raises(ValueError, match="no recipe"):
        verb.export("none", out=tmp_path / "net.onnx")
