"""Temperature, gravity and metallicity of stars (Bailer-Jones 2000, A&A 357, 197)."""

from functools import cache, partial

import numpy as np
import torch

from deepfield.data.gaps import Gaps
from deepfield.data.simulated_stars import SimulatedStars
from deepfield.nets.eigenspectra import Eigenspectra
from deepfield.nets.heads.mixture import MixtureHead
from deepfield.nets.measuring import Measuring
from deepfield.nets.residual_mlp import residual_mlp
from deepfield.nets.seeded import seeded
from deepfield.nouns.recipe import Claim, Recipe
from deepfield.nouns.source import Source
from deepfield.rivals.grid_chi_square import GridChiSquare
from deepfield.rivals.partial_least_squares import PartialLeastSquares
from deepfield.rivals.templates import Templates
from deepfield.scores.bounds import bound_scores
from deepfield.sky.instruments import Instrument, medium_bands, spectrograph
from deepfield.sky.stars import PARAMETERS, Stars
from deepfield.tasks.density import Density
from deepfield.tasks.measures import general_measures
from deepfield.tasks.scales import Flat
from deepfield.train.players import adam
from deepfield.train.schedules import cosine
from deepfield.train.stopping import Stopping
from deepfield.train.training import Training

TARGET = "log_teff"
QUESTION = "How hot, how dense and how rich in metals is a star, from its spectrum?"
PAPER = "Bailer-Jones 2000, A&A 357, 197"
SIZE = 188  # pixels of a spectrum, 380 to 850 nm
MOCK_OBJECTS = {"train": 50000, "validation": 2000}
EIGENSPECTRA = 24
"""principal components: more would lower the smallest possible error by less than 0.1 %"""
NODES = (71, 11, 13)
"""of the rival's grid"""


def mock(*, objects: dict[str, int], seed: int, maps: tuple[str, ...] = ()) -> SimulatedStars:
    """Spectra of stars at 5 nm resolution, signal-to-noise 5 to 100 per resolution element."""
    return SimulatedStars(objects, seed)


def mock_bands(*, objects: dict[str, int], seed: int) -> SimulatedStars:
    """The same stars through 13 medium bands, signal-to-noise 5 to 100 per band."""
    return SimulatedStars(objects, seed, instrument=medium_bands())


def stellar_parameters(
    source: Source,
    *,
    width: int = 192,
    components: int = 4,
    epochs: int = 40,
    batch_size: int = 256,
    rate: float = 3e-3,
    weight_decay: float = 1e-3,
    gaps: float = 0.1,
    seed: int = 0,
) -> Recipe:
    """A joint posterior of three parameters, beside chi-square over a grid and PLS regression.

    Args:
        source: spectra on the mock's wavelengths, or its medium bands.
        width: of the network's layers.
        components: Gaussians of the posterior.
        epochs: passes over the training objects, each with fresh noise on the mock.
        batch_size: objects a step.
        rate: highest learning rate of Adam; warms up, then falls as a cosine.
        weight_decay: decoupled, a step.
        gaps: share of the training spectra that lose a stretch of pixels, or an end.
        seed: of the initial weights and of every draw in training.
    """
    quantities = tuple(source.quantity(name) for name in PARAMETERS)
    instrument = spectrograph() if source.grid else medium_bands()
    ranges = tuple(Flat(low, high) for low, high in Stars().ranges)
    return Recipe(
        name="stellar_parameters",
        net=seeded(lambda: _network(instrument, width, components), seed),
        task=Density(quantities, ranges, (general_measures, bound_scores)),
        training=Training(
            epochs=epochs,
            batch_size=batch_size,
            optimizer=adam(rate, weight_decay=weight_decay),
            schedule=cosine(warmup=0.05),
            stopping=Stopping(monitor="loss", patience=epochs),
            augment=Gaps(gaps) if source.grid else None,
            clip=1.0,
            seed=seed,
        ),
        rivals={
            "grid_chi_square": partial(GridChiSquare, PARAMETERS, templates(instrument)),
            "partial_least_squares": partial(PartialLeastSquares, PARAMETERS),
        },
        claims=tuple(
            Claim(f"cramer_rao_ratio_{name}", "of the smallest error possible", at_most=1.2)
            for name in PARAMETERS
        ),
        source=source,
    )


@cache
def templates(instrument: Instrument) -> Templates:
    """What an instrument sees of stars on an even grid over the priors."""
    axes = [
        torch.from_numpy(np.linspace(low, high, count))
        for (low, high), count in zip(Stars().ranges, NODES, strict=True)
    ]
    mesh = torch.meshgrid(*axes, indexing="ij")
    parts = zip(*(axis.flatten().split(512) for axis in mesh), strict=True)
    seen = torch.cat([instrument.see(*part) for part in parts])
    return Templates(
        tuple(axis.numpy() for axis in axes),
        seen.numpy().reshape(*NODES, -1),
    )


def _network(instrument: Instrument, width: int, components: int) -> Measuring:
    population = torch.from_numpy(templates(instrument).flat)
    kept = min(EIGENSPECTRA, population.shape[1] - 1)
    wavelength = instrument.wavelength if instrument.grid else None
    first = Eigenspectra(population, components=kept, wavelength=wavelength)
    trunk = residual_mlp(first.features, width=width)
    return Measuring(first, trunk, MixtureHead(width, size=3, components=components))
