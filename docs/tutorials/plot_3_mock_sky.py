"""
A sky whose truth is known
==========================

A network can only be as good as what it learnt from, and can only be judged where the truth is
known. So Deepfield begins with a mock sky. This page draws from it, and then checks it: is the
flux the flux, is the noise the noise, is a galaxy the same galaxy twice?
"""

# %%
# One galaxy, six surveys
# -----------------------
#
# A sky says what is out there, a survey says how it is seen: bands, pixels, PSF, depth. These are
# the same spiral's parameters under six surveys, each stamp 64 px of that survey.

from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import torch
from matplotlib.figure import Figure

from deepfield.data.hdf5 import open_hdf5
from deepfield.data.simulated import Simulated
from deepfield.mocks.bulge_disc import bulge_disc
from deepfield.mocks.clumpy import clumpy
from deepfield.mocks.fields import fields
from deepfield.mocks.gas import gas
from deepfield.mocks.kinds import kinds
from deepfield.mocks.lenses import lenses
from deepfield.mocks.mergers import mergers
from deepfield.mocks.scene import scene
from deepfield.render.imperfect import imperfect
from deepfield.report.colour import asinh_rgb
from deepfield.report.distributions import distributions
from deepfield.report.figures import COLOURS, new_figure, tidy
from deepfield.sky import surveys
from deepfield.sky.kinds import Kinds
from deepfield.sky.population import Population
from deepfield.verbs.simulate import simulate


