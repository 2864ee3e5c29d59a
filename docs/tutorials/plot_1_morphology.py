"""
Morphology with and without deep learning
=========================================

Is a galaxy smooth, an edge-on disc, a spiral, barred or irregular? You can measure its shape and
give the numbers to a support vector machine, or give the pixels to a network. This page does both
with the same 600 labelled galaxies, and then asks what 50,000 change.

You need no trust in networks to follow it: every method is judged on galaxies that it has never
seen, all on the same ones, and every number has an interval.
"""

# %%
# The galaxies
# ------------
#
# They are drawn from a mock sky, as SDSS would see them in g, r and i: with its PSF, pixels and
# noise, neighbours and a few broken columns. So the true kind is known, and also whether its
# arms, bar or clumps stand out of the noise at all. The three parts never share a galaxy.

from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import torch
from astropy.table import Table
from skimage.data import camera

from deepfield.evaluate.by_method import confusions
from deepfield.evaluate.compare import compare
from deepfield.evaluate.trends import trends
from deepfield.evaluate.verdict import verdict
from deepfield.nets.layers import layer_table
from deepfield.recipes.morphology import SIZE, mock, morphology
from deepfield.report.confusion import confusion_matrices
from deepfield.report.figures import COLOURS, MARKERS, new_figure, tidy
from deepfield.report.stamps import stamp_wall
from deepfield.report.trends import trend_curves
from deepfield.rivals import morphometry
from deepfield.rivals.hog import Setting, features, picture
from deepfield.rivals.hog_svm import HogSvm
from deepfield.rivals.morphometry_svm import MorphometrySvm
from deepfield.rivals.stamps import prepare
from deepfield.weights.files import load, predictor, shipped

sky = mock(objects={"train": 600, "validation": 200, "test": 300}, seed=31)
kinds = sky.quantity("kind").classes
test = sky.part("test").take(torch.arange(300), epoch=0)
kind, visible = test.truth["kind"].numpy(), test.truth["visible"].numpy() > 0
print(f"{visible.mean():.0%} of the test galaxies show what they are")

# %%
# The wall has two of each kind: the one with the highest signal-to-noise, and below it one whose
# features are lost in the noise or the PSF. No method can be sure of the lower row: whoever
# promises more has seen the labels.

bright = test.truth["signal_to_noise"].numpy()
best = [np.argmax(np.where((kind == k) & visible, bright, 0)) for k in range(5)]
lost = [np.flatnonzero((kind == k) & ~visible)[0] for k in range(5)]
shown = best + lost
wall = stamp_wall(test.values[shown].numpy(), [kinds[kind[i]] for i in shown], columns=5)
wall

# %%
# Without: shape in numbers
# -------------------------
#
# The classical way reduces 12,288 pixels to a few dozen numbers: concentration, asymmetry,
# smoothness, Gini, M20, colours, spiral modes and more. Two of them already part the kinds, and
# overlap.

table = morphometry.features(test)
names = morphometry.names(test.channels)
print(f"{len(names)} features: {', '.join(names[:12])} ...")

plane = new_figure(6.5, 4)
axes = tidy(plane.add_subplot(), x="Gini", y="asymmetry")
gini, asymmetry = (table[:, names.index(name)].numpy() for name in ("gini", "asymmetry"))
for k, name in enumerate(kinds):
    of_kind = visible & (kind == k)
    axes.scatter(
        gini[of_kind], asymmetry[of_kind], s=14, color=COLOURS[k], marker=MARKERS[k], label=name
    )
axes.set_ylim(*np.nanquantile(asymmetry, [0.005, 0.995]))
axes.legend(fontsize=8)
plane

# %%
# A support vector machine draws borders in the space of all of them. Its settings are chosen on
# the validation galaxies.

morphometry_svm = MorphometrySvm("kind").fit(sky)

# %%
# Without: gradients in cells
# ---------------------------
#
# Before 2012 the best general features of images were local: cut the picture into cells, and count
# in each how much light changes into which of nine directions (Dalal & Triggs 05).

one = prepare(test.take(torch.tensor([best[kinds.index("spiral")]]))).image
setting = Setting(crop=0.75, cell=8, blur=1.0)
print(f"{features(one, setting).shape[1]} numbers a galaxy")

