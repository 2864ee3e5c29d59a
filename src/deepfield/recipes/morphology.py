"""Morphology: which of a few kinds is each galaxy? (Dominguez Sanchez+18, MNRAS 476, 3661)"""

from functools import partial

from deepfield.data.augment import Dihedral, isotropic
from deepfield.data.classes import balanced
from deepfield.data.display import Display, InTurn
from deepfield.data.simulated import Simulated
from deepfield.mocks.kinds import kinds
from deepfield.nets.network import Network, stretched_channels
from deepfield.nets.seeded import seeded
from deepfield.nets.thin import thin
from deepfield.nouns.recipe import Claim, Recipe
from deepfield.nouns.source import Source
from deepfield.rivals.hog_svm import HogSvm
from deepfield.rivals.morphometry_forest import MorphometryForest
from deepfield.rivals.morphometry_svm import MorphometrySvm
from deepfield.tasks.classification import Classification
from deepfield.train.players import adam
from deepfield.train.schedules import cosine
from deepfield.train.stopping import Stopping
from deepfield.train.training import Training

TARGET = "kind"
QUESTION = "Is a galaxy smooth, an edge-on disc, a spiral, barred or irregular?"
PAPER = "Dominguez Sanchez+18, MNRAS 476, 3661"
SIZE = 64  # px, of a stamp


EVIDENCE = {"spiral": "arm", "barred": "bar", "irregular": "clump"}
"""map of the mock sky that shows where the evidence for a class lies"""


def mock(*, objects: dict[str, int], seed: int, maps: tuple[str, ...] = ()) -> Simulated:
    """Galaxies of five kinds in SDSS g, r, i; about half of them show their kind."""
    return kinds(objects=objects, seed=seed, size=SIZE, maps=maps)


MOCK_OBJECTS = {"train": 50000, "validation": 2000}


def morphology(
    source: Source,
    *,
    target: str = TARGET,
    epochs: int = 60,
    batch_size: int = 32,
    rate: float = 1e-3,
    weight_decay: float = 1e-2,
    dropout: float = 0.2,
    patience: int = 30,
    zoom: float = 1.2,
    shift: float = 0.04,
    display: float = 0.0,
    balance: float = 0.0,
    views: int = 4,
    seed: int = 0,
) -> Recipe:
    """Kinds of galaxies from colour stamps, beside HoG + SVM and morphometry.

    Args:
        source: stamps with classes, from any number of bands.
        target: name of the classes.
        epochs: at most; training stops early.
        batch_size: objects a step.
        rate: highest learning rate of Adam; warms up, then falls as a cosine.
        weight_decay: decoupled, a step.
        dropout: on the features.
        patience: epochs without a better validation loss before training stops.
        zoom: augmentation turns, mirrors, magnifies by up to this factor or its inverse,
        shift: and moves by up to this share of the side. With 1 and 0 only exact mirror images
            and quarter turns remain, which leave the noise as it is.
        display: share of the training stamps that are shown as a JPEG would.
        balance: 0 takes the classes as frequent as they are, 1 makes rare ones count alike.
        views: orientations of a stamp that are looked at, 1 (fastest) to 8 (best).
        seed: of the initial weights and of every draw in training.
    """
    question = source.quantity(target)
    channels = len(source.channels)
    moves = isotropic(shift, (1 / zoom, zoom)) if zoom != 1 or shift > 0 else Dihedral()
    return Recipe(
        name="morphology",
        net=seeded(
            lambda: Network(
                thin(stretched_channels(channels)),
                outputs=len(question.classes),
                channels=channels,
                size=SIZE,
                dropout=dropout,
            ),
            seed,
        ),
        task=Classification(question, balanced(source, target, balance)),
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
            "hog_svm": partial(HogSvm, target),
            "morphometry_svm": partial(MorphometrySvm, target),
            "morphometry_forest": partial(MorphometryForest, target),
        },
        claims=(
            Claim(
                "accuracy_visible",
                "SDSS galaxies with certain labels: paper's abstract",
                at_least=0.97,
                paper=0.97,
                rival_paper=0.818,
            ),
            Claim("errors_visible_ratio", "of the best rival's", at_most=1 / 3),
            Claim("calibration_error", "15 bins of equal count", at_most=0.02),
        ),
        source=source,
        views=views,
    )
