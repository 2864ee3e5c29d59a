"""Redshifts with their probability from magnitudes (Collister & Lahav 2004, PASP 116, 345)."""

from functools import partial

import torch

from deepfield.data.simulated_photometry import SimulatedPhotometry
from deepfield.nets.committee import CommitteeHead, Members
from deepfield.nets.heads.mixture import MixtureHead
from deepfield.nets.measuring import Measuring
from deepfield.nets.photometry import Photometry
from deepfield.nets.seeded import seeded
from deepfield.nouns.recipe import Claim, Recipe
from deepfield.nouns.source import Source
from deepfield.rivals.boosting_redshift import BoostingRedshift
from deepfield.rivals.forest_redshift import ForestRedshift
from deepfield.rivals.nearest_neighbours_redshift import NearestNeighboursRedshift
from deepfield.tasks.density import Density
from deepfield.tasks.measures import redshift_measures
from deepfield.tasks.redshift_scale import RedshiftUpTo
from deepfield.train.players import adam
from deepfield.train.schedules import cosine
from deepfield.train.stopping import Stopping
from deepfield.train.training import Training

TARGET = "redshift"
QUESTION = "How far is a galaxy, from its magnitudes alone?"
PAPER = "Collister & Lahav 2004, PASP 116, 345"
SIZE = 1  # a table has no stamps
MOCK_OBJECTS = {"train": 50000, "validation": 4000}
NEAREST = "nearest_neighbours"
STANDARD = 50000
"""training objects that say how the inputs are spread"""


def mock(*, objects: dict[str, int], seed: int, maps: tuple[str, ...] = ()) -> SimulatedPhotometry:
    """Galaxies brighter than 23.5 mag in i as LSST's ten years measure them, 2 % of bands lost."""
    return SimulatedPhotometry(objects, seed)


def photoz_colours(
    source: Source,
    *,
    target: str = TARGET,
    highest: float = 7.0,
    members: int = 5,
    width: int = 128,
    layers: int = 3,
    components: int = 5,
    dropout: float = 0.1,
    hidden: float = 0.02,
    epochs: int = 60,
    batch_size: int = 128,
    rate: float = 2e-3,
    weight_decay: float = 1e-2,
    seed: int = 0,
) -> Recipe:
    """A committee of mixture density networks, beside neighbours, boosting and a forest.

    Args:
        source: a table of fluxes with redshifts, such as ``PhotometryTable.open(file)``.
        target: name of the redshift.
        highest: redshift that no answer passes.
        members: networks that answer together.
        width: of the hidden layers of each,
        layers: and how many.
        components: Gaussians of each one's density, in a number that grows with ln(1 + z).
        dropout: share of every layer's outputs that training leaves out.
        hidden: share of the bands that training hides, so that a missing one is nothing new.
        epochs: passes over the training objects; the best on the validation objects is kept.
        batch_size: objects a step.
        rate: highest learning rate of Adam; warms up, then falls as a cosine.
        weight_decay: decoupled, a step.
        seed: of the initial weights and of every draw in training.
    """

    def build() -> Measuring:
        first = Photometry(tuple(source.channels), hidden=hidden)
        trunk = Members(
            first.features, members=members, width=width, layers=layers, dropout=dropout
        )
        head = partial(MixtureHead, size=1, components=components)
        return Measuring(first, trunk, CommitteeHead(head, members=members, features=width))

    net = seeded(build, seed)
    task = Density((source.quantity(target),), (RedshiftUpTo(highest),), (redshift_measures,))
    train = source.part("train")
    # Of a weights file there are no objects: it holds what they said.
    if len(train):
        some = train.take(torch.arange(min(len(train), STANDARD)), 0)
        assert isinstance(net.first, Photometry) and isinstance(net.head, CommitteeHead)
        assert some.truth is not None
        if (farthest := some.truth[target].nan_to_num().max()) > highest:
            raise ValueError(
                f"redshifts reach {farthest:.3g}; expected at most highest={highest}: give more"
            )
        net.first.standardise([some])
        net.head.standardise(task.to_normal(some.truth, net.first(some)[1]))
    return Recipe(
        name="photoz_colours",
        net=net,
        task=task,
        training=Training(
            epochs=epochs,
            batch_size=batch_size,
            optimizer=adam(rate, weight_decay=weight_decay),
            schedule=cosine(warmup=0.05),
            stopping=Stopping(monitor="loss", patience=epochs),
            clip=10.0,
            seed=seed,
        ),
        rivals={
            NEAREST: partial(NearestNeighboursRedshift, target),
            "boosting": partial(BoostingRedshift, target),
            "forest": partial(ForestRedshift, target),
        },
        claims=(
            Claim("sigma_mad", "to be ahead of it", at_most=1.0, over=NEAREST),
            Claim("outlier_fraction_15", "not to be behind it", at_most=1.0, over=NEAREST),
            Claim("pit_ks", "largest gap of the PIT from uniform", at_most=0.03),
        ),
        source=source,
    )
