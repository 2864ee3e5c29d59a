"""Paradigm: the same galaxies for hand-made features, a perceptron and a convolutional network."""

from functools import partial

from deepfield.data.augment import Dihedral
from deepfield.data.displaced import Cut, displaced
from deepfield.data.display import InTurn
from deepfield.data.jitter import Jitter
from deepfield.data.kept import Kept
from deepfield.data.seen import Seen
from deepfield.mocks.kinds import kinds
from deepfield.nets.network import Network, stretched_channels
from deepfield.nets.seeded import seeded
from deepfield.nets.thin import thin
from deepfield.nouns.recipe import Claim, Recipe
from deepfield.nouns.source import Source
from deepfield.rivals.classical import Classical
from deepfield.rivals.features.co_occurrence import CoOccurrence
from deepfield.rivals.features.colour_histogram import ColourHistogram
from deepfield.rivals.features.gradients import Gradients
from deepfield.rivals.features.structure import Structure
from deepfield.rivals.learners.boosting import Boosting
from deepfield.rivals.learners.rbf_machine import RbfMachine
from deepfield.rivals.perceptron import Perceptron
from deepfield.tasks.classification import Classification
from deepfield.train.players import adam
from deepfield.train.schedules import cosine
from deepfield.train.stopping import Stopping
from deepfield.train.training import Training

TARGET = "kind"
QUESTION = "What changes when features are learned: accuracy, cost, and what a shift does?"
PAPER = "Huertas-Company & Lanusse 2023, PASA 40, e001"
SIZE = 64  # px, of a stamp
SHIFT = 8  # px, of the challenge


def mock(*, objects: dict[str, int], seed: int) -> Seen:
    """Galaxies of five kinds in SDSS g, r, i, observed once, cut from wider images."""
    return Seen(Kept(kinds(objects=objects, seed=seed, size=SIZE + 2 * SHIFT)), Cut(SIZE))


JOINED = (Structure(), Gradients(), CoOccurrence(), ColourHistogram())

MOCK_OBJECTS = {"train": 5000, "validation": 1000}


def paradigm(
    source: Source,
    *,
    target: str = TARGET,
    epochs: int = 20,
    batch_size: int = 32,
    rate: float = 2e-3,
    weight_decay: float = 1e-2,
    dropout: float = 0.2,
    shift: int = SHIFT,
    views: int = 1,
    seed: int = 0,
) -> Recipe:
    """Kinds of galaxies by a network that learns its features, beside those who are given them.

    Args:
        source: stamps with classes, from any number of bands.
        target: name of the classes.
        epochs: at most; training stops early.
        batch_size: objects a step.
        rate: highest learning rate of Adam; warms up, then falls as a cosine.
        weight_decay: decoupled, a step.
        dropout: on the features.
        shift: px; augmentation turns by quarters and mirrors, and moves by up to so many along
            both axes. With 0 the network never sees a galaxy off its place, and is as lost as
            the perceptron when it does: strides and borders tell it where it looks.
        views: orientations of a stamp that are looked at, 1 to 8.
        seed: of the initial weights and of every draw in training.
    """
    question = source.quantity(target)
    channels = len(source.channels)
    return Recipe(
        name="paradigm",
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
        task=Classification(question),
        training=Training(
            epochs=epochs,
            batch_size=batch_size,
            optimizer=adam(rate, weight_decay=weight_decay),
            schedule=cosine(warmup=0.1),
            stopping=Stopping(monitor="loss", patience=epochs),
            augment=InTurn((Dihedral(), Jitter(shift))),
            seed=seed,
        ),
        rivals={
            "gradients_svm": partial(Classical, target, [Gradients()], RbfMachine(components=120)),
            "joined_boosting": partial(Classical, target, JOINED, Boosting()),
            "perceptron": partial(Perceptron, target),
            "perceptron_jittered": partial(Perceptron, target, shift=SHIFT),
        },
        claims=(
            Claim("lost_accuracy_shifted", "a convolution moves with its image", at_most=0.02),
        ),
        source=source,
        views=views,
        challenges={"shifted": partial(displaced, shift=SHIFT)},
    )