cells = new_figure(7, 3.4)
left, right = cells.subplots(1, 2)
seen = picture(one, setting)[0]
left.imshow(seen, origin="lower", cmap="gray")
left.set_title("stretched, blurred, cropped", fontsize=9)
slope_y, slope_x = np.gradient(seen)
at = slice(setting.cell // 2, None, setting.cell // 2)
right.quiver(*np.mgrid[: len(seen), : len(seen)][::-1, at, at], slope_x[at, at], slope_y[at, at])
right.set_aspect("equal")
right.set_title("gradients", fontsize=9)
for each in (left, right):
    each.set_xticks([])
    each.set_yticks([])
cells

# %%
# A histogram of directions has an up and a left, and the sky has none: so it is also shown its
# galaxies turned by quarters. Its settings were found on other galaxies, to save your time.

hog_svm = HogSvm(
    "kind", tuning=300, held_out=200, rows=1200, crops=(0.75,), cells=(8,), blurs=(1.0,)
).fit(sky)

# %%
# With: a network, from the same 600
# ----------------------------------
#
# It gets the pixels. Its layers are small convolutions in a row: maps get smaller and more of
# them, until 128 numbers a galaxy go into a classifier. Nobody tells it what to measure.

recipe = morphology(sky, epochs=6, batch_size=16, views=1)
layers = layer_table(recipe.net, test.take(torch.tensor([0])))
for layer in layers:
    if layer.kind in ("Conv2d", "Linear"):
        sees = f"sees {layer.receptive_field:.0f} px" if np.isfinite(layer.receptive_field) else ""
        print(f"{layer.kind:7s} {layer.shape!s:14s} {layer.parameters:7,} parameters  {sees}")
print(f"{sum(layer.parameters for layer in layers):,} parameters, 600 galaxies")

# %%
# It sees every galaxy six times, each time turned, mirrored, moved and under new noise. Where
# the validation loss rises while the training loss falls, a network learns its galaxies by heart.

run = Path(mkdtemp())
few = predictor(recipe, channels=sky.channels, size=SIZE).fit(sky, directory=run)
history = Table.read(run / "history.csv")

course = new_figure(6, 3.4)
axes = tidy(course.add_subplot(), x="epoch", y="cross-entropy")
for j, name in enumerate(("train_loss", "validation_loss")):
    axes.plot(
        history["epoch"], history[name], color=COLOURS[j], marker=MARKERS[j], label=name[:-5]
    )
axes.legend()
course

# %%
# With: the same network, from 50,000
# -----------------------------------
#
# These are the weights that ship with the package: the same architecture, trained for an hour on
# 50,000 mock galaxies. Its card holds what it scored then, and what the rivals scored with up to
# 10,000 of them, on 4,000 others.

many, card = load(shipped("morphology"))
print(f"learnt from {card.objects:,} galaxies of {card.data}")
for method, scores in card.scores.items():
    if isinstance(scores, dict):
        print(f"{method:20s} {scores['accuracy']:.3f}")

# %%
# All on the same galaxies
# ------------------------
#
# The interval is what would change with other test galaxies: 95 %, by resampling them.

methods = {
    "net": many,
    "net, 600 galaxies": few,
    "morphometry + SVM": morphometry_svm,
    "HoG + SVM": hog_svm,
}
comparison = compare(methods, recipe.task, sky.part("test"), name="morphology", progress=False)
print("accuracy                 all                   visible")
for method, found in comparison.intervals.items():
    each = [found[metric] for metric in ("accuracy", "accuracy_visible")]
    said = [f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]" for one in each]
    print(f"{method:20s}", "  ".join(said))

# %%
# From 600 galaxies the network is worse than the measured shapes, by many points: they hold what
# astronomers have learnt in a century, and it starts from nothing. From 50,000 it is better by
# many. So ask how many labels you have, or whether you can simulate.

print(verdict(comparison))
gap = comparison.gaps["morphometry + SVM"]["accuracy"]
behind = {
    method: comparison.scores[method]["accuracy"]
    for method in ("net, 600 galaxies", "morphometry + SVM")
}

# %%
# Where do they err?
# ------------------
#
# A row is a true kind, a column what the method said.

matrices = confusion_matrices(confusions(comparison), kinds)
matrices

# %%
# The errors of the good network are not spread evenly: they are where arms and bars drown in the
# noise. This curve is worth more than any single accuracy, because your survey has its own
# distribution of it.

curves = trend_curves(trends(comparison, ["feature_signal_to_noise", "signal_to_noise"], bins=5))
curves

# %%
# Where would it fool you?
# ------------------------
#
# Here are its surest errors among galaxies that do show their kind, then those among the others.
# Judge for yourself whether you would have said the same.

answer = comparison.predictions["net"]["kind"].probabilities.numpy()
kind = comparison.truth["kind"].numpy()
visible = comparison.truth["visible"].numpy() > 0
wrong = np.flatnonzero(answer.argmax(1) != kind)
wrong = wrong[np.lexsort((-answer[wrong].max(1), ~visible[wrong]))][:10]
errors = stamp_wall(
    comparison.batch.values[wrong].numpy(),
    [f"{kinds[kind[i]]}\n{kinds[answer[i].argmax()]}: {answer[i].max():.2f}" for i in wrong],
    columns=5,
)
errors

# %%
# And here are two things that are no galaxies: empty sky, and a photograph of a man with a camera.
# A classifier has no way to say so, its probabilities sum to one over the five kinds, and it is
# sure of both. The column ``out_of_domain`` can: it is the share of ordinary galaxies that lie
# closer to the training set.

few_rows = test.take(torch.arange(100))
sigma = few_rows.variance.sqrt().nan_to_num(posinf=0.0).expand_as(few_rows.values)
sky_alone = sigma * torch.from_numpy(np.random.default_rng(0).normal(size=sigma.shape)).float()
man = sky_alone + 3 * sigma * torch.from_numpy(camera()[::-8, ::8].copy())
strange = {}
for name, values in (("galaxies", few_rows.values), ("empty sky", sky_alone), ("a man", man)):
    said = many.predict(replace(few_rows, values=values))
    sure = said["kind"].probabilities.max(1).values.nanmedian()
    strange[name] = float((said["out_of_domain"].values > 0.99).float().mean())
    print(f"{name:10s} median probability {sure:.2f}, out of domain {strange[name]:.0%}")

# %%
# The photograph is found out every time. The empty sky is not: galaxies that drown in noise look
# just like it. So detect first, and ask only about what was detected; ``deepfield predict`` flags
# stamps in whose middle nothing stands out of the noise as ``nothing_seen``.

# %%
# What to take along
# ------------------
#
# - With a few hundred labels, measure shapes, or start from weights that have seen thousands.
# - With thousands, or a simulation that you believe, a network sees what is hard to describe.
# - Compare on the same unseen galaxies, with intervals, and against signal-to-noise.
# - Detect first, then ask for ``out_of_domain``, then for the kind.
#
# The same from the command line, with your images and labels, is ``deepfield train morphology``
# and ``deepfield evaluate morphology``: the page that it writes has these figures and more.
