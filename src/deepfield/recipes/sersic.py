"""Sersic: one profile and its joint posterior (Tuccillo+18, MNRAS 475, 894)."""

from functools import partial

from deepfield.data.simulated import Simulated
from deepfield.likelihood.corrected import Corrected
from deepfield.likelihood.galaxies import one_sersic
from deepfield.nets.heads.mixture import MixtureHead
from deepfield.nets.measuring import Measuring
from deepfield.nets.multipoles import Multipoles
from deepfield.nets.residual_mlp import residual_mlp
from deepfield.nets.seeded import seeded
from deepfield.nouns.recipe import Claim, Recipe
from deepfield.nouns.source import Source
from deepfield.render.field_psf import PsfStack
from deepfield.render.seeings import seeings
from deepfield.render.telescope import Telescope
from deepfield.render.white import WhiteNoise
from deepfield.rivals.batched_fit import BatchedSersic
from deepfield.rivals.profile_models import Limits
from deepfield.rivals.pyimfit_fit import PyimfitSersic
from deepfield.sky.at_signal import AtSignal
from deepfield.sky.single import Single
from deepfield.sky.surveys import hst_f160w
from deepfield.tasks.density import Density
from deepfield.tasks.measures import structure_measures
from deepfield.tasks.scales import Direction, Flat, LogPixels, MagnitudeOverSignal, Scale
from deepfield.train.players import adam
from deepfield.train.schedules import cosine
from deepfield.train.stopping import Stopping
from deepfield.train.training import Training

QUESTION = "How bright, large, concentrated and flat is a galaxy?"
PAPER = "Tuccillo+18, MNRAS 475, 894"
SIZE = 64  # px, of a stamp
MOCK_OBJECTS = {"train": 30000, "validation": 2000}


def mock(*, objects: dict[str, int], seed: int, maps: tuple[str, ...] = ()) -> Simulated:
    """Sersic profiles with flat priors, alone in their stamps, at S/N of 5 to 400."""
    return Simulated(
        hst_f160w(),
        objects,
        seed=seed,
        size=SIZE,
        sky=AtSignal(Single()),
        telescope=Telescope(PsfStack(seeings()), WhiteNoise()),
        maps=maps,
    )


SCALES: dict[str, Scale] = {
    "magnitude": MagnitudeOverSignal(0.45, 2.15),
    "radius": LogPixels(0.2, 1.3),
    "sersic_index": Flat(0.5, 6.0),
    "axis_ratio": Flat(0.1, 1.0),
    "position_angle": Direction(),
    "x": Flat((SIZE - 2) / 2, SIZE / 2),
    "y": Flat((SIZE - 2) / 2, SIZE / 2),
}

LIMITS = Limits((10**0.2, 10**1.3), (10**0.2, 10**1.3), (0.5, 6.0), (0.1, 1.0))
"""of the prior, which pyimfit is told too"""
CLAIMS = (
    Claim("coverage_68", "68 % intervals", at_least=0.66, at_most=0.70),
    Claim("coverage_95", "95 % intervals", at_least=0.94, at_most=0.96),
)


def sersic(
    source: Source,
    *,
    epochs: int = 12,
    batch_size: int = 256,
    rate: float = 2e-3,
    weight_decay: float = 1e-4,
    width: int = 256,
    blocks: int = 2,
    components: int = 4,
    seed: int = 0,
) -> Recipe:
    """One profile from a stamp and its PSF, beside fits of the same model.

    Args:
        source: stamps of one galaxy each, with their PSFs.
        epochs: passes over the training objects, each under fresh noise.
        batch_size: objects a step.
        rate: highest learning rate of Adam.
        weight_decay: decoupled, a step.
        width: of the residual perceptron,
        blocks: and how many it has.
        components: Gaussians of the posterior.
        seed: of the initial weights and of every draw in training.
    """
    channels = len(source.channels)

    def build() -> Measuring:
        first = Multipoles(channels, SIZE)
        trunk = residual_mlp(first.features, width=width, blocks=blocks)
        return Measuring(first, trunk, MixtureHead(width, len(SCALES), components))

    return Recipe(
        name="sersic",
        net=seeded(build, seed),
        task=Density(
            tuple(source.quantity(name) for name in SCALES),
            tuple(SCALES.values()),
            measures=(structure_measures,),
        ),
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
            "pyimfit": partial(PyimfitSersic, limits=LIMITS, affordable=60),
            "batched_fit": BatchedSersic,
        },
        claims=CLAIMS,
        source=source,
        corrections={
            "corrected": partial(Corrected, galaxies=one_sersic, indices=(None,)),
        },
    )
