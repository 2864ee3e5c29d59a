"""Clumpy: discs with unresolved star-forming clumps (Huertas-Company+20, MNRAS 499, 814)."""

from deepfield.data.simulated import Simulated
from deepfield.sky.clumpy import Clumpy
from deepfield.sky.counts import Counts
from deepfield.sky.neighbours import Neighbours
from deepfield.sky.surveys import named


def clumpy(
    *,
    objects: dict[str, int],
    seed: int = 0,
    survey: str = "hst",
    size: int = 64,
    maps: tuple[str, ...] = ("clump",),
    signal_to_noise: tuple[float, float] = (15.0, 300.0),
    fraction: tuple[float, float] = (0.01, 0.3),
    neighbours: float = 0.0,
) -> Simulated:
    """Discs with up to eight clumps, each with its place and flux.

    Args:
        objects: how many in each split.
        seed: another seed is another sky.
        survey: its name in ``sky.surveys``.
        size: side of the stamps, px.
        maps: clump, disc, neighbour.
        signal_to_noise: lowest and highest, log-uniform.
        fraction: of the galaxy's flux in one clump, lowest and highest, log-uniform.
        neighbours: galaxies around it, per square arcmin brighter than magnitude 25.
    """
    clumpy = Clumpy(signal_to_noise=signal_to_noise, fraction=fraction)
    sky = Neighbours(clumpy, Counts(density=neighbours))
    return Simulated(named(survey), objects, seed=seed, size=size, sky=sky, maps=maps)
