"""Spectra: class, redshift and emission lines (after QuasarNET, Busca & Balland 2018)."""

import math
from functools import partial

import torch

from deepfield.data.gaps import Gaps
from deepfield.data.simulated_spectra import SimulatedSpectra
from deepfield.nets.line_heads import Window
from deepfield.nets.seeded import seeded
from deepfield.nets.spectrometer import Spectrometer
from deepfield.nouns.recipe import Claim, Recipe
from deepfield.nouns.source import Source
from deepfield.rivals.cross_correlation import CrossCorrelation
from deepfield.rivals.line_fluxes import LineFluxes
from deepfield.scores.spectral_scores import spectral_scores
from deepfield.sky.spectroscopic import LINES, RATIOS, Spectroscopic
from deepfield.sky.surveys import sdss
from deepfield.tasks.classification import Classification
from deepfield.tasks.density import Density
from deepfield.tasks.differences import Differences
from deepfield.tasks.line_flux_scale import LogFluxOverNoise
from deepfield.tasks.redshift_scale import EvenInVelocity
from deepfield.tasks.several import Several
from deepfield.train.players import adam
from deepfield.train.schedules import cosine
from deepfield.train.stopping import Stopping
from deepfield.train.training import Training

TARGET = "kind"
QUESTION = "What is it, at what redshift, and how strong are its emission lines?"
PAPER = "Busca & Balland 2018, arXiv:1808.09955"
SIZE = 2499  # points from 350 to 950 nm
MOCK_OBJECTS = {"train": 20000, "validation": 1000}
REACH = ((-0.0024, 0.0024), (0.0, math.log(2.52)), (0.04, math.log(3.55)))
"""ln(1 + z) of stars, galaxies and active nuclei"""
TOGETHER = {
    # Lines that one head measures, and what it looks at, nm.
    "halpha": (("halpha", "nii"), 638.0, 680.0),
    "hbeta": (("hbeta", "oiii"), 470.0, 512.0),
    "oii": (("oii",), 362.0, 384.0),
}
ALONG = {"halpha": (654.99,), "hbeta": (496.03,), "oii": ()}
"""nm, of lines that a fit of the others must know"""
FITTED = {
    tuple(f"log_flux_{line}" for line in lines): LineFluxes(
        (*(LINES[line] for line in lines), *ALONG[name]), len(lines)
    )
    for name, (lines, _, _) in TOGETHER.items()
}
RATIO_NAMES = {
    name: (f"log_flux_{top}", f"log_flux_{bottom}") for name, (top, bottom) in RATIOS.items()
}
SCALE = LogFluxOverNoise(1.3, 0.8)


def mock(*, objects: dict[str, int], seed: int, maps: tuple[str, ...] = ()) -> SimulatedSpectra:
    """Galaxies, stars and broad-line nuclei, 350 to 950 nm at R = 1000, S/N 1 to 30 a pixel."""
    return SimulatedSpectra(objects, seed, sdss(), Spectroscopic(), signal_to_noise=(1.0, 30.0))


def spectra(
    source: Source,
    *,
    epochs: int = 5,
    batch_size: int = 64,
    rate: float = 3e-3,
    weight_decay: float = 1e-4,
    gaps: float = 0.3,
    seed: int = 0,
) -> Recipe:
    """Class, redshift posterior and line fluxes of spectra, beside template cross-correlation.

    Args:
        source: spectra on one grid that is even in ln wavelength.
        epochs: at most.
        batch_size: objects a step.
        rate: highest learning rate of Adam; warms up, then falls as a cosine.
        weight_decay: decoupled, a step.
        gaps: share of the training spectra with gaps, or with an end missing.
        seed: of the initial weights and of every draw in training.
    """
    # Of a weights file there are no objects: it learnt on the mock's wavelengths.
    known = source if len(source) else mock(objects={"train": 1}, seed=0)
    wavelength = known.take(torch.arange(1), 0).wavelength
    if wavelength is None:
        raise ValueError("the source's batches have no wavelength; expected spectra")
    nm = wavelength
    windows = {
        name: Window(tuple(LINES[line] for line in lines), low, high)
        for name, (lines, low, high) in TOGETHER.items()
    }
    net = seeded(lambda: Spectrometer(nm, reach=REACH, lines=(1, windows)), seed)
    redshift = Density(
        (source.quantity("redshift"),), (EvenInVelocity(net.low, net.high),), (spectral_scores,)
    )
    fluxes = {
        name: Density(
            tuple(source.quantity(f"log_flux_{line}") for line in lines), (SCALE,) * len(lines)
        )
        for name, (lines, _, _) in TOGETHER.items()
    }
    kind = Classification(source.quantity(TARGET))
    task = Several({"kind": kind, "redshift": redshift, **fluxes})
    return Recipe(
        name="spectra",
        net=net,
        task=Differences(task, {source.quantity(name): of for name, of in RATIO_NAMES.items()}),
        training=Training(
            epochs=epochs,
            batch_size=batch_size,
            optimizer=adam(rate, weight_decay=weight_decay),
            schedule=cosine(warmup=0.05),
            stopping=Stopping(monitor="loss", patience=epochs),
            augment=Gaps(gaps),
            clip=10.0,
            seed=seed,
        ),
        rivals={"cross_correlation": partial(CrossCorrelation, TARGET, FITTED, 1, RATIO_NAMES)},
        claims=(
            Claim("redshift_success", "within 0.003 of 1 + z", at_least=0.95),
            Claim("accuracy", "of star, galaxy or active nucleus", at_least=0.97),
        ),
        source=source,
    )
