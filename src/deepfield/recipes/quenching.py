"""Quenching: what tells whether a galaxy is passive? (Teimoorinia+16, MNRAS 457, 2086)"""

from functools import partial

from deepfield.data.simulated_table import SimulatedTable
from deepfield.nets.one_hidden import OneHidden
from deepfield.nets.seeded import seeded
from deepfield.nouns.recipe import Claim, Recipe
from deepfield.nouns.source import Source
from deepfield.rivals.table_classes import TableForest, TableLogistic
from deepfield.tasks.classification import Classification
from deepfield.train.players import adam
from deepfield.train.schedules import cosine
from deepfield.train.stopping import Stopping
from deepfield.train.training import Training

TARGET = "state"
QUESTION = "Is a galaxy passive, from its mass, structure, dynamics and surroundings?"
PAPER = "Teimoorinia, Bluck & Ellison 2016, MNRAS 457, 2086"
SIZE = 8  # columns of the mock catalogue
MOCK_OBJECTS = {"train": 50000, "validation": 5000}


def mock(
    *,
    objects: dict[str, int],
    seed: int,
    maps: tuple[str, ...] = (),
    columns: tuple[str, ...] = (),
) -> SimulatedTable:
    """A catalogue in which velocity dispersion alone quenches, and seven columns resemble it."""
    return SimulatedTable(objects, seed, columns=columns)


def quenching(
    source: Source,
    *,
    target: str = TARGET,
    hidden: int = 16,
    epochs: int = 8,
    batch_size: int = 256,
    rate: float = 1e-2,
    weight_decay: float = 1e-4,
    seed: int = 0,
) -> Recipe:
    """One hidden layer on the columns of a catalogue, beside logistic regression and a forest.

    The paper's ranking asks the same of each column alone: a source with one column each, and
    ``evaluate.ranking`` of their answers; ``benchmarks/quenching.py`` prints the table.

    Args:
        source: a table with classes.
        target: name of the classes.
        hidden: neurons.
        epochs: passes over the training objects.
        batch_size: objects a step.
        rate: highest learning rate of Adam; warms up, then falls as a cosine.
        weight_decay: decoupled, a step.
        seed: of the initial weights and of every draw in training.
    """
    question = source.quantity(target)
    columns, classes = len(source.channels), len(question.classes)
    return Recipe(
        name="quenching",
        net=seeded(lambda: OneHidden(columns, outputs=classes, hidden=hidden), seed),
        task=Classification(question),
        training=Training(
            epochs=epochs,
            batch_size=batch_size,
            optimizer=adam(rate, weight_decay=weight_decay),
            schedule=cosine(warmup=0.05),
            stopping=Stopping(monitor="loss", patience=epochs),
            seed=seed,
        ),
        rivals={
            "logistic_regression": partial(TableLogistic, target),
            "random_forest": partial(TableForest, target),
        },
        claims=(
            Claim(
                "auroc",
                "0.862 would be possible if the cause were known without error",
                at_least=0.85,
            ),
            Claim("calibration_error", "15 bins of equal count", at_most=0.02),
        ),
        source=source,
    )
