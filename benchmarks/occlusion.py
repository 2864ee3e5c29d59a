"""Exact occlusion: ours beside captum's on one image and a plain network, in one process.

The network is the one of Dominguez Sanchez et al. 2018 (MNRAS 476, 3661): convolutions of 32 6x6,
64 5x5, 128 2x2 and 128 3x3, two poolings and a dense layer of 64; 64 x 64 px, a window of 8 px
every 2 px: 841 windows. Captum runs with its defaults, and with channels
last at several windows at a time, of which the best counts. Times are of the processor, so that a
busy machine matters less; the runs that count are repeated in turn and the fastest of each is
compared; the last line is JSON. ``error`` is the largest difference of a window's loss from one
image at a time, in the network's units and float32; ``error_float64`` the same in float64, and
``rounding_of_plain`` how far one image at a time in float32 is from float64.
"""

import copy
import json
import os
import time
from dataclasses import replace

import numpy as np
import torch
from captum.attr import Occlusion
from torch import nn

from deepfield.explain.fast_occlusion import fast_losses, fast_occlusion
from deepfield.explain.occlusion import losses
from deepfield.explain.target import output
from deepfield.nouns.batch import Batch

SIDE, WINDOW, STRIDE, REPEATS = 64, 8, 2, 2
AT_A_TIME = (1, 4, 16)


class Plain(nn.Sequential):
    """Layers on the values of a batch, or on a tensor as captum gives it."""

    def forward(self, images):
        """[object, class]."""
        return super().forward(images.values if isinstance(images, Batch) else images)


def network():
    """With the weights of a seed."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 32, 6, padding=3), nn.ReLU(), nn.Dropout(0.5)]
    layers += [nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25)]
    layers += [nn.Conv2d(64, 128, 2, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25)]
    layers += [nn.Conv2d(128, 128, 3, padding=1), nn.ReLU(), nn.Dropout(0.25), nn.Flatten()]
    side = SIDE // 4
    layers += [nn.Linear(128 * side * side, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 2)]
    return Plain(*layers).eval()


def timed(run):
    """Seconds of the processor."""
    began = time.process_time()
    run()
    return time.process_time() - began


def main():
    """Measure, print a table and one line of JSON."""
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    net, last = network(), network().to(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(1)
    image = torch.randn(1, 1, SIDE, SIDE, generator=generator)
    batch = Batch(np.array(["a"]), image, ("g",))

    def captum(model, **settings):
        explainer = Occlusion(model)
        windows = {"sliding_window_shapes": (1, WINDOW, WINDOW), "strides": (1, STRIDE, STRIDE)}
        with torch.no_grad():
            return explainer.attribute(image, target=0, **windows, **settings)

    def ours():
        return fast_occlusion(output(net, 0), batch, WINDOW, STRIDE)

    maps = {}
    runs = {
        "deepfield": lambda: maps.update(deepfield=ours()),
        "captum": lambda: maps.update(captum=captum(net)),
    }
    for number in AT_A_TIME:
        settings = {"model": last, "perturbations_per_eval": number}
        runs[f"captum {number} channels_last"] = lambda settings=settings: captum(**settings)
    ours()  # the first call allocates
    seconds = {name: timed(run) for name, run in runs.items()}
    best = min((name for name in runs if name != "deepfield"), key=seconds.__getitem__)
    for _ in range(REPEATS - 1):  # those that count, one after the other
        for name in {"deepfield", "captum", best}:
            seconds[name] = min(seconds[name], timed(runs[name]))
    for name, value in seconds.items():
        print(f"{name:28}{value:8.3f} s {value / seconds['deepfield']:8.1f}")
    exact = losses(output(net, 0), batch, WINDOW, STRIDE)
    error = (fast_losses(output(net, 0), batch, WINDOW, STRIDE) - exact).abs().max()
    double, doubled = copy.deepcopy(net).double(), replace(batch, values=image.double())
    every = (WINDOW, WINDOW)
    precise = losses(output(double, 0), doubled, *every)
    error_double = (fast_losses(output(double, 0), doubled, *every) - precise).abs().max()
    rounding = (losses(output(net, 0), batch, *every) - precise).abs().max()
    half = copy.deepcopy(net).bfloat16()

    def in_bf16(some):
        return half(some.values.bfloat16())[:, 0].float()

    # A few windows tell how alike the maps are; the time means something only where the
    # processor has bfloat16, so that none is given.
    rough, fine = (fast_losses(t, batch, WINDOW, WINDOW) for t in (in_bf16, output(net, 0)))
    correlation = np.corrcoef(rough.flatten().numpy(), fine.flatten().numpy())[0, 1]
    figures = {
        "ratio": round(seconds["captum"] / seconds["deepfield"], 2),
        "ratio_best": round(seconds[best] / seconds["deepfield"], 2),
        "best": best,
        "error": float(error),
        "error_float64": float(error_double),
        "rounding_of_plain": float(rounding),
        "largest_loss": float(exact.abs().max()),
        "correlation_bf16": round(float(correlation), 4),
        "from_captum": float((maps["deepfield"] - maps["captum"]).abs().max()),
    }
    print(json.dumps({"name": "occlusion", **figures}))


if __name__ == "__main__":
    main()
