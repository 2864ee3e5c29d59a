"""Kinds: galaxies whose arms, bars and clumps can just be seen, or just not."""

from deepfield.data.simulated import Simulated
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
) -> Simulated:
    """Smooth, edge-on, spiral, barred and irregular galaxies with neighbours.

    Args:
        objects: how many in each split.
        seed: another seed is another sky.
        survey: its name in ``sky.surveys``.
        size: side of the stamps, px.
        maps: arm, bar, ring, clump, dust, companion.
        signal_to_noise: lowest and highest, log-uniform.
        radius: disc half-light radius in PSF FWHM, lowest and highest, log-uniform.
    """
    population = Population(signal_to_noise=signal_to_noise, radius=radius)
    return Simulated(
        named(survey), objects, seed=seed, size=size, sky=Kinds(population), maps=maps
    )
