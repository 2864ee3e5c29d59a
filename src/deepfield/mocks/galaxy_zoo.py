"""Galaxy Zoo: painted galaxies, and the votes of volunteers who look at them."""

from deepfield.data.simulated import Simulated
from deepfield.sky.kinds import Kinds
from deepfield.sky.population import Population
from deepfield.sky.surveys import named
from deepfield.sky.volunteers import Volunteers


def galaxy_zoo(
    *,
    objects: dict[str, int],
    seed: int = 0,
    survey: str = "sdss",
    size: int = 48,
    maps: tuple[str, ...] = (),
    signal_to_noise: tuple[float, float] = (8.0, 2000.0),
    radius: tuple[float, float] = (0.9, 3.2),
    overlapping: float = 0.1,
    volunteers: int = 40,
) -> Simulated:
    """Galaxies of five kinds with votes for the 37 answers of Galaxy Zoo 2.

    Args:
        objects: how many in each split.
        seed: another seed is another sky.
        survey: its name in ``sky.surveys``.
        size: side of the stamps, px.
        maps: arm, bar, ring, clump, dust, companion.
        signal_to_noise: lowest and highest, log-uniform.
        radius: disc half-light radius in PSF FWHM, lowest and highest, log-uniform; never above a
            sixth of the stamp.
        overlapping: share of galaxies with a star or galaxy on their outskirts.
        volunteers: how many look at each galaxy.
    """
    population = Population(signal_to_noise=signal_to_noise, radius=radius)
    sky = Volunteers(Kinds(population, overlapping=overlapping), volunteers)
    return Simulated(named(survey), objects, seed=seed, size=size, sky=sky, maps=maps)
