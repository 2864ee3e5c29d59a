"""
Measuring galaxies, with errors that hold
=========================================

How bright, large, concentrated and flat are a galaxy's bulge and disc? A least-squares fit has
answered for decades. A network answers tens of times as fast, and gives the whole posterior.
This page asks of both: how wrong are they, and do they know it?
"""

# %%
# Galaxies, and two ways to measure them
# --------------------------------------
#
# Bulges in discs as HST's F160W sees them, alone in their stamps, at signal-to-noise ratios of 5
# to 400, each with its own PSF. The network has the weights that ship with the package. The rival
# is our own fit of the same model by Levenberg and Marquardt's method, many galaxies at a time,
# started from the image's moments; its posterior is the covariance at the best fit. It is told the
# true PSF and noise: no fit in life is so lucky.

from dataclasses import replace

import numpy as np
import torch

from deepfield.evaluate.compare import compare
from deepfield.evaluate.degeneracy import degenerate
from deepfield.evaluate.measurements import coverages, measurements
from deepfield.recipes.structure import mock, structure
from deepfield.report.corner import corner
from deepfield.report.coverage_curves import coverage_curves
from deepfield.report.figures import label
from deepfield.report.predicted_true import predicted_true
from deepfield.report.stamps import stamp_wall
from deepfield.rivals.batched_fit import BatchedBulgeDisc
from deepfield.tasks.new_prior import Between, under
from deepfield.weights.files import load, shipped

OBJECTS = 100
sky = mock(objects={"test": OBJECTS}, seed=41)
test = sky.part("test").take(torch.arange(OBJECTS), epoch=0)
bright = test.truth["signal_to_noise"].argsort(descending=True)[::12].numpy()
wall = stamp_wall(
    test.values[bright].numpy(),
    [f"S/N {test.truth['signal_to_noise'][i]:.0f}" for i in bright],
    columns=5,
)
wall

# %%
# One run, the same galaxies, a clock.

network, card = load(shipped("structure"))
methods = {"net": network, "least squares": BatchedBulgeDisc()}
task = structure(sky).task
comparison = compare(methods, task, sky.part("test"), name="structure", progress=False)
for method, seconds in comparison.seconds_per_object.items():
    print(f"{method:14s} {1000 * seconds:6.1f} ms a galaxy")

# %%
# How wrong?
# ----------
#
# Every point is a galaxy, its colour the signal-to-noise. Where a fit has run into a corner, its
# errors are not small and not symmetric: look for the far-off points.

every = measurements(comparison)
names = ("magnitude", "bulge_to_total", "log_radius_disc", "sersic_index_bulge")
few = {
    method: replace(found, quantities={name: found.quantities[name] for name in names})
    for method, found in every.items()
}
points = predicted_true(few)
points

# %%
# The same as numbers. A gap below zero with an interval that does not reach zero is a difference
# that other galaxies would show too.

print("rmse                    network   least squares   network minus fit, 95 %")
gaps = comparison.gaps["least squares"]
for metric in ("rmse_magnitude", "rmse_bulge_to_total", "rmse_log_radius_disc"):
    ours, theirs = (comparison.scores[method][metric] for method in methods)
    gap = gaps[metric]
    print(f"{metric:22s} {ours:8.3f} {theirs:12.3f}       [{gap.low:+.3f}, {gap.high:+.3f}]")

# %%
# Do they know it?
# ----------------
#
# Of the intervals that claim to hold the truth with 68 %, 68 % should. On the diagonal a method is
# honest, below it is too sure. A covariance believes in a parabola around the best fit; with a
# bulge of a few noisy pixels the likelihood is no parabola.

held = coverages(few)
curves = coverage_curves(held)
curves

# %%
# What cannot be known
# --------------------
#
# Behind a PSF, bulge and disc may trade places, and a small steep bulge looks like a larger
# shallow one. This is the galaxy of the sample whose posterior is the most degenerate. The network
# says what else it may be; the fit describes the solution that it ran into. Dashed is the truth.

together = every["net"].together()
row, tangled = degenerate(together, most=4)
samples = {
    method: np.stack([found.quantities[name].samples[row].numpy() for name in tangled], 1)
    for method, found in every.items()
}
known = {one.name: one for one in together}
truth = [float(known[name].true[row]) for name in tangled]
triangle = corner(samples, [label(name, known[name].unit) for name in tangled], truth=truth)
triangle

# %%
# Your prior, not ours
# --------------------
#
# The network learnt with a flat prior on the bulge fraction, which no real sample has. Samples can
# be weighed anew. Where few of them count after that the answer is a guess, and where none does,
# because the pixels contradict the prior, it is NaN.

flat = network.predict(test)["posterior"]
discs = under(flat, task, {"bulge_to_total": Between(0.0, 0.3)})
at = flat.names.index("bulge_to_total")
widths = [
    float((p.quantiles([0.84])[:, at, 0] - p.quantiles([0.16])[:, at, 0]).nanmedian())
    for p in (flat, discs)
]
counted = discs.effective_samples()
print(f"width of B/T: {widths[0]:.3f} with the training's prior, {widths[1]:.3f} with B/T < 0.3")
print(
    f"effective samples: {flat.effective_samples()[0]:.0f} before, {counted.nanmedian():.0f} after"
)
print(f"galaxies that cannot be such discs: {counted.isnan().float().mean():.0%}")

# %%
# Where would it fool you?
# ------------------------
#
# It learnt galaxies that are alone. So put a neighbour of the same kind, one magnitude fainter,
# 15 px away, and tell nobody.

neighbour = 0.4 * test.values.roll(1, 0).roll((9, 12), (2, 3))
crowded = replace(test, values=test.values + neighbour, psf=test.psf)
said = network.predict(crowded)
alone = network.predict(test)
true = test.truth["bulge_to_total"]
errors = {
    name: float((p["posterior"].scalar("bulge_to_total") - true).square().mean().sqrt())
    for name, p in (("alone", alone), ("with a neighbour", said))
}
strange = {
    name: float((p["out_of_domain"].values > 0.99).float().mean())
    for name, p in (("alone", alone), ("with a neighbour", said))
}
for name in errors:
    print(f"{name:18s} rmse of B/T {errors[name]:.3f}, out of domain {strange[name]:.0%}")

# %%
# Its answers get much worse, and ``out_of_domain`` sees that of a few only: a neighbour's light
# looks like a larger galaxy's. For crowded fields mask the neighbours, as ``deepfield fit`` does
# by itself, or train on crowded stamps: ``Neighbours(BulgeDisc())`` draws them.
