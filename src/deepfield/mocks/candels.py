"""CANDELS: faint galaxies and stars in F160W, and votes on their main class."""

from deepfield.data.simulated import Simulated
from deepfield.sky.inspected import Inspected
from deepfield.sky.kinds import Kinds
from deepfield.sky.population import Population
from deepfield.sky.surveys import named


def candels(
    *,
    objects: dict[str, int],
    seed: int = 0,
    survey: str = "hst_f160w",
    size: int = 48,
    maps: tuple[str, ...] = (),
    signal_to_noise: tuple[float, float] = (40.0, 100.0),
    radius: tuple[float, float] = (0.9, 3.2),
    overlapping: float = 0.5,
    inspectors: int = 40,
) -> Simulated:
    """Spheroids, discs, irregulars, points and what is too faint to say, at 0.06 arcsec/px.

    As hard as makes a support vector machine on galSVM's features 80 % complete and pure for
    spheroids against discs (Huertas-Company+14, ApJ 793, 19). A galaxy of H = 24.5, the limit of
    Huertas-Company+15, and of median size has a signal-to-noise of 40.

    Args:
        objects: how many in each split.
        seed: another seed is another sky.
        survey: its name in ``sky.surveys``; of one band.
        size: side of the stamps, px.
        maps: arm, bar, ring, clump, dust, companion.
        signal_to_noise: lowest and highest, log-uniform.
        radius: disc half-light radius in PSF FWHM, lowest and highest, log-uniform; never above a
            sixth of the stamp.
        overlapping: share of objects with a star or galaxy on their outskirts.
        inspectors: how many look at each object.
    """
    population = Population(signal_to_noise=signal_to_noise, radius=radius)
    sky = Inspected(Kinds(population, overlapping=overlapping), inspectors)
    return Simulated(named(survey), objects, seed=seed, size=size, sky=sky, maps=maps)
