"""Advice: the experiments run, resume, repeat, and their estimators find what is known."""

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

FOLDER = Path(__file__).parent.parent / "benchmarks" / "advice"
sys.path.insert(0, str(FOLDER))

import activations  # noqa: E402
import augmentation  # noqa: E402
import brightness  # noqa: E402
import depth  # noqa: E402
import dropout  # noqa: E402
import experiment as advice  # noqa: E402
import initial_weights  # noqa: E402
import intrinsic_dimension  # noqa: E402
import kernel_constraint  # noqa: E402
import learning_curve  # noqa: E402
import optimisers  # noqa: E402
import receptive_field  # noqa: E402
import stamps  # noqa: E402
import stretch  # noqa: E402

from deepfield.report.experiment import seed_curves  # noqa: E402

CHOSEN = 20
TINY = advice.Budget(objects=40, updates=2, tested=40, pool=64)
ALL = {
    "activations": lambda: activations.experiment(TINY, rates=(1e-3,)),
    "augmentation": lambda: augmentation.experiment(TINY, sizes=(40,)),
    "brightness": lambda: brightness.experiment(TINY, signals=(20.0, 100.0)),
    "depth": lambda: depth.experiment(TINY, depths=(2, 4)),
    "dropout": lambda: dropout.experiment(TINY, shares=(0.0, 0.5), sizes=(40,)),
    "initial_weights": lambda: initial_weights.experiment(TINY, depths=(2, 8)),
    "intrinsic_dimension": lambda: intrinsic_dimension.experiment(TINY, counts=(30, 60)),
    "kernel_constraint": lambda: kernel_constraint.experiment(TINY, bounds=("1", "none")),
    "learning_curve": lambda: learning_curve.experiment(TINY, sizes=(20, 30, 40)),
    "optimisers": lambda: optimisers.experiment(TINY, rates=(1e-3, 1e-2)),
    "receptive_field": lambda: receptive_field.experiment(TINY, separations=(1,)),
    "stretch": lambda: stretch.experiment(TINY, rates=(1e-3, 1e-2)),
}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A folder with a few stamps, rendered once."""
    folder = tmp_path_factory.mktemp("advice")
    for split, count in (("train", 64), ("validation", CHOSEN), ("test", 40)):
        stamps.galaxies(folder, split, count)
    return folder


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(stamps, "VALIDATION", CHOSEN)
    monkeypatch.setattr(intrinsic_dimension, "BUDGET", TINY)


def test_every_experiment_of_the_folder_is_here():
    files = {p.stem for p in FOLDER.glob("*.py") if "def experiment(" in p.read_text()}
    assert files == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_an_experiment_runs_and_says_so_with_intervals(name, out):
    chosen = ALL[name]()
    assert chosen.name == name
    found = advice.perform(chosen, out, seeds=2)
    said = json.loads(json.dumps(advice.summary(found)))
    assert {"name", "ratio", "ours", "peer", "ours_interval", "difference"} <= set(said)
    assert said["difference"][0] == pytest.approx(said["ours"] - said["peer"], abs=2e-3)
    assert said["difference"][1] <= said["difference"][0] <= said["difference"][2]
    assert len(advice.table(found).splitlines()) == 2 + len(chosen.curves) * len(chosen.choices)
    advice.draw(found, out / "figure.png")
    assert (out / "figure.png").stat().st_size > 3000


def test_a_killed_experiment_goes_on_and_ends_alike(out, tmp_path):
    chosen = ALL["dropout"]()
    whole = advice.perform(chosen, out, seeds=2).runs
    for split in ("train", "validation", "test"):
        (tmp_path / f"stamps_{split}.npz").write_bytes((out / f"stamps_{split}.npz").read_bytes())
    calls = []

    def dies(*where):
        calls.append(where)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return chosen.run(*where)

    def counted(*where):
        calls.append(where)
        return chosen.run(*where)

    with pytest.raises(KeyboardInterrupt):
        advice.perform(replace(chosen, run=dies), tmp_path, seeds=2)
    advice.perform(replace(chosen, run=counted), tmp_path, seeds=2)
    assert len(calls) == len(whole) + 1, "only the run that was killed is repeated"
    again = advice.perform(chosen, tmp_path, seeds=2).runs
    assert {k: v["loss"] for k, v in again.items()} == {k: v["loss"] for k, v in whole.items()}


def test_kept_runs_of_other_settings_are_not_used(out):
    chosen, calls = ALL["dropout"](), []

    def counted(*where):
        calls.append(where)
        return {"accuracy": 0.5}

    advice.perform(replace(chosen, run=counted, settings="first", name="other"), out, seeds=1)
    advice.perform(replace(chosen, run=counted, settings="second", name="other"), out, seeds=1)
    assert len(calls) == 4


def test_seeds_differ_and_repeat(out):
    given = [stamps.lesson(out, 40, seed, pool=64, tested=40) for seed in (0, 0, 1)]
    first, same, other = (g.train.take(torch.arange(40), 0).values for g in given)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    tests = [g.test.take(torch.arange(40), 0).values for g in given]
    assert torch.equal(tests[0], tests[2]), "all are judged on the same objects"


def test_fresh_noise_is_new_in_every_epoch_and_white(out):
    given = stamps.lesson(out, 64, 0, pool=64, tested=40, fresh=True).train
    rows = torch.arange(64)
    first, second = (given.take(rows, epoch).values for epoch in (0, 1))
    assert float((first - second).std()) == pytest.approx(2**0.5, rel=0.02)
    assert torch.equal(first, given.take(rows, 0).values)
    old = stamps.Stamps(given.galaxies)
    assert torch.equal(old.take(rows, 0).values, old.take(rows, 5).values)


def test_galaxies_can_be_made_brighter(out):
    some = stamps.galaxies(out, "test", 40)
    bright = some.at_signal(200.0)
    factor = bright.images.flatten(1).sum(1) / some.images.flatten(1).sum(1)
    assert factor.numpy() == pytest.approx((200 / some.signal).numpy(), rel=1e-3)


def test_student_interval():
    # scipy.stats.ttest_1samp(...).confidence_interval() of the same numbers.
    assert advice.over_seeds(np.array([1.0, 2.0, 4.0])) == pytest.approx(
        (2.3333, -1.4613, 6.1280), abs=1e-4
    )
    assert advice.over_seeds(np.array([1.0, 2.0, 4.0, np.nan]))[0] == pytest.approx(7 / 3)
    covered = 0
    for row in np.random.default_rng(0).normal(size=(2000, 5)):
        low, high = advice.over_seeds(row)[1:]
        covered += low <= 0 <= high
    assert 0.935 < covered / 2000 < 0.965


@pytest.mark.parametrize("dimension", [1, 2, 4])
def test_two_nn_finds_the_dimension_of_a_curved_sheet(dimension):
    rng = np.random.default_rng(dimension)
    flat = rng.uniform(-1, 1, size=(1500, dimension))
    bent = np.concatenate([flat, np.sin(flat @ rng.normal(size=(dimension, 20)))], 1)
    assert intrinsic_dimension.two_nn(bent) == pytest.approx(dimension, rel=0.12)


def test_components_count_the_axes_of_a_flat_cloud():
    rng = np.random.default_rng(0)
    assert intrinsic_dimension.components(rng.normal(size=(500, 4)) @ np.eye(4, 30)) == 4


def test_drawn_phases_keep_the_power_spectrum(out):
    images = stamps.galaxies(out, "train", 64).images[:, 0].numpy()
    noise = np.fft.rfft2(np.random.default_rng(0).normal(size=images.shape))
    drawn = np.fft.irfft2(np.abs(np.fft.rfft2(images)) * noise / np.abs(noise), images.shape[1:])
    assert np.abs(np.fft.rfft2(drawn)) == pytest.approx(np.abs(np.fft.rfft2(images)), rel=1e-3)


def test_the_power_law_is_recovered():
    sizes = np.array([100.0, 300.0, 1000.0, 3000.0])
    noise = 0.001 * np.random.default_rng(0).normal(size=(4, 5))
    found = learning_curve.fit(sizes, (0.2 + 3 * sizes**-0.6)[:, None] + noise)
    for name, true in (("a", 0.2), ("c", 0.6)):
        value, low, high = found[name]
        assert value == pytest.approx(true, abs=0.05)
        assert low <= value <= high


@pytest.mark.parametrize("name", initial_weights.STARTS)
def test_signals_vanish_or_explode_as_the_product_says(name):
    start = initial_weights.STARTS[name]
    found = np.mean([np.log(initial_weights.passed(start, 9, seed)) for seed in range(6)])
    assert found == pytest.approx(np.log(initial_weights.expected(name, 9)), abs=0.45)


def test_the_bound_on_kernels_holds_and_leaves_short_ones():
    weight = torch.nn.Parameter(torch.tensor([[3.0, 4.0], [0.3, 0.4]]))
    bias = torch.nn.Parameter(torch.tensor([9.0, 9.0]))
    kernel_constraint.clamp([weight, bias], 1.0)
    assert torch.allclose(weight, torch.tensor([[0.6, 0.8], [0.3, 0.4]]))
    assert bias.tolist() == [9.0, 9.0]


def test_a_bounded_optimizer_never_leaves_the_ball():
    weight = torch.nn.Parameter(torch.zeros(2, 3))
    optimizer = kernel_constraint.bounded(lambda p: torch.optim.SGD(p, lr=5.0), 2.0)([weight])
    for _ in range(4):
        optimizer.zero_grad()
        (-weight.sum()).backward()
        optimizer.step()
    assert weight.norm(dim=1).tolist() == pytest.approx([2.0, 2.0])


def test_points_further_apart_than_the_field_look_alike():
    kernel, dilations, channels = receptive_field.NETS["3 layers, field 7"]
    assert receptive_field.field(kernel, dilations) == 7
    trunk = receptive_field.trunk(kernel, dilations, channels)
    for apart, alike in ((6, False), (7, True)):
        images = torch.zeros(2, 1, receptive_field.SIDE, receptive_field.SIDE)
        images[:, 0, 3, 3] = 1
        images[0, 0, 3, 3 + apart] = images[1, 0, 3 + apart, 3] = 1
        with torch.no_grad():
            side, above = trunk(images)
        assert torch.allclose(side, above, atol=1e-6) == alike


def test_silent_neurons_are_counted(out):
    net = activations.network(activations.small, 0)
    hidden = next(m for m in net.trunk if isinstance(m, torch.nn.Linear))
    with torch.no_grad():
        hidden.weight[:12] = 0
        hidden.bias[:12] = -1
    seen = stamps.Stamps(stamps.galaxies(out, "test", 40))
    assert activations.silent(net, seen) >= 12 / 48
    assert importlib.import_module("small").small()[6].out_features == 48


def test_the_figure_shows_means_and_limits_where_they_are():
    runs = np.array([[0.5, 0.7], [0.8, 0.9]])
    points = advice.Points(runs)
    curves = {"accuracy": {"first": points, "second": advice.Points(runs / 2)}}
    figure = seed_curves(curves, (10.0, 100.0), x="objects", log_x=True, log_y=["accuracy"])
    axes = figure.axes[0]
    first = axes.containers[0]
    assert first.lines[0].get_ydata().tolist() == pytest.approx([0.6, 0.85])
    ends = np.array([segment[:, 1] for segment in first.lines[2][0].get_segments()])
    assert ends[:, 0] == pytest.approx(points.low)
    assert ends[:, 1] == pytest.approx(points.high)
    assert [text.get_text() for text in axes.get_xticklabels()] == ["10", "100"]
    words = seed_curves(curves, ("none", "some"), x="").axes[0]
    one, other = (container.lines[0].get_xdata() for container in words.containers)
    assert (one < other).all(), "curves of words stand beside each other"
    with pytest.raises(ValueError, match="no scores"):
        seed_curves({}, (1.0,), x="x")
