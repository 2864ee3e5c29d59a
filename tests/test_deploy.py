"""Deployment: other ways to run a network give the same answers, and what is missing is noted."""

import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import nn
from toys import KIND, Toy, ToySource, small_net

from deepfield.deploy import backends, fastest
from deepfield.deploy.backends import channels_last, eager, onnx_runtime, openvino
from deepfield.deploy.change import change
from deepfield.deploy.deployed import Deployed, trunk_input
from deepfield.deploy.export import Tensors, exported, opened, write
from deepfield.nets.heads.gaussian import GaussianHead
from deepfield.nouns.batch import Batch
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Classes, Prediction, Score
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.train.trained import Trained
from deepfield.train.training import Training
from deepfield.verbs import predict as predict_verb


def installed(backend):
    # Looked up, not imported: that is the backend's own affair.
    library = {onnx_runtime: "onnxruntime", openvino: "openvino"}.get(backend)
    if library is not None and not (find_spec(library) and find_spec("onnxscript")):
        pytest.skip(f"{library} and onnxscript come with the extra [deploy]")


@pytest.fixture(scope="module")
def trained():
    net = small_net()
    norm = net.trunk[1]
    norm.running_mean.uniform_(-0.5, 0.5), norm.running_var.uniform_(0.5, 2)
    return Trained(net.eval(), Toy(), Training(), ("g",), 8, views=2)


@pytest.fixture(scope="module")
def batch():
    return ToySource(objects=200).take(torch.arange(200), 0)


@pytest.mark.parametrize("backend", [eager, channels_last, onnx_runtime, openvino])
def test_a_backend_gives_the_same_answers_for_any_number_of_objects(trained, batch, backend):
    installed(backend)
    deployed = Deployed(trained, backend, batch)
    for count in (1, 5, 200):
        some = batch.take(torch.arange(count))
        found, expected = (p.predict(some)["kind"].probabilities for p in (deployed, trained))
        assert found.shape == (count, 2)
        assert torch.allclose(found, expected, atol=1e-5)


def test_what_is_deployed_leaves_what_was_learnt_alone(trained, batch):
    weights = {name: value.clone() for name, value in trained.net.state_dict().items()}
    deployed = Deployed(trained, channels_last, batch)
    deployed.predict(batch)
    assert deployed.trained is trained and isinstance(trained.net.trunk, nn.Sequential)
    assert all(torch.equal(weights[k], v) for k, v in trained.net.state_dict().items())
    assert deployed.fast.size == trained.size  # all else is the predictor's own


def test_objects_without_pixels_stay_without_answers(trained, batch):
    spoilt = replace(batch, values=batch.values.clone())
    spoilt.values[3] = torch.nan
    found = Deployed(trained, channels_last, batch).predict(spoilt)["kind"].probabilities
    assert found[3].isnan().all() and found[[2, 4]].isfinite().all()


def test_fitting_learns_anew_and_stays_on_the_backend(trained, batch):
    quick = replace(trained, training=Training(epochs=1, batch_size=20))
    again = Deployed(quick, eager, batch).fit(ToySource())
    assert again.backend is eager
    assert not torch.equal(again.trained.net.head.weight, trained.net.head.weight)
    assert "out_of_domain" in again.predict(batch)


def shifted(part, example):
    run = eager(part, example)
    return lambda x: run(x) + 1.0


def broken(part, example):
    raise RuntimeError("no such processor\nand more")


def missing(part, example):
    return backends.import_module("a_library_that_is_not_there")


