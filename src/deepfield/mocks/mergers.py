"""Mergers: encounters at any time, and the pairs and discs that look like them."""

from deepfield.data.simulated import Simulated
from deepfield.sky.counts import Counts
from deepfield.sky.mergers import Mergers
from deepfield.sky.neighbours import Neighbours
from deepfield.sky.surveys import named


def mergers(
    *,
    objects: dict[str, int],
    seed: int = 0,
    survey: str = "sdss",
    size: int = 64,
    maps: tuple[str, ...] = (),
    window: float = 300.0,
    signal_to_noise: tuple[float, float] = (10.0, 1000.0),
    neighbours: float = 46.0,
) -> Simulated:
    """Restricted three-body mergers, isolated discs and chance pairs (Toomre & Toomre 1972).

    Args:
        objects: how many in each split.
        seed: another seed is another sky.
        survey: its name in ``sky.surveys``.
        size: side of the stamps, px.
        maps: companion, tidal, neighbour.
        window: Myr around coalescence that count as the stage merger.
        signal_to_noise: lowest and highest, log-uniform.
        neighbours: galaxies around it, per square arcmin brighter than magnitude 25.
    """
    mergers = Mergers(window=window, signal_to_noise=signal_to_noise)
    sky = Neighbours(mergers, Counts(density=neighbours))
    return Simulated(named(survey), objects, seed=seed, size=size, sky=sky, maps=maps)
