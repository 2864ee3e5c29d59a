"""Galaxy Zoo: how would volunteers answer? (Dieleman, Willett & Dambre 2015, MNRAS 450, 1441)"""

from functools import partial

from torch import nn

from deepfield.data.augment import Dihedral, isotropic
from deepfield.data.display import Display, InTurn
from deepfield.data.simulated import Simulated
from deepfield.mocks.galaxy_zoo import galaxy_zoo as volunteers
from deepfield.nets.network import Network
from deepfield.nets.seeded import seeded
from deepfield.nets.staged import Staged
from deepfield.nets.stretch import AsinhStretch
from deepfield.nets.thin import thin
from deepfield.nets.views import Views
from deepfield.nouns.galaxy_zoo import GALAXY_ZOO_2
from deepfield.nouns.recipe import Claim, Recipe
from deepfield.nouns.source import Source
from deepfield.rivals.feature_ridge import FeatureRidge
from deepfield.rivals.features.colour_histogram import ColourHistogram
from deepfield.rivals.hog_ridge import HogRidge
from deepfield.tasks.votes import VoteFractions
from deepfield.train.players import adam
from deepfield.train.schedules import cosine
from deepfield.train.stopping import Stopping
from deepfield.train.training import Training

TARGET = "smooth_or_features_smooth"
QUESTION = "What share of volunteers would give each of Galaxy Zoo's 37 answers?"
PAPER = "Dieleman, Willett & Dambre 2015, MNRAS 450, 1441"
SIZE = 48  # px, of a stamp
SOFTENINGS = (1.0, 10.0, 100.0)
"""the last for patterns in galaxies a hundred times brighter than the sky's noise"""
MOCK_OBJECTS = {"train": 24000, "validation": 1000}


def mock(*, objects: dict[str, int], seed: int, maps: tuple[str, ...] = ()) -> Simulated:
    """Painted galaxies in SDSS g, r, i, each with the votes of 40 volunteers."""
    return volunteers(objects=objects, seed=seed, size=SIZE, maps=maps)


def galaxy_zoo(
    source: Source,
    *,
    parts: int = 1,
    epochs: int = 8,
    batch_size: int = 32,
    rate: float = 2e-3,
    weight_decay: float = 1e-2,
    dropout: float = 0.1,
    patience: int = 8,
    zoom: float = 1.0,
    shift: float = 0.0,
    display: float = 0.0,
    views: int = 8,
    seed: int = 0,
) -> Recipe:
    """Vote fractions with their uncertainty, beside ridge regressions on gradients and colours.

    Args:
        source: stamps with a column of votes for each answer of ``GALAXY_ZOO_2``.
        parts: 1 shows the network the whole stamp; 16, as in the paper, four views of it, each in
            four corners.
        epochs: at most; training stops early. A thousand galaxies of your own want 50, with a
            rate of 3e-3, a zoom of 1.15 and a shift of 0.03.
        batch_size: objects a step.
        rate: highest learning rate of Adam; warms up, then falls as a cosine.
        weight_decay: decoupled, a step.
        dropout: on the features.
        patience: epochs without a better validation loss before training stops.
        zoom: augmentation magnifies by up to this factor or its inverse,
        shift: and moves by up to this share of the side. With 1 and 0 only exact mirror images
            and quarter turns remain, which leave the noise as it is.
        display: share of the training stamps that are shown as a JPEG would.
        views: orientations of a stamp that are looked at, 1 (fastest) to 8 (best).
        seed: of the initial weights and of every draw in training.
    """
    task, channels = VoteFractions(GALAXY_ZOO_2), len(source.channels)
    moves = isotropic(shift, (1 / zoom, zoom)) if zoom != 1 or shift > 0 else Dihedral()
    return Recipe(
        name="galaxy_zoo",
        net=seeded(
            lambda: Network(
                _trunk(parts, channels * len(SOFTENINGS), dropout),
                outputs=task.outputs,
                channels=channels,
                size=SIZE,
                dropout=dropout,
                stretch=AsinhStretch(SOFTENINGS),
            ),
            seed,
        ),
        task=task,
        training=Training(
            epochs=epochs,
            batch_size=batch_size,
            optimizer=adam(rate, weight_decay=weight_decay),
            schedule=cosine(warmup=0.05),
            stopping=Stopping(monitor="loss", patience=patience),
            augment=InTurn((moves, Display(display))),
            seed=seed,
        ),
        rivals={
            "hog_ridge": partial(HogRidge, GALAXY_ZOO_2),
            "colour_ridge": partial(FeatureRidge, GALAXY_ZOO_2, (ColourHistogram(),)),
        },
        claims=(
            Claim("rmse_over_irreducible", "of perfect vote probabilities", at_most=1.20),
            Claim("accuracy_agreed", "paper's abstract: > 99 %", at_least=0.99, paper=0.99),
            Claim("pit_ks_votes", "distance of the ranks from uniform", at_most=0.05),
        ),
        source=source,
        views=views,
    )


def _trunk(parts: int, channels: int, dropout: float) -> nn.Module:
    if parts == 1:
        return Staged(channels)
    if parts != 16:
        raise ValueError(f"{parts} parts; expected 1, the whole stamp, or 16, the paper's")
    shared = thin(channels, (8, 16, 32, 64))
    return Views(shared, features=64, size=SIZE, part=28, hidden=160, dropout=dropout)