def test_the_fastest_keeps_the_answers_and_notes_the_others(trained, batch, monkeypatch):
    times = {"eager": 3.0, "good": 2.0, "wrong": 1.0}
    monkeypatch.setattr(fastest, "_times", lambda runs, *_: {name: times[name] for name in runs})
    tried = {"good": channels_last, "wrong": shifted, "broken": broken, "missing": missing}
    choice = fastest.fastest(trained, batch, backends=tried)
    assert choice.backend == "good" and choice.ratio == 1.5
    found = {trial.backend: trial for trial in choice.trials}
    assert list(found) == ["eager", *tried]
    assert found["eager"].change == 0 and found["good"].change < 1e-3
    assert found["wrong"].change > fastest.BOUND and "changes" in found["wrong"].note
    assert found["broken"].note == "no such processor"
    assert "a_library_that_is_not_there" in found["missing"].note
    assert np.isnan(found["broken"].milliseconds)
    moved = change(choice.deployed.predict(batch), trained.predict(batch))
    assert float(moved.max()) == pytest.approx(found["good"].largest, abs=1e-5)
    # With a bound as wide as the answers the wrong one would do.
    assert fastest.fastest(trained, batch, backends=tried, bound=1e9).backend == "wrong"


def test_a_trial_times_what_predict_hands_over(trained, batch):
    choice = fastest.fastest(trained, batch, backends={"eager": eager}, seconds=0.01)
    assert choice.batch_size == 128 and choice.threads == torch.get_num_threads()
    assert choice.trials[0].milliseconds > 0 and choice.ratio == 1
    assert trunk_input(trained, batch).shape == (128, 1, 8, 8)


def test_bfloat16_is_refused_where_it_is_emulated(trained, batch, monkeypatch):
    part, example = trained.net.trunk, batch.values[:4]
    monkeypatch.setattr(backends, "multiplies_bfloat16", lambda: False)
    for backend in (backends.bfloat16, backends.openvino_bfloat16, backends.compiled_bfloat16):
        with pytest.raises(ValueError, match="no bfloat16"):
            backend(part, example)
    monkeypatch.setattr(backends, "multiplies_bfloat16", lambda: True)
    rough = backends.bfloat16(part, example)(example)
    exact = eager(part, example)(example)
    assert rough.dtype == torch.float32 and not torch.equal(rough, exact)
    assert (rough - exact).abs().max() < 0.05 * exact.std()


def test_a_compiled_trunk_takes_batches_of_one_size(trained):
    seen = []

    def run(x):
        seen.append(len(x))
        return x * 2

    padded = backends._fixed(run, torch.zeros(4, 3))
    x = torch.randn(9, 3)
    assert torch.equal(padded(x), x * 2) and set(seen) == {4}


def test_networks_without_a_trunk_and_tiny_trials_are_refused(trained, batch):
    with pytest.raises(ValueError, match="has no submodule trunk"):
        trunk_input(replace(trained, net=nn.Linear(2, 2)), batch)
    with pytest.raises(ValueError, match="a trial on 1 objects"):
        fastest.fastest(trained, batch.take(torch.arange(1)))


def test_change_is_in_units_of_the_errors():
    generator = torch.Generator().manual_seed(0)
    size, angle = Quantity("size"), Quantity("angle", kind="angle")
    samples = torch.randn(3, 4000, 2, generator=generator) * torch.tensor([2.0, 3.0])
    samples[1, :, 1] += 89
    old = Prediction({"posterior": Posterior((size, angle), samples)})
    moved = samples + torch.tensor([[[1.0, 0.0]], [[0.0, 1.5]], [[0.0, 180.0]]])
    new = Prediction({"posterior": Posterior((size, angle), moved)})
    found = change(new, old)
    assert torch.allclose(found, torch.tensor([0.5, 0.5, 0.0]), atol=0.03)
    assert (change(old, old) == 0).all()
    wider = Prediction({"posterior": Posterior((size, angle), samples * 1.5)})
    assert (change(wider, old) > 0.4).all()  # the median alone would not see it


def test_what_is_not_measured_has_not_changed_unless_it_was():
    score = Quantity("score")
    old = Prediction({"s": Score(score, torch.tensor([1.0, 2.0, torch.nan, 4.0]))})
    new = Prediction({"s": Score(score, torch.tensor([1.0, torch.nan, torch.nan, 4.0]))})
    assert change(new, old).tolist() == [0, torch.inf, 0, 0]
    one = Prediction({"kind": Classes(KIND, torch.tensor([[0.5, 0.5], [0.1, 0.9]]))})
    assert (change(one, one) == 0).all()


