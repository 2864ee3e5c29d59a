"""
Redshifts from six magnitudes
=============================

No image, six numbers a galaxy: here a deep network has no natural advantage, and the classical
methods are strong. This page trains a small committee of networks in seconds, beside the nearest
neighbours that surveys have used for decades, and asks both for a probability density that means
what it says.
"""

# %%
# A catalogue
# -----------
#
# Galaxies brighter than 23.5 mag in i as LSST would measure them after ten years, with gaps. Their
# redshifts are known because the sky is a mock.

import numpy as np
import torch

from deepfield.data.simulated_photometry import SimulatedPhotometry
from deepfield.data.subset import Subset
from deepfield.evaluate.compare import compare
from deepfield.evaluate.measurements import coverages, histograms, measurements
from deepfield.evaluate.recalibrated import Recalibrated
from deepfield.recipes.photoz_colours import photoz_colours
from deepfield.report.coverage_curves import coverage_curves
from deepfield.report.figures import COLOURS, new_figure, tidy
from deepfield.report.predicted_true import predicted_true
from deepfield.report.rank_histograms import rank_histograms
from deepfield.rivals.nearest_neighbours_redshift import NearestNeighboursRedshift
from deepfield.weights.files import predictor

sky = SimulatedPhotometry(
    {"train": 4000, "validation": 800, "calibrate": 1000, "test": 1000}, seed=71
)
test = sky.part("test").take(torch.arange(1000), epoch=0)
redshift = test.truth["redshift"].numpy()
print(f"{', '.join(test.channels)}; redshifts {redshift.min():.2f} to {redshift.max():.2f}")
fluxes = test.values.numpy()
colour = 2.5 * np.log10(np.maximum(fluxes[:, 2], 1e-3) / np.maximum(fluxes[:, 1], 1e-3))

plane = new_figure(6, 3.4)
axes = tidy(plane.add_subplot(), x="redshift", y="g - r (mag)")
measured = np.isfinite(test.variance.numpy()[:, 1:3]).all(1)
axes.plot(redshift[measured], colour[measured], ".", ms=3, color=COLOURS[0])
axes.set_ylim(*np.nanquantile(colour[measured], [0.005, 0.995]))
plane

# %%
# One colour is not enough: the same value occurs at very different redshifts. That is what a
# density with two peaks is for.
#
# Two methods
# -----------
#
# Nearest neighbours: the galaxies with the most similar colours vote, after their number and their
# weights were chosen on the validation galaxies. The network: two small perceptrons, each gives
# five Gaussians, and the committee is their mean.

neighbours = NearestNeighboursRedshift("redshift").fit(sky)
recipe = photoz_colours(sky, members=2, width=64, epochs=16, batch_size=64)
network = predictor(recipe, channels=sky.channels, size=1).fit(sky)

# %%
# The network is calibrated as it is trained: its Gaussians became wider or narrower until they
# held the redshifts of the validation galaxies as often as they say. Whatever else is too narrow
# or too wide can be mended too, by a thousand galaxies that are set apart for it. On the same
# thousand others:

methods = {
    "net": network,
    "neighbours": neighbours,
    "neighbours, recalibrated": Recalibrated(neighbours).fit(sky),
}
comparison = compare(methods, recipe.task, sky.part("test"), name="redshifts", progress=False)
metrics = ("sigma_mad", "outlier_fraction_15", "pit_ks")
print(f"{'':24s}", *(f"{metric:>30s}" for metric in metrics))
for method, found in comparison.intervals.items():
    said = [f"{found[m].value:.4f} [{found[m].low:.4f}, {found[m].high:.4f}]" for m in metrics]
    print(f"{method:24s}", *(f"{each:>30s}" for each in said))

# %%
# ``sigma_mad`` is the scatter of the errors over 1 + z, ``outlier_fraction_15`` how many are off
# by more than 0.15, ``pit_ks`` how far the densities are from calibrated: less is better.
# Read the intervals before you name a winner. From 4,000 galaxies the neighbours are hard to
# beat: six numbers need no network to find their features.

every = measurements(comparison)
points = predicted_true(every)
points

# %%
# Is the density true?
# --------------------
#
# If it is, the true redshift lies below the 10 % quantile in 10 % of all cases, and so on: the
# histogram is flat, within the band that chance allows.

ranks = rank_histograms(histograms(every))
ranks

# %%

held = coverage_curves(coverages(every))
held

# %%
# Three galaxies, the widest of densities, a typical one and one of the narrowest; the line is the
# truth.

posterior = comparison.predictions["net"]["posterior"]
spread = (posterior.quantiles([0.84]) - posterior.quantiles([0.16]))[:, 0, 0]
order = spread.argsort(descending=True)
densities = new_figure(7, 2.6)
for axes, row in zip(
    densities.subplots(1, 3), (order[0], order[len(order) // 2], order[-10]), strict=True
):
    tidy(axes, x="redshift", y="density")
    axes.hist(posterior.of("redshift")[row].numpy(), 40, density=True, color=COLOURS[0], alpha=0.6)
    axes.axvline(float(comparison.truth["redshift"][row]), color=COLOURS[1])
densities

# %%
# Where would it fool you?
# ------------------------
#
# Spectra are taken of bright galaxies, and the network is asked about faint ones. So train the
# same network on the brighter half alone, and ask about the fainter half.

limit = float(test.truth["magnitude"].median())


class Bright(Subset):
    """The galaxies brighter than the limit, in every split."""

    def __init__(self, source: SimulatedPhotometry) -> None:
        magnitude = source.take(torch.arange(len(source)), epoch=0).truth["magnitude"]
        super().__init__(source, np.flatnonzero(magnitude < limit))

    def part(self, split: str) -> "Bright":
        """Those of another split."""
        return Bright(sky.part(split))


bright = Bright(sky.part("train"))
recipe = photoz_colours(bright, members=2, width=64, epochs=16, batch_size=64)
shallow = predictor(recipe, channels=sky.channels, size=1).fit(bright)
faint = comparison.truth["magnitude"].numpy() > limit
said = {
    "trained on all": comparison.predictions["net"],
    "trained on the bright": shallow.predict(comparison.batch),
}
true = comparison.truth["redshift"].numpy()
scatter = {}
for name, prediction in said.items():
    median = prediction["posterior"].quantiles([0.5])[:, 0, 0].numpy()
    error = ((median - true) / (1 + true))[faint]
    scatter[name] = float(1.4826 * np.median(np.abs(error - np.median(error))))
    odd = float((prediction["out_of_domain"].values.numpy()[faint] > 0.99).mean())
    print(f"{name:22s} sigma_mad of faint galaxies {scatter[name]:.4f}, out of domain {odd:.0%}")
