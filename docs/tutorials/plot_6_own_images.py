"""
Your images to a catalogue
==========================

What happens with images that nobody prepared: a folder of stamps with a broken file among them,
and one wide picture without a calibration. The catalogue keeps every row, and says of each what
it does not know.
"""

# %%
# A folder of stamps
# ------------------
#
# Thirty FITS files as a survey would deliver them: three bands as planes, with a WCS. One file is
# cut off in the middle, one is empty. A table says which galaxies are wanted, in its own order and
# with its own columns.

from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import torch
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from skimage.data import hubble_deep_field

from deepfield.catalogue.cutouts import cutouts
from deepfield.catalogue.detect import detect
from deepfield.mocks.kinds import kinds
from deepfield.nouns.flags import Flag
from deepfield.report.field import field_with_detections
from deepfield.report.stamps import stamp_wall
from deepfield.rivals.morphometry_forest import MorphometryForest
from deepfield.verbs.predict import predict
from deepfield.weights.files import load, shipped

sky = kinds(objects={"train": 300, "validation": 100, "test": 30}, seed=61, spoiled=0.0)
batch = sky.part("test").take(torch.arange(30), epoch=0)
work = Path(mkdtemp())
folder = work / "stamps"
folder.mkdir()
for i, values in enumerate(batch.values.numpy()):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [150.0 + 0.01 * i, 2.2], [32.5, 32.5]
    wcs.wcs.cdelt = [-batch.survey.pixel_scale / 3600, batch.survey.pixel_scale / 3600]
    fits.PrimaryHDU(values, wcs.to_header()).writeto(folder / f"galaxy{i:02d}.fits")
whole = (folder / "galaxy03.fits").read_bytes()
(folder / "galaxy03.fits").write_bytes(whole[: len(whole) // 3])
fits.PrimaryHDU(np.full((3, 64, 64), np.nan, np.float32)).writeto(
    folder / "galaxy04.fits", overwrite=True
)
wanted = Table(
    {
        "file": [f"galaxy{i:02d}.fits" for i in range(30)][::-1],
        "redshift": np.linspace(0.02, 0.1, 30),
    }
)
wanted.write(work / "wanted.csv")

# %%
# From the command line this is ``deepfield predict morphology --images stamps --labels wanted.csv
# --out catalogue.fits``.

catalogue = predict(
    "morphology", images=folder, labels=work / "wanted.csv", out=work / "catalogue.fits"
)
lost = np.flatnonzero(np.asarray(catalogue["kind"]) == "")
columns = ["object_id", "redshift", "kind", "kind_spiral", "out_of_domain", "flags"]
print(catalogue[columns][:5])
print("without an answer:")
print(catalogue[columns][lost])

# %%
# The two bad files are rows with flags, everything else is answered. ``flags`` are bits:

for flag in Flag:
    if int(flag) & int(np.bitwise_or.reduce(np.asarray(catalogue["flags"]))):
        print(f"{int(flag):6d} {flag.name}")

# %%
# Are the answers right, and what would measuring shapes have said, with a forest that learns from
# 300 galaxies? Here the truth is known; of your own galaxies label some and use
# ``deepfield evaluate``.

truth = batch.truth["kind"].numpy()[::-1]
classes = sky.quantity("kind").classes
answered = np.asarray(catalogue["kind"]) != ""
said = np.array([classes.index(k) if k else -1 for k in np.asarray(catalogue["kind"])])
right = float((said == truth)[answered].mean())
forest = MorphometryForest("kind").fit(sky)
rival = forest.predict(batch)["kind"].probabilities.argmax(1).numpy()[::-1]
by_shape = float((rival == truth)[answered].mean())
print(f"right: network {right:.2f}, morphometry + forest {by_shape:.2f}, of {answered.sum()}")

# %%
# One wide picture
# ----------------
#
# Now a real image, and a hard one: the Hubble Deep Field as a JPEG, without noise map, PSF or flux
# scale. Objects are detected as SExtractor would, neighbours masked, and each is cut out at the
# scale that the weights learnt. The rows of a JPEG run downwards, its colours are red first.

picture = np.moveaxis(hubble_deep_field()[::-1, :, ::-1], -1, 0).astype(np.float32)
picture = picture[:, 100:500, 100:600]
table, segments = detect(picture.sum(0), threshold=4.0, minimum_area=12)
stamps = cutouts(
    picture,
    ("blue", "green", "red"),
    table,
    segments,
    magnification=2.5,
    flags=Flag.DISPLAY_IMAGE,
)
network, card = load(shipped("morphology"))
answer = network.predict(stamps)
kind = answer["kind"].probabilities.argmax(1).numpy()
strange = answer["out_of_domain"].values.numpy() > 0.99
print(f"{len(table)} objects, {strange.mean():.0%} of them unlike what the network learnt")

# %%
# Objects that are out of domain are drawn thin, and no kind is claimed for them: what a network
# that learnt SDSS says of Hubble's galaxies is extrapolation.

names = [classes[k] for k in kind]
field = field_with_detections(
    picture,
    x=table["x"].value,
    y=table["y"].value,
    semi_major=3 * table["semi_major"].value,
    semi_minor=3 * table["semi_minor"].value,
    position_angle=table["position_angle"].value,
    kinds=["" if odd else name for odd, name in zip(strange, names, strict=True)],
    classes=classes,
)
field

# %%
# The largest objects with what is said of them. Look at them before you believe a pie chart.

largest = np.argsort(-np.asarray(table["semi_major"].value))[:12]
wall = stamp_wall(
    stamps.values[largest].numpy(),
    [f"{'?' if strange[i] else names[i]}" for i in largest],
)
wall

# %%
# ``deepfield demo`` does the same with the whole field and writes a catalogue and a page.