class Mixed(nn.Module):
    """Asks for the PSF, and answers with a distribution and a tensor."""

    def __init__(self, head):
        super().__init__()
        self.trunk, self.head = nn.Linear(16 + 9, 8), head

    def forward(self, batch):
        if batch.psf is None:
            raise ValueError("no PSF")
        seen = torch.cat([batch.values.flatten(1), batch.psf.kernel.flatten(1)], 1)
        return self.head(self.trunk(seen)), batch.values.mean((1, 2, 3))


def with_psf(count):
    generator = torch.Generator().manual_seed(1)
    kernel = torch.rand(count, 1, 3, 3, generator=generator)
    return Batch(
        np.arange(count).astype(str),
        torch.randn(count, 1, 4, 4, generator=generator),
        ("r",),
        variance=torch.ones(1, 1, 4, 4),
        psf=Psf(kernel / kernel.sum((2, 3), keepdim=True)),
    )


@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_an_exported_network_gives_its_numbers_by_name(tmp_path, suffix):
    if suffix == ".onnx":
        installed(onnx_runtime)
    torch.manual_seed(0)
    net, many = Mixed(GaussianHead(8, 2)).eval(), with_psf(7)
    module = Tensors(net, with_psf(3))
    program = exported(module, module.inputs(with_psf(3)))
    inputs = module.inputs(many)
    with torch.no_grad():
        expected = module(**inputs)
    assert set(inputs) == {"values", "variance", "psf"}
    assert {"means", "roots", "output"} <= set(expected)
    path = tmp_path / f"net{suffix}"
    write(program, path, tuple(expected))
    found = opened(path)(inputs)
    for value, known in zip(found, expected.values(), strict=True):
        assert torch.allclose(value, known, atol=1e-5)


def test_a_network_that_does_without_the_psf_is_not_asked_for_it():
    class Plain(nn.Module):
        def forward(self, batch):
            return batch.values.mean((2, 3))

    module = Tensors(Plain(), with_psf(3))
    assert set(module.inputs(with_psf(5))) == {"values", "variance"}


def test_a_way_that_depends_on_the_values_is_no_graph():
    class Turns(nn.Module):
        def forward(self, batch):
            return batch.values if bool(batch.values.sum() > 0) else -batch.values

    module = Tensors(Turns(), with_psf(3))
    with pytest.raises(ValueError, match="no graph"):
        exported(module, module.inputs(with_psf(3)))


def test_files_of_other_kinds_are_refused(tmp_path):
    program = exported(Tensors(nn.Identity(), with_psf(2)).net, {"input": torch.zeros(2, 3)})
    with pytest.raises(ValueError, match=r"\.onnx or \.pt2"):
        write(program, tmp_path / "net.pickle")
    assert not list(tmp_path.iterdir())


def test_openvino_has_nothing_to_report_with(monkeypatch):
    installed(openvino)

    def refused(*address):
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr("socket.socket.connect", refused)
    run = openvino(nn.Linear(3, 2).eval(), torch.zeros(2, 3))
    assert run(torch.zeros(5, 3)).shape == (5, 2)
    # Its own code looks this module up; None means that there is none.
    assert sys.modules["openvino_telemetry"] is None
    assert not [name for name in sys.modules if name.startswith("openvino_telemetry.")]


def test_predict_of_many_objects_takes_the_fastest_backend(monkeypatch, capsys):
    stamps = np.random.default_rng(0).normal(size=(40, 3, 64, 64)).astype(np.float32)
    stamps[3] = np.nan
    stamps[:, :, 28:36, 28:36] += 20
    slow = predict_verb.predict("morphology", images=stamps)
    monkeypatch.setattr(predict_verb, "MANY", len(stamps))
    fast = predict_verb.predict("morphology", images=stamps)
    assert "runs the network" in capsys.readouterr().out
    assert fast.colnames == slow.colnames
    for name in slow.colnames:
        if slow[name].dtype.kind == "f":
            assert np.allclose(fast[name], slow[name], atol=0.01, equal_nan=True)
