"""Laws of training: what a seed fixes, what a kill may not change, what never reaches weights."""

import json
import math
import os
import random
import subprocess
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import torch
from torch import nn
from toys import Scripted, SmallNet, Toy, ToySource, noisy, small_net

from deepfield.train import course, schedules
from deepfield.train.checkpoint import flatten, load_weights, save_weights, unflatten
from deepfield.train.history import History
from deepfield.train.loop import CHECKPOINT, Training, adam, fit, sgd
from deepfield.train.parallel import machine
from deepfield.train.players import Player
from deepfield.train.seeds import mixed
from deepfield.train.stopping import Stopping
from deepfield.train.transfer import start_from

SHORT = Training(epochs=3, batch_size=8, optimizer=adam(0.02), augment=noisy)


def learn(training=SHORT, *, net=None, task=None, source=None, **where):
    net = net or small_net()
    history = fit(net, task or Toy(), source or ToySource(), training, progress=False, **where)
    return net, history


def same(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def finite(net: nn.Module) -> bool:
    return all(bool(value.isfinite().all()) for value in net.state_dict().values())


# What a run does


def test_it_learns():
    net, history = learn(replace(SHORT, epochs=8))
    assert history.column("train_loss")[-1] < 0.7 * history.column("train_loss")[0]
    assert max(history.column("validation_accuracy")) >= 0.9
    assert history.column("step") == [5 * epoch for epoch in range(1, 9)]
    assert not net.training


def test_a_seed_fixes_every_bit():
    first, history = learn()
    torch.rand(3)  # what the caller draws between does not matter
    second, again = learn()
    assert same(first, second)
    assert history.column("train_loss") == again.column("train_loss")
    assert not same(first, learn(replace(SHORT, seed=1))[0])


def test_the_callers_random_numbers_are_left_alone():
    torch.manual_seed(7)
    random.seed(7)
    before, python = torch.get_rng_state(), random.getstate()
    learn(replace(SHORT, epochs=1))
    assert torch.equal(before, torch.get_rng_state())
    assert python == random.getstate()


def test_a_last_batch_of_one_object_is_left_out():
    for objects, steps in ((41, 5), (42, 6)):  # 8 a batch
        history = learn(replace(SHORT, epochs=1), source=ToySource(objects=objects))[1]
        assert history.column("step") == [steps]


def test_every_object_is_seen_once_an_epoch_in_a_new_order():
    toy, source = Toy(), ToySource()
    net = small_net()
    lesson = course.Course(net, toy, SHORT, source, source.part("validation"), machine())
    epochs = [torch.cat(lesson.batches(epoch)) for epoch in range(3)]
    assert all(len(order.unique()) == 40 for order in epochs)  # the 41st is alone in its batch
    assert not torch.equal(epochs[0], epochs[1])


@pytest.mark.parametrize("optimizer", [adam(1e-3), sgd(1e-3)])
def test_the_schedule_sets_the_rate_of_every_update(optimizer):
    history = learn(replace(SHORT, optimizer=optimizer, schedule=schedules.exponential()))[1]
    expected = [1e-3 * 0.01 ** ((5 * epoch - 1) / 15) for epoch in (1, 2, 3)]
    assert history.column("rate") == pytest.approx(expected)


def test_a_clipped_gradient_has_the_given_length():
    net = nn.Linear(3, 1)
    player = Player(net, "", sgd(1.0, momentum=0.0, nesterov=False))
    before = net.weight.detach().clone(), net.bias.detach().clone()
    player.update({"far": 1e4 * net(torch.ones(2, 3)).sum()}, 0.5, machine())
    moved = torch.cat([net.weight[0] - before[0][0], net.bias - before[1]])
    assert float(moved.norm().detach()) == pytest.approx(0.5, rel=1e-3)


def test_channels_last_changes_the_layout_alone():
    net = small_net()
    before = net.trunk[0].weight.detach().clone()
    course_net, _ = learn(replace(SHORT, epochs=1, optimizer=sgd(0.0)), net=net)
    weight = course_net.trunk[3].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(before, course_net.trunk[0].weight)


# Kills


def test_a_killed_run_goes_on_to_the_weights_of_an_unbroken_one():
    """With batch norm, dropout, augmentation, bf16, early stopping; kill -9 at random places."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    script = Path(__file__).with_name("killed_training.py")
    seed = str(random.SystemRandom().randrange(1000))
    done = subprocess.run(
        [sys.executable, str(script), seed], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    status, _, expected = results["unbroken"]
    losses = [row["validation_loss"] for row in expected[1]]
    assert status == 0
    assert 3 < len(losses) < 12, "early stopping must come before the last epoch"
    assert losses[-1] < losses[0]
    for name in ("between epochs", "within epochs"):
        status, signals, result = results[name]
        assert (status, set(signals)) == (0, {-9}), f"{name}, seed {seed}: {signals}"
        assert result == expected, f"{name}, seed {seed}"
    first, second = results["parallel digests"]
    assert results["parallel"] == 0
    assert first == second, "two processes must end with the same weights"
    assert results["parallel files"] == [True, False]


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    net, history = learn(directory=tmp_path)
    source = ToySource(die_at=1)
    again, rows = learn(directory=tmp_path, source=source, resume=True)
    assert same(net, again)
    assert rows.rows == history.rows


def test_resume_with_other_settings_is_refused(tmp_path):
    learn(replace(SHORT, epochs=1), directory=tmp_path)
    kept = (tmp_path / CHECKPOINT).read_bytes()
    for changed, word in (
        (replace(SHORT, epochs=1, batch_size=4), "batch_size"),
        (replace(SHORT, epochs=1, optimizer=adam(0.03)), "lr=0.02"),
        (replace(SHORT, epochs=1, schedule=schedules.cosine(warmup=0.1)), "warmup"),
    ):
        with pytest.raises(ValueError, match=word) as error:
            learn(changed, directory=tmp_path, resume=True)
        assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="training objects"):
        learn(replace(SHORT, epochs=1), source=ToySource(objects=40), directory=tmp_path,
              resume=True)  # fmt: skip
    with pytest.raises(ValueError, match="network"):
        learn(replace(SHORT, epochs=1), net=SmallNet(width=5), directory=tmp_path, resume=True)
    assert (tmp_path / CHECKPOINT).read_bytes() == kept


# What never reaches the weights


def test_a_bad_image_stops_training_and_leaves_the_best_weights(tmp_path):
    def spoil(images, epoch):
        if epoch == 2:
            images = images.clone()
            images[3] = torch.nan
        return images

    good, _ = learn(replace(SHORT, stopping=Stopping(patience=5)))
    net = small_net()
    with pytest.raises(ValueError, match=r"epoch 3 at step \d of 5, learning rate 0\.00") as error:
        learn(net=net, source=ToySource(spoil=spoil), directory=tmp_path)
    assert "the loss cross_entropy is nan" in str(error.value)
    assert "\n" not in str(error.value)
    assert finite(net)
    kept, metadata = load_weights(tmp_path / CHECKPOINT)
    assert all(bool(value.isfinite().all()) for value in kept.values())
    assert len(metadata["history"]) == 2
    # The cause removed, the run goes on from there to where it would have come.
    rescued, _ = learn(directory=tmp_path, resume=True)
    assert same(rescued, good)


def test_a_loss_that_is_finite_with_a_gradient_that_is_not():
    class Cusp(Toy):
        def losses(self, net, batch):
            return {"cusp": (net(batch) * 0).sum().abs().sqrt()}

    net, start = small_net(), small_net()
    with pytest.raises(ValueError, match="gradient's norm is nan"):
        learn(net=net, task=Cusp())
    assert same(net, start)


@pytest.mark.parametrize("optimizer", [sgd(1e30), adam(1e30)])
def test_a_rate_that_is_far_too_high(optimizer, tmp_path):
    net = small_net()
    with pytest.raises(ValueError, match="lower the rate"):
        learn(replace(SHORT, optimizer=optimizer), net=net, directory=tmp_path)
    assert same(net, small_net())


# Early stopping


def test_the_best_weights_come_back():
    script = (0.5, 0.8, 0.9, 0.7, 0.85, 0.9, 0.6)
    task = Scripted(script=script)
    training = replace(SHORT, epochs=7, stopping=Stopping(monitor="accuracy", patience=3))
    net, history = learn(training, task=task)
    assert history.column("validation_accuracy") == [*script[:6]]
    # The third epoch's weights: those whose validation loss is that of the third row.
    validation = ToySource().part("validation")
    with torch.no_grad():
        loss = Toy().losses(net, validation.take(torch.arange(20), 0))["cross_entropy"]
    assert float(loss) == pytest.approx(history.column("validation_loss")[2], rel=1e-5)
    assert all(value.dtype == torch.float32 for value in net.parameters())


@pytest.mark.parametrize(
    ("settings", "values", "best", "over"),
    [
        ({"patience": 2}, [3.0, 2.0, 2.5, 2.1], 1, True),
        ({"patience": 2}, [3.0, 2.0, 2.5], 1, False),
        ({"patience": 2, "min_delta": 0.5}, [3.0, 2.4, 2.0, 1.95], 1, True),
        ({"patience": 2, "monitor": "accuracy"}, [0.1, 0.3, 0.2], 1, False),
        ({"patience": 1, "monitor": "calibration_error"}, [0.1, 0.3], 0, True),
        ({"patience": 1, "monitor": "distance", "better": "lower"}, [0.1, 0.3], 0, True),
        ({"patience": 3, "monitor": "auroc"}, [math.nan, math.nan, 0.6], 2, False),
        ({"patience": 1}, [], 0, False),
    ],
)
def test_stopping(settings, values, best, over):
    stopping = Stopping(**settings)
    assert (stopping.best(values), stopping.over(values)) == (best, over)


def test_an_unknown_monitor_is_named():
    with pytest.raises(ValueError, match="monitors 'acuracy'; validation gives loss, accuracy"):
        learn(replace(SHORT, stopping=Stopping(monitor="acuracy")))


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


# Two players


class Pair(nn.Module):
    """A number and its rival."""

    def __init__(self):
        super().__init__()
        self.low, self.high = nn.Linear(1, 1), nn.Linear(1, 1)


class Game(Toy):
    """``low`` minimises what ``high`` maximises; both losses depend on both players."""

    clock = count()

    def losses(self, net, batch):
        x, y = net.low.bias.sum(), net.high.bias.sum()
        value = (x - 1) ** 2 - (y - 2) ** 2 + x * y
        return {"low": value, "high": -value}

    def predict(self, net, batch):
        return Toy().predict(lambda images: torch.zeros(len(images), 2), batch)

    def score(self, prediction, truth):
        return {"age": float(next(self.clock))}


def test_each_player_moves_on_its_own_loss_alone():
    net = Pair()
    weight = net.low.weight.detach().clone()
    training = Training(
        epochs=40, batch_size=8, optimizer=sgd(0.1, momentum=0.5), schedule=schedules.constant(),
        stopping=Stopping(monitor="age"),
    )  # fmt: skip
    history = learn(training, net=net, task=Game(players=("low", "high")))[1]
    # The saddle: 2 (x - 1) + y = 0 and 2 (y - 2) = x. One optimizer on the sum would not move.
    assert float(net.low.bias.detach()) == pytest.approx(0.0, abs=1e-3)
    assert float(net.high.bias.detach()) == pytest.approx(2.0, abs=1e-3)
    assert torch.equal(net.low.weight, weight)
    assert history.column("train_loss_low")[-1] == pytest.approx(1.0, abs=1e-2)


def test_unknown_players_and_missing_losses_are_named():
    with pytest.raises(ValueError, match=r"'critic' is no part of the network.*trunk, head"):
        learn(task=Toy(players=("critic",)))
    with pytest.raises(ValueError, match="no loss for its player 'head'; it has cross_entropy"):
        learn(task=Toy(players=("head",)))


# Files


def test_files_of_a_run(tmp_path):
    _, history = learn(directory=tmp_path / "run")
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
        learn(source=ToySource(objects=1))
