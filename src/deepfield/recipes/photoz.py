"""Redshifts with their probability from images in five bands (Pasquet+19, A&A 621, A26)."""

from functools import partial

import torch

from deepfield.data.simulated import Simulated
from deepfield.nets.committee import CommitteeHead, Members
from deepfield.nets.heads.mixture import MixtureHead
from deepfield.nets.measuring import Measuring
from deepfield.nets.ring_colours import RingColours
from deepfield.nets.seeded import seeded
from deepfield.nouns.recipe import Claim, Recipe
from deepfield.nouns.source import Source
from deepfield.rivals.boosting_redshift import BoostingRedshift
from deepfield.rivals.forest_redshift import ForestRedshift
from deepfield.rivals.nearest_neighbours_redshift import NearestNeighboursRedshift
from deepfield.sky.distant import shallow
from deepfield.sky.surveys import sdss_ugriz
from deepfield.tasks.density import Density
from deepfield.tasks.measures import redshift_measures
from deepfield.tasks.redshift_scale import LogRedshift
from deepfield.train.players import adam
from deepfield.train.schedules import cosine
from deepfield.train.stopping import Stopping
from deepfield.train.training import Training

TARGET = "redshift"
QUESTION = "How far is a galaxy, from its image in several bands?"
PAPER = "Pasquet+19, A&A 621, A26"
SIZE = 64  # px, of a stamp
MOCK_OBJECTS = {"train": 100000, "validation": 4000}
NEAREST = "nearest_neighbours"
STANDARD = 2048
"""training objects that say how the inputs are spread"""


def mock(*, objects: dict[str, int], seed: int, maps: tuple[str, ...] = ()) -> Simulated:
    """The main galaxy sample of SDSS in u, g, r, i, z: r < 17.8, redshifts around 0.1."""
    return Simulated(
        sdss_ugriz(), objects, seed=seed, size=SIZE, sky=shallow(sdss_ugriz().channels), maps=maps
    )


def photoz(
    source: Source,
    *,
    target: str = TARGET,
    members: int = 3,
    width: int = 256,
    layers: int = 3,
    components: int = 5,
    dropout: float = 0.0,
    epochs: int = 18,
    batch_size: int = 256,
    rate: float = 4e-3,
    weight_decay: float = 1e-2,
    seed: int = 0,
) -> Recipe:
    """A committee that sees colours from the inside out, beside rivals with total magnitudes.

    Args:
        source: stamps in two bands or more, from blue to red, with redshifts.
        target: name of the redshift.
        members: networks that answer together.
        width: of the hidden layers of each,
        layers: and how many.
        components: Gaussians of each one's density in ln(1 + z).
        dropout: share of every layer's outputs that training leaves out.
        epochs: passes over the training objects, each under fresh noise.
        batch_size: objects a step.
        rate: highest learning rate of Adam; warms up, then falls as a cosine.
        weight_decay: decoupled, a step.
        seed: of the initial weights and of every draw in training.
    """
    channels = len(source.channels)

    def build() -> Measuring:
        first = RingColours(channels, SIZE)
        trunk = Members(
            first.features, members=members, width=width, layers=layers, dropout=dropout
        )
        head = partial(MixtureHead, size=1, components=components)
        return Measuring(first, trunk, CommitteeHead(head, members=members, features=width))

    net = seeded(build, seed)
    train = source.part("train")
    # Of a weights file there are no objects: it holds what they said.
    if len(train):
        assert isinstance(net.first, RingColours)
        net.first.standardise([train.take(torch.arange(min(len(train), STANDARD)), 0)])
    return Recipe(
        name="photoz",
        net=net,
        task=Density((source.quantity(target),), (LogRedshift(0.1, 0.05),), (redshift_measures,)),
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
            Claim("sigma_mad", "paper: 0.0091 / 0.0135", at_most=0.80, paper=0.68, over=NEAREST),
            Claim("outlier_fraction", "paper: 0.31 % / 1.3 %", at_most=0.25, over=NEAREST),
            Claim("bias", "mean of (z - z_true) / (1 + z_true)", at_least=-1e-3, at_most=1e-3),
            Claim("pit_ks", "largest gap of the PIT from uniform", at_most=0.03),
        ),
        source=source,
    )
