"""Distant: galaxies whose colours, sizes and shapes know their redshift."""

from deepfield.data.simulated import Simulated
from deepfield.sky.counts import Counts
from deepfield.sky.distant import Distant
from deepfield.sky.flux_limited import FluxLimited
from deepfield.sky.neighbours import Neighbours
from deepfield.sky.surveys import named


def distant(
    *,
    objects: dict[str, int],
    seed: int = 0,
    survey: str = "lsst",
    size: int = 64,
    maps: tuple[str, ...] = (),
    limit: float = 23.5,
    neighbours: float = 46.0,
) -> Simulated:
    """Bulges and discs with spectra, dust and redshifts, as a flux-limited survey finds them.

    Args:
        objects: how many in each split.
        seed: another seed is another sky.
        survey: its name in ``sky.surveys``.
        size: side of the stamps, px.
        maps: bulge, disc, neighbour.
        limit: apparent magnitude of the faintest, AB, in the middle band.
        neighbours: galaxies around it, per square arcmin brighter than magnitude 25.
    """
    bands = named(survey).channels
    distant = Distant(FluxLimited(limit=limit), bands)
    sky = Neighbours(distant, Counts(density=neighbours))
    return Simulated(named(survey), objects, seed=seed, size=size, sky=sky, maps=maps)
