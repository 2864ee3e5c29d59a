"""The page of a simulated set: what it looks like, and how its truth is distributed."""

import matplotlib.figure
import numpy as np
import torch

from deepfield.nouns.batch import Batch
from deepfield.nouns.flags import Flag
from deepfield.report.colour import asinh_rgb
from deepfield.report.distributions import distributions
from deepfield.report.figures import new_figure
from deepfield.report.parts import Figure, Part, Table
from deepfield.report.spectra import spectra_wall
from deepfield.report.stamps import stamp_wall
from deepfield.report.survey_scale import survey_scale

SHOWN = 24
MAPPED = 6
SPECTRA = 5


def simulated_parts(batch: Batch, count: int) -> list[Part]:
    """Stamps, maps, distributions and flags of some objects of a simulated set.

    Args:
        batch: the first objects of the set; images are shown if its grid is (y, x).
        count: objects in the whole set.

    Returns:
        parts for ``page``.
    """
    parts: list[Part] = []
    truth = [] if batch.truth is None else batch.truth.items_by_quantity()
    if batch.grid == ("y", "x"):
        some = batch.take(torch.arange(min(SHOWN, len(batch))))
        parts.append(
            Figure(
                stamp_wall(_shown(some), _captions(some), sigma=survey_scale(some)),
                f"The first {len(some)} of {count:,} objects, as a source gives them.",
                title="What they look like",
            )
        )
    if batch.grid == ("wavelength",):
        parts.append(
            Figure(
                spectra_wall(batch.values[:SPECTRA, 0].numpy(), _captions(batch)[:SPECTRA]),
                f"The first of {count:,} objects, with noise.",
                title="What they look like",
            )
        )
    maps = [(q, v) for q, v in truth if q.kind == "map" and v.ndim == 3]
    if maps and batch.grid == ("y", "x"):
        parts.append(
            Figure(
                _map_wall(batch.take(torch.arange(min(MAPPED, len(batch))))),
                "Where each part is: noiseless light per pixel, asinh stretched.",
                title="Truth maps",
            )
        )
    numbers = [(q, v.numpy()) for q, v in truth if q.kind != "map"]
    if numbers:
        parts.append(
            Figure(
                distributions(numbers),
                f"What is known of {len(batch):,} of {count:,} objects.",
                title="Distributions",
            )
        )
    parts.append(_flags(batch))
    return parts


def _shown(batch: Batch) -> np.ndarray:
    """Bands make a colour picture; of other channels the first is shown."""
    return batch.values.numpy()[:, : None if batch.survey else 1]


def _captions(batch: Batch) -> list[str]:
    """The class of every object, or its first number."""
    truth = [] if batch.truth is None else batch.truth.items_by_quantity()
    for quantity, values in truth:
        if quantity.classes and values.ndim == 1:
            return [quantity.classes[i] if i >= 0 else "" for i in values.tolist()]
    for quantity, values in truth:
        if values.ndim == 1 and quantity.kind != "map":
            return [f"{quantity.name.replace('_', ' ')} {v:.3g}" for v in values.tolist()]
    return [""] * len(batch)


def _map_wall(batch: Batch) -> matplotlib.figure.Figure:
    """A row an object: the image, and each of its maps."""
    assert batch.truth is not None
    maps = [(q, v.float()) for q, v in batch.truth.items_by_quantity() if q.kind == "map"]
    maps = [(q, v) for q, v in maps if v.ndim == 3]
    across = 1 + len(maps)
    figure = new_figure(1.3 * across, 1.4 * len(batch))
    grid = figure.subplots(len(batch), across, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for row, picture in zip(
        grid, asinh_rgb(_shown(batch), sigma=survey_scale(batch)), strict=True
    ):
        row[0].imshow(picture, origin="lower", interpolation="nearest")
    for column, (quantity, values) in enumerate(maps, start=1):
        grid[0, column].set_title(quantity.name, fontsize=8)
        for row, one in zip(grid, values, strict=True):
            stretched = torch.asinh(one / one.max().clamp(min=1e-30) * 30)
            row[column].imshow(stretched.numpy(), origin="lower", cmap="magma", vmin=0)
    return figure


def _flags(batch: Batch) -> Table:
    flags = torch.zeros(len(batch), dtype=torch.int64) if batch.flags is None else batch.flags
    rows = [
        (Flag.describe(int(flag)), int((flags & int(flag) != 0).sum()))
        for flag in Flag
        if bool((flags & int(flag) != 0).any())
    ]
    return Table(
        ["flag", "objects"],
        [("none", int((flags == 0).sum())), *rows],
        title="Flags",
        caption=f"Of {len(batch):,} objects.",
    )
