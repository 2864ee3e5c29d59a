"""Parts of training: schedules, what is shown and written, transfer, seeds."""

import json
import os

import pytest
import torch
from toys import SmallNet, Toy, ToySource, noisy, small_net

from deepfield.train import schedules
from deepfield.train.checkpoint import flatten, load_weights, save_weights, unflatten
from deepfield.train.history import History
from deepfield.train.loop import CHECKPOINT, Training, adam, fit
from deepfield.train.seeds import mixed
from deepfield.train.transfer import start_from

SHORT = Training(epochs=3, batch_size=8, optimizer=adam(0.02), augment=noisy)


# Schedules


@pytest.mark.parametrize(
    ("schedule", "golden"),
    [
        (schedules.constant(), [1, 1, 1, 1, 1]),
        (schedules.cosine(), [1, 0.853553, 0.5, 0.146447, 0]),
        (schedules.cosine(warmup=0.5, end=0.1), [0.01, 0.505, 1, 0.55, 0.1]),
        (schedules.steps(at=(0.25, 0.75)), [1, 0.1, 0.1, 0.01, 0.01]),
        (schedules.exponential(end=1e-4), [1, 0.1, 0.01, 0.001, 0.0001]),
        (schedules.inverse(decay=4), [1, 0.5, 1 / 3, 0.25, 0.2]),
    ],
)
def test_golden_schedules(schedule, golden):
    assert [schedule(x / 4) for x in range(5)] == pytest.approx(golden, abs=1e-6)


# What is shown, and files


def test_a_line_an_epoch_or_a_live_one_or_none(capsys, monkeypatch):
    fit(small_net(), Toy(), ToySource(), SHORT)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert all("loss 0." in line and "accuracy 0." in line for line in lines)
    fit(small_net(), Toy(), ToySource(), SHORT, progress=False)
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("FORCE_COLOR", "1")  # how rich is told that this is a terminal
    monkeypatch.setenv("COLUMNS", "160")
    fit(small_net(), Toy(), ToySource(), SHORT)
    live = capsys.readouterr().out
    assert "epoch 3/3" in live
    assert "accuracy 0." in live


def test_files_of_a_run(tmp_path):
    history = fit(
        small_net(), Toy(), ToySource(), SHORT, progress=False, directory=tmp_path / "run"
    )
    names = {file.name for file in (tmp_path / "run").iterdir()}
    assert names == {CHECKPOINT, "history.csv", "history.png"}
    lines = (tmp_path / "run" / "history.csv").read_text().splitlines()
    assert lines[0] == ("epoch,step,rate,seconds,train_loss,validation_loss,validation_accuracy")
    last = dict(zip(lines[0].split(","), map(float, lines[-1].split(",")), strict=True))
    assert last == history.rows[-1]


def test_the_figure_shows_every_column():
    constant = {"rate": 0.1, "validation_accuracy": 0.5, "validation_negatives": 40.0}
    rows = [
        {"epoch": epoch, "train_loss": 1 / epoch, "validation_loss": 2 / epoch, **constant}
        for epoch in (1, 2, 3)
    ]
    panels = History(rows).figure().axes
    labels = [[line.get_label() for line in axes.lines] for axes in panels]
    assert labels == [["train_loss", "validation_loss"], ["accuracy"], ["rate"]]


def test_only_safetensors_are_read(tmp_path):
    pickle, cut = tmp_path / "model.pt", tmp_path / "cut.safetensors"
    torch.save({"weight": torch.ones(2)}, pickle)
    save_weights(cut, {"weight": torch.ones(99)}, {})
    cut.write_bytes(cut.read_bytes()[:-50])
    for path, words in ((pickle, "not a safetensors file"), (cut, "not a safetensors file"),
                        (tmp_path / "none", "cannot be read")):  # fmt: skip
        with pytest.raises(ValueError, match=words) as error:
            load_weights(path)
        assert "\n" not in str(error.value)


def test_an_optimizers_state_survives_json():
    net = small_net()
    optimizer = adam(0.1)(net.parameters())
    net.head(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    tree, tensors = flatten(optimizer.state_dict(), "x")
    back = unflatten(json.loads(json.dumps(tree)), tensors)
    assert back.keys() == optimizer.state_dict().keys()
    for key, state in optimizer.state_dict()["state"].items():
        assert all(torch.equal(state[name], back["state"][key][name]) for name in state)
    assert back["param_groups"] == optimizer.state_dict()["param_groups"]
    with pytest.raises(ValueError, match="holds tensors, numbers and text"):
        flatten({"a": object()}, "x")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    save_weights(path, {"a": torch.zeros(1)}, {"n": 1})

    def fail(*arguments):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        save_weights(path, {"a": torch.ones(1)}, {"n": 2})
    assert load_weights(path)[1] == {"n": 1}
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


# Transfer


def test_transfer_keeps_the_trunk_and_says_so():
    other, net = small_net(outputs=5), SmallNet()
    head = net.head.weight.detach().clone()
    said = start_from(net, {f"net.{k}": v for k, v in other.state_dict().items()})
    assert (
        said == "kept 9 of 9 tensors of the trunk (196 parameters); new: the head (10 parameters)"
    )
    assert torch.equal(net.trunk[0].weight, other.trunk[0].weight)
    assert torch.equal(net.head.weight, head)


def test_transfer_names_a_first_convolution_for_other_channels():
    said = start_from(SmallNet(channels=3), small_net().state_dict())
    assert "kept 8 of 9" in said
    assert "the first convolution, for 3 channels instead of 1, the head" in said


def test_transfer_of_another_architecture_is_refused():
    with pytest.raises(ValueError, match="another architecture"):
        start_from(small_net(), {"trunk.conv.weight": torch.ones(3)})


# Seeds


def test_neighbouring_places_have_unrelated_seeds():
    low = [mixed(s, e, i) & 0xFFFFFFFF for s in range(8) for e in range(8) for i in range(64)]
    assert len(set(low)) == len(low)
    bits = [sum(value >> bit & 1 for value in low) / len(low) for bit in range(32)]
    assert max(abs(share - 0.5) for share in bits) < 0.05


def test_bad_settings_are_refused():
    for settings in ({"epochs": 0}, {"batch_size": 1}, {"clip": 0.0}):
        with pytest.raises(ValueError, match="expected"):
            Training(**settings)
    with pytest.raises(ValueError, match="1 training and 20 validation objects"):
        fit(small_net(), Toy(), ToySource(objects=1), SHORT)