def wall(images: dict[str, np.ndarray], columns: int = 6) -> Figure:
    """Pictures under their titles."""
    rows = -(-len(images) // columns)
    figure = new_figure(1.5 * columns, 1.75 * rows)
    for axes in (grid := figure.subplots(rows, columns, squeeze=False)).flat:
        axes.set_axis_off()
    for axes, (title, image) in zip(grid.flat, images.items(), strict=False):
        axes.imshow(image, origin="lower", cmap="gray")
        axes.set_title(title, fontsize=8)
    return figure


bright = Kinds(Population(signal_to_noise=(400.0, 1000.0), radius=(2.2, 3.2)))
spiral = 2
seen = {}
for survey in (surveys.sdss, surveys.des, surveys.hsc, surveys.lsst, surveys.hst, surveys.jwst):
    source = Simulated(survey(), {"test": 20}, seed=2, size=64, sky=bright, split="test")
    some = source.take(torch.arange(20), epoch=0)
    first = int((some.truth["kind"] == spiral).nonzero()[0])
    seen[survey.__name__] = asinh_rgb(some.values[first][None].numpy())[0]
wall(seen)

# %%
# Other skies
# -----------
#
# Mergers, lenses, clumpy discs, blends and whole fields come from the same house. For every object
# the truth is a row of numbers, and, where asked for, an image of each of its parts.

lens = lenses(objects={"test": 12}, seed=4, maps=("arc",), share=1.0).part("test")
arcs = lens.take(torch.arange(12), epoch=0)
strongest = int(arcs.truth["arc_signal_to_noise"].argmax())
clumps = clumpy(objects={"test": 12}, seed=4, signal_to_noise=(200.0, 300.0)).part("test")
disc = clumps.take(torch.tensor([1]), epoch=0)
pairs = mergers(objects={"test": 30}, seed=4, signal_to_noise=(500.0, 1000.0)).part("test")
merging = pairs.take(torch.arange(30), epoch=0)
torn = int(merging.truth["visibility"].nan_to_num().argmax())
sky = scene(objects={"test": 1}, seed=4, size=200, density=90.0).part("test")
field = sky.take(torch.tensor([0]), epoch=0)
labels = field.truth["segmentation"][0]
wall(
    {
        "lens": asinh_rgb(arcs.values[strongest][None].numpy())[0],
        "its arcs alone": np.arcsinh(
            arcs.truth["arc"][strongest].reshape(-1, 101, 101).sum(0).numpy()
        ),
        "merger": asinh_rgb(merging.values[torn][None].numpy())[0],
        "clumpy disc": asinh_rgb(disc.values.numpy())[0],
        "a field": asinh_rgb(field.values.numpy())[0],
        "whose pixel is whose": np.ma.masked_equal(labels.squeeze().numpy() % 20, 0),
    }
)

# %%
# Density fields have no objects. The lognormal field is there because what can be learnt from it
# is known exactly; the gas is painted on dark matter by laws that are not local.

density = fields(objects={"test": 1}, seed=1).part("test").take(torch.tensor([0]), epoch=0)
painted = gas(objects={"test": 1}, seed=1, maps=("gas_density", "flux")).part("test")
painted = painted.take(torch.tensor([0]), epoch=0)
wall(
    {
        "lognormal field": np.log1p(density.values[0, 0].clamp(min=-0.99).numpy()),
        "dark matter": np.log1p(painted.values[0, 0].clamp(min=-0.99).numpy()),
        "gas": np.log(painted.truth["gas_density"][0].squeeze().numpy()),
        "Lyman-alpha flux": painted.truth["flux"][0].squeeze().numpy(),
    },
    columns=4,
)

# %%
# Check 1: the flux is the flux
# -----------------------------
#
# Sum the pixels of bright galaxies and compare with the magnitude in the truth (AB, fluxes in nJy:
# 31.4 - 2.5 log10). What is missing is the light beyond the stamp, and it can only be missing.

galaxies = bulge_disc(objects={"test": 300}, seed=3, magnitude=(18.0, 20.0)).part("test")
batch = galaxies.take(torch.arange(300), epoch=0)
summed = 31.4 - 2.5 * torch.log10(batch.values[:, 0].sum((1, 2)))
small = batch.truth["radius_disc"] < 0.1 * batch.survey.pixel_scale * 64
offset = (summed - batch.truth["magnitude"])[small]
print(f"{int(small.sum())} small galaxies: median offset {offset.median():+.4f} mag")

fluxes = new_figure(6, 3.2)
axes = tidy(
    fluxes.add_subplot(), x="half-light radius of the disc (arcsec)", y="summed - true (mag)"
)
axes.plot(batch.truth["radius_disc"], summed - batch.truth["magnitude"], ".", color=COLOURS[0])
axes.axhline(0, color=COLOURS[6], lw=0.8)
fluxes

# %%
# Check 2: the noise is the noise
# -------------------------------
#
# A new epoch shows the same galaxies under fresh noise. So half of the squared difference of two
# epochs is the variance, and the batch says what that should be.

again = galaxies.take(torch.arange(300), epoch=1)
chi_square = ((batch.values - again.values).square() / 2 / batch.variance).mean()
print(f"measured over stated variance: {chi_square:.3f}")

# %%
# Check 3: the same galaxy twice
# ------------------------------
#
# Object 7 depends on the seed, the split and the number 7 alone: not on its batch, not on how many
# there are. Training and test never share one.

alone = galaxies.take(torch.tensor([7]), epoch=0)
print("the same in a batch of 300:", torch.equal(alone.values[0], batch.values[7]))
other = bulge_disc(objects={"train": 300}, seed=3, magnitude=(18.0, 20.0)).part("train")
shared = set(other.ids) & set(galaxies.ids)
print("shared by training and test:", len(shared))

# %%
# What a priori means
# -------------------
#
# A network that is trained here believes in these distributions. Nobody's galaxies are spread
# like that; how to tell a posterior another prior is shown in the page on measuring.

names = ("magnitude", "bulge_to_total", "radius_bulge", "radius_disc", "sersic_index_bulge",
         "axis_ratio_disc", "position_angle_disc")  # fmt: skip
prior = distributions([(galaxies.quantity(name), batch.truth[name].numpy()) for name in names])
prior

# %%
# What goes wrong at the telescope
# --------------------------------
#
# Real stamps have cosmic rays, bad columns, missing bands, satellites, correlated noise. A
# network that has never seen them calls them structure. These are stamps of sixty in which
# something was found: its pixels are masked and the object is flagged. What nobody finds stays in
# the image, as in life.

spoilt = Simulated(
    surveys.sdss(), {"test": 60}, seed=5, size=64, sky=bright,
    telescope=imperfect(resampled=0.5, spoiled=0.4), split="test",
)  # fmt: skip
batch = spoilt.take(torch.arange(60), epoch=0)
flagged = batch.flags.nonzero()[:6, 0]
shown = batch.values[flagged].nan_to_num()
wall({f"flags {int(batch.flags[i])}": asinh_rgb(shown[k][None].numpy())[0]
      for k, i in enumerate(flagged)})  # fmt: skip

# %%
# Seven decades of light
# ----------------------
#
# Galaxies span more brightness than any screen, or any network's first layer. In a linear image
# only the core is there; the asinh of light over noise shows core and outskirts, and it is what
# the networks' first layer does.

one = kinds(objects={"test": 40}, seed=6, signal_to_noise=(2000.0, 2500.0), spoiled=0.0)
one = one.part("test").take(torch.arange(40), epoch=0)
number = int((one.truth["kind"] == spiral).nonzero()[0])
light = (one.values[number, 1] / one.variance[number, 1].sqrt()).numpy()
wall({"linear": light, "asinh": np.arcsinh(light / 3)}, columns=2)

# %%
# To a file
# ---------
#
# The same as ``deepfield simulate kinds --objects 50 --out sky.h5``. Beside the file lies a page
# with what is in it. Other programs read the file as HDF5.

written = simulate("kinds", objects=50, out=Path(mkdtemp()) / "sky.h5", seed=8)
stored = open_hdf5(written)
print(len(stored), "objects,", len(stored.take(torch.arange(1), 0).truth), "true quantities each")
