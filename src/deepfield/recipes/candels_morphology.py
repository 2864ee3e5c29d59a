"""CANDELS morphology: what would astronomers call it? (Huertas-Company+15, ApJS 221, 8)"""

from functools import partial

from deepfield.data.augment import Dihedral
from deepfield.data.simulated import Simulated
from deepfield.mocks.candels import candels
from deepfield.nets.network import Network, stretched_channels
from deepfield.nets.seeded import seeded
from deepfield.nets.thin import thin
from deepfield.nouns.galaxy_zoo import CANDELS
from deepfield.nouns.recipe import Claim, Recipe
from deepfield.nouns.source import Source
from deepfield.rivals.dominant_svm import GALSVM, DominantSvm
from deepfield.tasks.votes import VoteFractions
from deepfield.train.players import adam
from deepfield.train.schedules import cosine
from deepfield.train.stopping import Stopping
from deepfield.train.training import Training

TARGET = "main_class_spheroid"
QUESTION = "What share of astronomers would call a galaxy a spheroid, a disc, irregular, a point?"
PAPER = "Huertas-Company+15, ApJS 221, 8"
SIZE = 48  # px, of a stamp
MOCK_OBJECTS = {"train": 50000, "validation": 1000}


def mock(*, objects: dict[str, int], seed: int, maps: tuple[str, ...] = ()) -> Simulated:
    """Faint galaxies and stars in F160W at 0.06 arcsec/px, with 40 votes each."""
    return candels(objects=objects, seed=seed, size=SIZE, maps=maps)


def candels_morphology(
    source: Source,
    *,
    epochs: int = 12,
    batch_size: int = 32,
    rate: float = 2e-3,
    weight_decay: float = 1e-2,
    dropout: float = 0.1,
    patience: int = 8,
    views: int = 8,
    seed: int = 0,
) -> Recipe:
    """Vote fractions of five classes from one band, beside support vector machines.

    ``galsvm`` learns from what Huertas-Company+14, ApJ 793, 19 have; the mock sky is as hard as
    makes it 80 % complete and pure. ``morphometry_svm`` learns from a hundred features.

    Args:
        source: stamps with a column of votes for each answer of ``CANDELS``.
        epochs: at most; training stops early.
        batch_size: objects a step.
        rate: highest learning rate of Adam; warms up, then falls as a cosine.
        weight_decay: decoupled, a step.
        dropout: on the features.
        patience: epochs without a better validation loss before training stops.
        views: orientations of a stamp that are looked at, 1 (fastest) to 8 (best).
        seed: of the initial weights and of every draw in training.
    """
    task, channels = VoteFractions(CANDELS), len(source.channels)
    return Recipe(
        name="candels_morphology",
        net=seeded(
            lambda: Network(
                thin(stretched_channels(channels)),
                outputs=task.outputs,
                channels=channels,
                size=SIZE,
                dropout=dropout,
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
            augment=Dihedral(),
            seed=seed,
        ),
        rivals={
            "galsvm": partial(DominantSvm, CANDELS, kept=GALSVM),
            "morphometry_svm": partial(DominantSvm, CANDELS),
        },
        claims=(
            Claim(
                "dominant_error",
                "paper's abstract: below 1 %; rivals 20-30 %",
                at_most=0.03,
                paper=0.01,
                rival_paper=0.2,
            ),
            Claim("scatter_fractions", "paper's abstract: about 10 %", at_most=0.10, paper=0.10),
            Claim("bias_fractions", "paper's abstract: zero", at_least=-0.01, at_most=0.01),
        ),
        source=source,
        views=views,
    )
