"""Kinds: galaxies whose arms, bars and clumps can just be seen, or just not."""

from deepfield.data.simulated import Simulated
from deepfield.render.imperfect import imperfect
from deepfield.sky.kinds import Kinds
from deepfield.sky.population import Population
from deepfield.sky.surveys import named


def kinds(
    *,
    objects: dict[str, int],
    seed: int = 0,
    survey: str = "sdss",
    size: int = 64,
    maps: tuple[str, ...] = (),
    signal_to_noise: tuple[float, float] = (5.0, 2500.0),
    radius: tuple[float, float] = (0.9, 3.2),
    overlapping: float = 0.3,
    resampled: float = 0.3,
    spoiled: float = 0.02,
) -> Simulated:
    """Smooth, edge-on, spiral, barred and irregular galaxies among neighbours.

    Args:
        objects: how many in each split.
        seed: another seed is another sky.
        survey: its name in ``sky.surveys``.
        size: side of the stamps, px.
        maps: arm, bar, ring, clump, dust, companion.
        signal_to_noise: lowest and highest, log-uniform.
        radius: disc half-light radius in PSF FWHM, lowest and highest, log-uniform.
        overlapping: share of galaxies with a star or galaxy on their outskirts.
        resampled: share of stamps with correlated noise.
        spoiled: share with each of cosmic rays, bad columns, an edge, a missing band.
    """
    population = Population(signal_to_noise=signal_to_noise, radius=radius)
    return Simulated(
        named(survey),
        objects,
        seed=seed,
        size=size,
        sky=Kinds(population, overlapping=overlapping),
        telescope=imperfect(resampled=resampled, spoiled=spoiled),
        maps=maps,
    )
