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
from deepfield.train.checkpoint import load_weights
from deepfield.train.loop import CHECKPOINT, Training, adam, fit, sgd
from deepfield.train.parallel import machine
from deepfield.train.players import Player
from deepfield.train.stopping import Stopping

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
    source = ToySource()
    lesson = course.Course(small_net(), Toy(), SHORT, source, source.part("validation"), machine())
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
        assert (status, signals[0]) == (0, -9), f"{name}, seed {seed}: {signals}"
        assert result == expected, f"{name}, seed {seed}"
    # Two processes: only the main one writes; same weights, and those of one process.
    (main, main_wrote, (first, together)) = results["0"]
    (other, other_wrote, (second, _)) = results["1"]
    assert (main, main_wrote, other, other_wrote) == (0, True, 0, False)
    assert first == second
    alone = [row["train_loss"] for row in results["alone"][2][1]]
    assert [row["train_loss"] for row in together] == pytest.approx(alone, rel=1e-3)


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    net, history = learn(directory=tmp_path)
    again, rows = learn(directory=tmp_path, source=ToySource(die_at=1), resume=True)
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
