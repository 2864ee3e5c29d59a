"""Draws the gallery: every kind of object in every survey, and fields. Run: python docs/gallery.py

Writes ``gallery_stamps.jpg`` and ``gallery_fields.jpg`` beside this file (about two minutes).
"""

from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from deepfield.data.simulated import Simulated
from deepfield.data.simulated_fields import SimulatedFields
from deepfield.nouns.sky import Sky
from deepfield.nouns.survey import Survey
from deepfield.report.colour import asinh_rgb
from deepfield.report.figures import new_figure
from deepfield.report.survey_scale import survey_scale
from deepfield.sky import surveys
from deepfield.sky.blends import Blends
from deepfield.sky.bulge_disc import BulgeDisc
from deepfield.sky.clumpy import Clumpy
from deepfield.sky.counts import Counts
from deepfield.sky.distant import Distant
from deepfield.sky.encounters import Encounters
from deepfield.sky.fields import DensityField
from deepfield.sky.kinds import Kinds
from deepfield.sky.lenses import Lenses
from deepfield.sky.mergers import Mergers
from deepfield.sky.neighbours import Neighbours
from deepfield.sky.painted_gas import PaintedGas
from deepfield.sky.population import KIND, Population
from deepfield.sky.positions import Positions
from deepfield.sky.scenes import Scenes

HERE = Path(__file__).parent
SURVEYS = (
    *(surveys.sdss, surveys.decals, surveys.des, surveys.kids, surveys.hsc, surveys.lsst),
    *(surveys.euclid_nisp, surveys.euclid_vis, surveys.roman, surveys.hst_f160w),
    *(surveys.hst, surveys.jwst),
)
SIZE = 80
BRIGHT = Kinds(Population(signal_to_noise=(400.0, 1000.0), radius=(2.2, 3.2)))
SKIES: dict[str, Sky] = {
    "bulge + disc": BulgeDisc(
        magnitude=(19.0, 20.0), log_radius_bulge=(0.3, 0.6), log_radius_disc=(0.8, 1.0)
    ),
    "clumpy": Clumpy(signal_to_noise=(200.0, 300.0), clumps=(4, 8)),
    "distant": Neighbours(Distant(), Counts(density=20.0)),
    "merger": Mergers(
        Encounters(merging=1.0, start=("pericentre", 100.0)), signal_to_noise=(500.0, 1000.0)
    ),
    "lens": Lenses(share=1.0, arc_signal_to_noise=(150.0, 300.0)),
    "blend": Blends(
        BulgeDisc((19.0, 20.0), log_radius_bulge=(0.2, 0.5), log_radius_disc=(0.5, 0.8)),
        separation=(10.0, 14.0),
    ),
}


def picture(survey: Survey, sky: Sky, row: int = 0, size: int = SIZE) -> np.ndarray:
    """One object in colour: [y, x, 3]."""
    source = Simulated(survey, {"test": row + 1}, seed=2, size=size, sky=sky, split="test")
    batch = source.take(torch.tensor([row]), 0)
    return asinh_rgb(batch.values.numpy(), sigma=survey_scale(batch))[0]


def first_of(kind: int, survey: Survey) -> int:
    """The first galaxy of a kind."""
    drawn = BRIGHT.population.draw(np.arange(60), survey, seed=2, split="test", size=SIZE)
    return int((drawn.kind == kind).nonzero()[0])


def stamps() -> Figure:
    """Kinds down, surveys across."""
    names = (*KIND.classes, *SKIES)
    figure = new_figure(1.05 * len(SURVEYS) + 0.8, 1.05 * len(names) + 0.4)
    grid = figure.subplots(len(names), len(SURVEYS))
    for column, preset in enumerate(SURVEYS):
        survey = preset()
        grid[0, column].set_title(preset.__name__, fontsize=8)
        for row, name in enumerate(names):
            axes = grid[row, column]
            if row < len(KIND.classes):
                image = picture(survey, BRIGHT, first_of(row, survey))
            else:
                image = picture(survey, SKIES[name])
            axes.imshow(image, origin="lower", interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            if column == 0:
                axes.set_ylabel(name.replace("_", " "), fontsize=8)
        print(preset.__name__, flush=True)
    return figure


def fields() -> Figure:
    """Scenes of two surveys, a density field and gas."""
    figure = new_figure(12, 3.2)
    axes = figure.subplots(1, 4)
    scene = Scenes(positions=Positions(density=60.0))
    for panel, survey in zip(axes, (surveys.hsc(), surveys.euclid_vis()), strict=False):
        panel.imshow(picture(survey, scene, size=400), origin="lower")
        panel.set_title(f"scene, {survey.name}", fontsize=9)
    density = SimulatedFields({"train": 1}, field=DensityField(side=128))
    panel = axes[2]
    panel.imshow(density.take(torch.tensor([0]), 0).values[0, 0].log1p(), cmap="magma")
    panel.set_title("lognormal density", fontsize=9)
    gas = PaintedGas(side=128, box=20.0)
    drawn = SimulatedFields({"train": 1}, field=gas, maps=("flux",)).take(torch.tensor([0]), 0)
    assert drawn.truth is not None
    axes[3].imshow(drawn.truth["flux"][0], cmap="viridis")
    axes[3].set_title("Lyman-alpha flux of painted gas", fontsize=9)
    for panel in axes:
        panel.set_xticks([])
        panel.set_yticks([])
    return figure


def main() -> None:
    """Write both pictures."""
    torch.set_num_threads(1)
    fields().savefig(HERE / "gallery_fields.jpg", dpi=100, pil_kwargs={"quality": 85})
    stamps().savefig(HERE / "gallery_stamps.jpg", dpi=100, pil_kwargs={"quality": 85})


if __name__ == "__main__":
    main()
