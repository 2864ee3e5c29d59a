"""Deployment: networks on the fastest backend beside eager float32 PyTorch, in one process.

The trunk of the shipped morphology network and torchvision's resnet18 (64 px stamps, random
weights) run on held-out galaxies of the mock sky, as ``predict`` hands them over: 128 at a time,
on one thread. Backends run in turn, times are of the processor, the fastest run of each counts;
the last line is JSON. ``ratio`` is the smaller of the two; ``ratio_predict`` is of the whole way
from a Batch to answers, each object looked at as often as the recipe asks. ``change`` is how far
the answers of 99 % of the objects move, in units of their spread.
"""

import argparse
import json
import time

import torch
import torchvision
from torch import nn

from deepfield.deploy.backends import BACKENDS, QUICK
from deepfield.deploy.fastest import fastest
from deepfield.nets.network import Network
from deepfield.recipes import morphology
from deepfield.tasks.classification import Classification
from deepfield.train.trained import Trained
from deepfield.train.training import Training
from deepfield.weights.files import load, shipped

OBJECTS = 256


class Resnet(nn.Sequential):
    """torchvision's resnet18 on six stretched channels, up to its features."""

    def __init__(self):
        net = torchvision.models.resnet18()
        net.conv1 = nn.Conv2d(6, 64, 7, stride=2, padding=3, bias=False)
        net.fc = nn.Identity()
        super().__init__(net)


def resnet(question):
    """A predictor like that of a recipe, with the weights of a seed."""
    torch.manual_seed(0)
    net = Network(Resnet(), outputs=len(question.classes), channels=3)
    return Trained(net, Classification(question), Training(), ("g", "r", "i"), 64)


def seconds(run, repeats):
    """Of the processor, the fastest of a few."""
    best = float("inf")
    for _ in range(repeats):
        began = time.process_time()
        run()
        best = min(best, time.process_time() - began)
    return best


def main():
    """Measure, print a table and one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="leave torch.compile out")
    backends = QUICK if parser.parse_args().quick else BACKENDS
    torch.set_num_threads(1)
    path = shipped("morphology")
    assert path is not None
    learnt, _ = load(path)
    source = morphology.mock(objects={"test": OBJECTS}, seed=11).part("test")
    batch = source.take(torch.arange(OBJECTS), 0)
    figures = {}
    for name, trained in {"morphology": learnt, "resnet18": resnet(learnt.task.quantity)}.items():
        choice = fastest(trained, batch, backends=backends)
        print(name)
        for trial in choice.trials:
            print(
                f"  {trial.backend:18}{trial.milliseconds:8.3f} ms  change {trial.change:.1e}  "
                f"{trial.note}"
            )
        whole = [seconds(lambda p=p: p.predict(batch), 3) for p in (trained, choice.deployed)]
        chosen = next(trial for trial in choice.trials if trial.backend == choice.backend)
        figures[f"ratio_{name}"] = round(choice.ratio, 3)
        figures[f"backend_{name}"] = choice.backend
        figures[f"change_{name}"] = chosen.change
        figures[f"milliseconds_{name}"] = round(chosen.milliseconds, 4)
        figures[f"ratio_predict_{name}"] = round(whole[0] / whole[1], 3)
    ratio = min(figures["ratio_morphology"], figures["ratio_resnet18"])
    print(json.dumps({"name": "deploy", "ratio": ratio, **figures}))


if __name__ == "__main__":
    main()
